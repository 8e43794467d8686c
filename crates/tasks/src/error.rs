//! What can go wrong with a task and its files.

use crate::counted::counted;
use std::io;
use std::path::PathBuf;

use files::one_line;

/// Why a task's description makes no sense, or why one of its files cannot be read.
///
/// The text is one line. It includes the text of an I/O error, which is also the
/// [source](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The parts of a task's description contradict each other.
    #[error("task {task}: {found}; expected {expected}")]
    Description {
        /// Name of the task.
        task: String,
        /// What is wrong.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// The task has no evaluation set of this name.
    #[error("task {task} has no evaluation set {name}; expected one of {known}")]
    NoEvaluationSet {
        /// Name of the task.
        task: String,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The task's folder is missing, not a folder, or may not be read.
    #[error("{}: cannot read the folder of {task}: {source}; expected a folder with {files}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Name of the task.
        task: String,
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
        task: String,
        /// The files the folder should hold.
        files: String,
        /// The cause.
        source: io::Error,
    },
    /// A file of the task has no labels, and its set is to be scored.
    #[error("{}: no labels, as XTREME's download leaves them out; expected {expected}", path.display())]
    NoLabels {
        /// The file.
        path: PathBuf,
        /// Where there may be labels.
        expected: String,
    },
    /// The file is not UTF-8 text.
    #[error("{}:{line}: bytes that are not UTF-8; expected UTF-8 text", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Line of the first such byte, from 1.
        line: usize,
    },
    /// The first line is not the task's header; in an empty file it is empty.
    #[error("{}:1: header {found:?}; expected {expected:?}{hint}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// The first line, shortened.
        found: String,
        /// The header the task has.
        expected: String,
        /// What may be wrong, or nothing.
        hint: &'static str,
    },
    /// The first line is the header of another file.
    #[error("{}:1: {found:?} is the header of {files}; expected {expected}", path.display())]
    OtherHeader {
        /// The file.
        path: PathBuf,
        /// The first line, shortened.
        found: String,
        /// The names of the files that have it.
        files: String,
        /// What the task has.
        expected: String,
    },
    /// A row has too few or too many columns.
    #[error("{}:{line}: {}; expected {expected}, separated by tabs{hint}", path.display(), counted(*found, "column"))]
    Columns {
        /// The file.
        path: PathBuf,
        /// Line of the row, from 1.
        line: usize,
        /// Columns of the row.
        found: usize,
        /// Columns every row should have.
        expected: usize,
        /// What may be wrong, or nothing.
        hint: &'static str,
    },
    /// The file ends before its first example.
    #[error("{}: no examples; expected at least one row", path.display())]
    NoExamples {
        /// The file.
        path: PathBuf,
    },
    /// A label is not one of the task's.
    #[error("{}:{line}: label {found:?}; expected {expected}{hint}", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// Line of the row, from 1.
        line: usize,
        /// The label, shortened.
        found: String,
        /// The labels the task has.
        expected: String,
        /// What may be wrong, or nothing.
        hint: &'static str,
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
    #[error("{}: {}; expected a column {column:?} of {expected}", path.display(), one_line(found))]
    ParquetColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The type it has, or the columns there are, shortened.
        found: String,
        /// The type the task has.
        expected: String,
    },
    /// A value is not one of the task's.
    #[error("{}: row {row}: {} {found}; expected {}", path.display(), one_line(column), one_line(expected))]
    ParquetValue {
        /// The file.
        path: PathBuf,
        /// The row, from 1.
        row: usize,
        /// Its column.
        column: String,
        /// The value.
        found: String,
        /// What the task has.
        expected: String,
    },
    /// A file of one's own is missing, may not be read, or ends too early.
    #[error("{}: cannot read this file: {source}; expected {expected}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
        /// What it should be.
        expected: &'static str,
    },
    /// A file of one's own, or one of its columns, is not what it should be.
    #[error("{}: {}; expected {}", path.display(), one_line(found), one_line(expected))]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A line of a file of one's own is no row.
    #[error("{}:{line}: {}; expected {}", path.display(), one_line(found), one_line(expected))]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A value in a text file of one's own is not what it should be.
    #[error("{}:{line}: {} {}; expected {}", path.display(), one_line(column), one_line(found), one_line(expected))]
    Value {
        /// The file.
        path: PathBuf,
        /// Line of the row, from 1.
        line: usize,
        /// Its column.
        column: String,
        /// The value, shortened.
        found: String,
        /// What would be right.
        expected: String,
    },
}

/// Shortens a value for a one-line message.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
