//! What can go wrong while a study runs, in one line each.

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
    /// The observer asked to stop; completed runs are recorded, and those in progress have checkpoints if any are wanted.
    #[error("stopped before all runs were recorded")]
    Stopped,
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
