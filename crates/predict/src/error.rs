//! What can go wrong with predictions, one line each.

use std::io;
use std::path::PathBuf;

use encoders::EncoderError;
use files::FileError;
use tasks::TaskError;
use thiserror::Error;

/// Why texts could not be predicted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PredictError {
    /// The model or its tokenizer cannot be used, or cannot read a text.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// A file with named columns, or one of its rows, cannot be used.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A setting is out of range.
    #[error("{name} is {value}, accepted is {accepted}")]
    Setting {
        /// Its name in words.
        name: &'static str,
        /// Its value.
        value: usize,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A file or stream of lines cannot be read.
    #[error("{name}: {source}")]
    Read {
        /// The file or stream.
        name: String,
        /// The cause.
        source: io::Error,
    },
    /// A line is not UTF-8 text.
    #[error("{place}: bytes that are not UTF-8; expected UTF-8 text")]
    NotUtf8 {
        /// The file or stream, and the line.
        place: String,
    },
    /// A line does not hold the two texts of a pair.
    #[error("{place}: {tabs} tabs; expected two texts separated by one tab")]
    Pair {
        /// The file or stream, and the line.
        place: String,
        /// The tabs in the line.
        tabs: usize,
    },
    /// A text cannot be tokenized.
    #[error("{place}: {source}")]
    Text {
        /// Where the text is.
        place: String,
        /// Why.
        source: EncoderError,
    },
    /// The model computes something that is no number.
    #[error("{place}: the model computes the logits {logits:?}; expected finite numbers")]
    NotFinite {
        /// Where the text is.
        place: String,
        /// Its logits.
        logits: Vec<f32>,
    },
    /// The stream of predictions takes no more of them.
    #[error("{name}: {source}")]
    Write {
        /// The stream.
        name: String,
        /// The cause.
        source: io::Error,
    },
    /// A file would get tables, from which it cannot be continued.
    #[error("{}: a table; accepted for a file are jsonl and tsv, which can be continued", path.display())]
    TableFile {
        /// The file.
        path: PathBuf,
    },
    /// The file to continue was not written by this crate.
    #[error("{}: has lines, but {} is not beside it; expected a new file, or one to continue", path.display(), run.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// The file that says how it was written.
        run: PathBuf,
    },
    /// The file to continue was written in another way.
    #[error("{}: {field} is {}, here it is {here}; expected the same, or another output file", path.display(), files::one_line(found))]
    OtherRun {
        /// The file that says how it was written.
        path: PathBuf,
        /// What differs.
        field: &'static str,
        /// Its value there.
        found: String,
        /// Its value here.
        here: String,
    },
    /// The file to continue has predictions of other texts.
    #[error("{}:{line}: {found}; expected {expected}: the input is another, or has changed", path.display())]
    OtherInput {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the line holds, shortened.
        found: String,
        /// What it would be for this input, shortened.
        expected: String,
    },
}

impl PredictError {
    /// Whether the reader of the predictions has gone, as `head` goes when it has seen enough.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
