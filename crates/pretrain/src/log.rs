//! What happened, one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use encoders::BertConfig;
use serde::{Deserialize, Serialize};

use crate::error::PretrainError;
use crate::evaluation::HeldOut;
use crate::recipe::Recipe;
use crate::sequences::DataSummary;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run starts, or continues: lines of later steps before this one were taken back.
    Start(Box<Start>),
    /// Steps since the last such line.
    Train {
        /// Steps taken.
        step: usize,
        /// Mean over these steps, in nats.
        loss: f64,
        /// Mean over these steps, before clipping.
        gradient_norm: f64,
        /// Of the last of these steps.
        learning_rate: f64,
        /// Tokens seen in all.
        tokens: u64,
        /// Of these steps.
        tokens_per_second: f64,
        /// Since the start, over all parts of the run.
        seconds: f64,
    },
    /// The held-out documents.
    HeldOut {
        /// Steps taken.
        step: usize,
        /// Tokens seen in all.
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
    /// Its settings from here on.
    pub recipe: Recipe,
    /// The shape of the encoder.
    pub encoder: BertConfig,
    /// The text.
    pub data: DataSummary,
}

/// A file to which events are added.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    pub(crate) fn open(path: &Path) -> Result<Self, PretrainError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|e| PretrainError::file(path, e))?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
        })
    }

    pub(crate) fn write(&mut self, event: &Event) -> Result<(), PretrainError> {
        let line = serde_json::to_string(event).expect("plain data") + "\n";
        self.file
            .write_all(line.as_bytes())
            .map_err(|e| PretrainError::file(&self.path, e))
    }
}
