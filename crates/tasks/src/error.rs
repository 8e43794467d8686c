//! What can go wrong.

use std::io;
use std::path::PathBuf;

use crate::tasks::SplitName;

/// Why a split could not be read or predictions could not be scored.
///
/// The text is one line. It holds that of an I/O error, which is also the
/// [source](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The task's folder is missing, not a folder, or may not be read.
    #[error("{}: cannot read the folder of {task}: {source}; expected a folder with {files}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Name of the task.
        task: &'static str,
        /// The files the folder should hold.
        files: String,
        /// The cause.
        source: io::Error,
    },
    /// A file of the task is missing or may not be read.
    #[error("{}: cannot read this file of {task}: {source}; expected a folder with {files}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Name of the task.
        task: &'static str,
        /// The files the folder should hold.
        files: String,
        /// The cause.
        source: io::Error,
    },
    /// The task does not have this split.
    #[error("task {task} has no {split} split")]
    NoSplit {
        /// Name of the task.
        task: &'static str,
        /// The split asked for.
        split: SplitName,
    },
    /// The file is not text in UTF-8.
    #[error("{}:{line}: bytes that are not UTF-8; expected UTF-8 text", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Line of the first such byte, from 1.
        line: usize,
    },
    /// The first line is not the task's header; in an empty file it is empty.
    #[error("{}:1: header {found:?}; expected {expected:?}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// The first line, shortened.
        found: String,
        /// The header the task has.
        expected: String,
    },
    /// A row has too few or too many columns.
    #[error("{}:{line}: {found} column(s); expected {expected}, separated by tabs", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// Line of the row, from 1.
        line: usize,
        /// Columns of the row.
        found: usize,
        /// Columns every row should have.
        expected: usize,
    },
    /// The file ends before its first example.
    #[error("{}: no examples; expected at least one row", path.display())]
    NoExamples {
        /// The file.
        path: PathBuf,
    },
    /// A label is not one of the task's.
    #[error("{}:{line}: label {found:?}; expected {expected}", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// Line of the row, from 1.
        line: usize,
        /// The label, shortened.
        found: String,
        /// The labels the task has.
        expected: String,
    },
    /// Only the hub's Parquet file is there, and the feature `parquet` is off.
    #[error("{}: this build reads no Parquet; expected {file}, or a build with the feature `parquet`", path.display())]
    ParquetFeature {
        /// The Parquet file.
        path: PathBuf,
        /// The TSV file that would do.
        file: &'static str,
    },
    /// The file is not a whole Parquet file, or uses what this crate does not read.
    #[error("{}: not a readable Parquet file: {reason}; expected one that is whole, uncompressed or with Snappy", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the Parquet library found, shortened.
        reason: String,
    },
    /// A column is missing or has another type.
    #[error("{}: {found}; expected a column {column:?} of {expected}", path.display())]
    ParquetColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// The type it has, or the columns there are, shortened.
        found: String,
        /// The type the task has.
        expected: &'static str,
    },
    /// A value is not one of the task's.
    #[error("{}: row {row}: {column} {found}; expected {expected}", path.display())]
    ParquetValue {
        /// The file.
        path: PathBuf,
        /// The row, from 1.
        row: usize,
        /// Its column.
        column: &'static str,
        /// The value.
        found: String,
        /// What the task has.
        expected: String,
    },
    /// Predictions and labels do not belong together.
    #[error("{predictions} prediction(s) for {labels} label(s); expected one for each")]
    LengthMismatch {
        /// Number of predictions.
        predictions: usize,
        /// Number of labels.
        labels: usize,
    },
    /// There is nothing to score.
    #[error("no predictions to score; expected at least one")]
    NoPredictions,
}

/// Shortens a value for a one-line message.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
