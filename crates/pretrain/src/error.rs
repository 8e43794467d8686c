//! What can go wrong in pretraining.

use std::path::{Path, PathBuf};

use files::FileError;
use thiserror::Error;

/// An error of this crate: one line with the place, the value and what is accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PretrainError {
    /// The encoder cannot be built or written.
    #[error(transparent)]
    Encoder(#[from] encoders::EncoderError),
    /// A setting is out of range.
    #[error("{name} is {value}, accepted is {accepted}")]
    Setting {
        /// The setting's name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A file cannot be read or written, or is in use by another process.
    #[error(transparent)]
    File(#[from] FileError),
    /// A text file is not UTF-8.
    #[error("{}:{line}: not UTF-8 text", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The first line that is not, from 1.
        line: usize,
    },
    /// There is too little text.
    #[error("{what} in {place}, accepted is at least {least}")]
    TooLittle {
        /// What there is.
        what: String,
        /// Where.
        place: String,
        /// The least that is accepted.
        least: String,
    },
    /// The tokenizers library reports an error.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// A number of the training is not finite any more.
    #[error(transparent)]
    Diverged(#[from] training::Diverged),
    /// The observer asked to stop; the run is stored after this step.
    #[error("stopped after step {step} of {steps}, which is stored")]
    Stopped {
        /// Steps taken.
        step: usize,
        /// All steps of the run.
        steps: usize,
    },
    /// A checkpoint cannot be used.
    #[error("{}: not a checkpoint of this program: {}", path.display(), files::one_line(reason))]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The folder holds another run.
    #[error(
        "{}: started with {field} {}, now it is {current}; choose another folder",
        path.display(),
        files::one_line(recorded)
    )]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        field: String,
        /// Its value in the checkpoint.
        recorded: String,
        /// Its value now.
        current: String,
    },
}

impl From<training::StateError> for PretrainError {
    fn from(error: training::StateError) -> Self {
        Self::Checkpoint {
            path: error.path,
            reason: error.reason,
        }
    }
}

impl PretrainError {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File(FileError::io(path, source))
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
