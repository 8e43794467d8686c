//! What can go wrong while a study runs, in one line each.

use std::path::PathBuf;

use tasks::counted;
use thiserror::Error;

/// An error of this crate: one line with the place, the value and what is accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FinetuneError {
    /// Something is wrong with the study's settings, records or files.
    #[error(transparent)]
    Study(#[from] study::StudyError),
    /// A snapshot cannot be used.
    #[error(transparent)]
    Encoder(#[from] encoders::EncoderError),
    /// The task's files cannot be used.
    #[error(transparent)]
    Task(#[from] tasks::TaskError),
    /// A metric is not defined for the predictions.
    #[error(transparent)]
    Metric(#[from] tasks::MetricError),
    /// The noise cannot be applied to this model.
    #[error(transparent)]
    Noise(#[from] noisytune_burn::NoisyTuneError),
    /// A number in training is no longer finite.
    #[error(transparent)]
    Diverged(#[from] training::Diverged),
    /// A checkpoint cannot be written.
    #[error(transparent)]
    State(#[from] training::StateError),
    /// A folder without runs has a file or folder of a name that a study writes.
    #[error(
        "{} already exists, but {} has no runs.jsonl; remove it or choose another folder",
        path.display(),
        folder.display()
    )]
    Foreign {
        /// The file or folder.
        path: PathBuf,
        /// The folder for the study.
        folder: PathBuf,
    },
    /// The observer asked to stop; completed runs are recorded, and those in progress have checkpoints if any are wanted.
    #[error("stopped before all runs were recorded")]
    Stopped,
    /// Recipes are chosen by all tuning runs, and some are in other shards' shares.
    #[error(
        "{} of other shards {} not recorded yet, by which recipes are chosen",
        counted(*missing, "tuning run"),
        if *missing == 1 { "is" } else { "are" }
    )]
    TuningUnfinished {
        /// How many of them.
        missing: usize,
    },
    /// Runs are to be merged, and not all are there.
    #[error(
        "{missing} of {} {} not recorded: {named}{}",
        counted(*runs, "run"),
        if *missing == 1 { "is" } else { "are" },
        shards.as_ref().map(|shards| format!("; of {shards}")).unwrap_or_default()
    )]
    NotRecorded {
        /// How many of them.
        missing: usize,
        /// All runs of the study.
        runs: usize,
        /// The first of them.
        named: String,
        /// The first of the shards whose they are, such as `shard 1/2`; `None` if the study has no shards.
        shards: Option<String>,
    },
    /// A run cannot have several devices.
    #[error("a run on several devices: {0}")]
    Replicas(String),
    /// A device failed while a run was on it; completed runs are recorded.
    #[error("device `{device}` is lost: {reason}")]
    Lost {
        /// The device, as the user named it.
        device: String,
        /// What it says.
        reason: String,
    },
    /// The threads of a job could not be started.
    #[error("no pool of {threads} threads for a run: {source}")]
    Threads {
        /// Threads per run.
        threads: usize,
        /// The cause.
        source: rayon::ThreadPoolBuildError,
    },
}

impl From<files::FileError> for FinetuneError {
    fn from(error: files::FileError) -> Self {
        Self::Study(error.into())
    }
}
