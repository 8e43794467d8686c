//! `log.jsonl`: what happened in a run, one JSON object per line.

use std::path::Path;

use encoders::BertConfig;
use files::{FileError, JsonLines};
use serde::{Deserialize, Serialize};

use crate::evaluation::HeldOut;
use crate::recipe::Recipe;
use crate::sequences::DataSummary;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run starts or continues: earlier lines about later steps no longer count.
    Start(Box<Start>),
    /// Steps since the last such line.
    Train {
        /// Steps taken.
        step: usize,
        /// Mean over these steps, in nats.
        loss: f64,
        /// Mean over these steps, before clipping.
        gradient_norm: f64,
        /// Learning rate of the last of these steps.
        learning_rate: f64,
        /// Tokens seen in total.
        tokens: u64,
        /// Speed over these steps.
        tokens_per_second: f64,
        /// Since the start, over all parts of the run.
        seconds: f64,
    },
    /// The held-out documents.
    HeldOut {
        /// Steps taken.
        step: usize,
        /// Tokens seen in total.
        tokens: u64,
        /// Since the start, over all parts of the run.
        seconds: f64,
        /// The scores.
        #[serde(flatten)]
        scores: HeldOut,
    },
}

/// A run that starts or continues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The next step, 0 for a new run.
    pub step: usize,
    /// The settings from here on.
    pub recipe: Recipe,
    /// The shape of the encoder.
    pub encoder: BertConfig,
    /// The text.
    pub data: DataSummary,
}

/// The log of a run, which also keeps other processes out of the run's folder.
pub(crate) type Log = JsonLines<Event>;

/// Opens the log of the run in a folder; a torn last line is cut off.
///
/// # Errors
/// [`FileError::InUse`] while another process has the run open, [`FileError::Io`], or [`FileError::Line`].
pub(crate) fn open(folder: &Path) -> Result<Log, FileError> {
    JsonLines::open(&folder.join("log.jsonl"), "an event of a run")
}
