//! Files of examples, one module per format.

pub(crate) mod contents;
mod parquet;
pub(crate) mod table;
mod tsv;

use std::path::PathBuf;

use crate::error::TaskError;
use crate::outputs::Outputs;
use crate::split::Split;

pub use parquet::ParquetColumns;
pub use table::{HeldOut, Part, TableColumns, TextTable};
pub use tsv::{Quotes, ShortRows, TsvColumns};

/// A file of examples and its layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// Its layout.
    pub format: Format,
}

/// The layout of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Lines of columns separated by tabs, without quoting.
    Tsv(TsvColumns),
    /// Apache Parquet.
    Parquet(ParquetColumns),
    /// CSV, TSV, JSON lines or Parquet, by the file's ending, with named columns.
    Table(TableColumns),
}

impl Source {
    /// Returns whether the file has labels.
    pub fn is_labelled(&self) -> bool {
        match &self.format {
            Format::Tsv(columns) => columns.label.is_some(),
            Format::Parquet(columns) => columns.label.is_some(),
            Format::Table(columns) => columns.label.is_some(),
        }
    }

    /// Returns whether an example is a pair of sentences.
    pub fn has_pairs(&self) -> bool {
        match &self.format {
            Format::Tsv(columns) => columns.sentence2.is_some(),
            Format::Parquet(columns) => columns.sentence2.is_some(),
            Format::Table(columns) => columns.sentence2.is_some(),
        }
    }

    /// Returns what is wrong with the layout, and what would be right, if anything is.
    pub(crate) fn fault(&self) -> Option<(String, String)> {
        match &self.format {
            Format::Tsv(columns) => columns.fault(),
            Format::Parquet(_) | Format::Table(_) => None,
        }
    }

    /// Reads the bytes of the file as a [`Split`].
    pub(crate) fn parse(&self, bytes: &[u8], outputs: &Outputs) -> Result<Split, TaskError> {
        let contents = match &self.format {
            Format::Tsv(columns) => tsv::read(&self.path, bytes, columns, outputs),
            Format::Parquet(columns) => parquet::read(&self.path, bytes, columns, outputs),
            Format::Table(columns) => return columns.read(&self.path, outputs),
        }?;
        if contents.examples.is_empty() {
            return Err(TaskError::NoExamples {
                path: self.path.clone(),
            });
        }
        Ok(Split {
            count: contents.examples.len(),
            examples: contents.examples,
            targets: contents.targets,
            rows: None,
            sha256: files::sha256_of(bytes),
            notes: contents.notes,
        })
    }
}
