//! What can go wrong in a study, one line each.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// An error of this crate: one line with the place, the value and what is accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FinetuneError {
    /// A snapshot cannot be used.
    #[error(transparent)]
    Encoder(#[from] encoders::EncoderError),
    /// The task's files cannot be used.
    #[error(transparent)]
    Task(#[from] tasks::Error),
    /// The noise cannot be applied.
    #[error(transparent)]
    Noise(#[from] noisytune_burn::NoisyTuneError),
    /// A statistic cannot be computed.
    #[error(transparent)]
    Statistics(#[from] crate::statistics::Error),
    /// A setting is out of range.
    #[error("{name} is {value}, accepted is {accepted}")]
    Setting {
        /// The setting's name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would do.
        accepted: &'static str,
    },
    /// A hyperparameter that no arm has.
    #[error("unknown hyperparameter {name}, known are {known}")]
    UnknownHyperparameter {
        /// Its name.
        name: String,
        /// Those that arms have.
        known: String,
    },
    /// The loss is not a number any more.
    #[error("training diverged: the loss of step {step} is {loss}")]
    Diverged {
        /// Optimizer step, from 0.
        step: usize,
        /// NaN or infinite.
        loss: f64,
    },
    /// The task's labels are not classes, or a label is missing.
    #[error("{split}: example {index} has no class label")]
    Unlabelled {
        /// Which split.
        split: String,
        /// Position, from 0.
        index: usize,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of `runs.jsonl` is not a record.
    #[error("{}:{line}: not a run record: {reason}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What the parser found.
        reason: String,
    },
    /// A file is not the configuration of a study.
    #[error("{}: not a study's configuration: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        reason: String,
    },
    /// There is nothing to summarise.
    #[error("no run is recorded; expected at least one")]
    NoRecords,
    /// The observer asked to stop; what is complete is recorded.
    #[error("stopped before all runs were recorded")]
    Stopped,
    /// The threads of a job cannot be had.
    #[error("no pool of {threads} threads for a run: {source}")]
    Threads {
        /// Threads a run.
        threads: usize,
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
    /// Another process has the records open.
    #[error("{}: in use by another process; wait for it, or choose another folder", path.display())]
    InUse {
        /// The file of records.
        path: PathBuf,
    },
    /// The folder holds the runs of another study.
    #[error(
        "{}:{line}: recorded with {field} {recorded}, now it is {current}; choose another folder",
        path.display()
    )]
    OtherStudy {
        /// The file of records.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What differs, with dots where it is part of something.
        field: String,
        /// Its value in the record.
        recorded: String,
        /// Its value now.
        current: String,
    },
}

impl FinetuneError {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File {
            path: path.to_path_buf(),
            source,
        }
    }

    pub(crate) fn setting(
        name: &'static str,
        value: impl ToString,
        accepted: &'static str,
    ) -> Self {
        Self::Setting {
            name,
            value: value.to_string(),
            accepted,
        }
    }
}
