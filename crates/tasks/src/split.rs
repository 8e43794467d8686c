//! Examples, and how they are read.

use std::path::Path;
use std::{fs, io};

use sha2::{Digest, Sha256};

use crate::error::{Error, excerpt};
#[cfg(feature = "parquet")]
use crate::parquet;
use crate::tasks::{Columns, Labels, SplitName, SplitSpec, TaskSpec};
use crate::tsv::{self, Row};

/// One example of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The sentence, or the first of two, without the white space around it. May be empty.
    pub sentence: String,
    /// The second sentence, in a task on pairs.
    pub sentence2: Option<String>,
    /// The label; `None` in a test split.
    pub label: Option<Label>,
}

/// What an example is labelled with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Label {
    /// Position of the class in [`Labels::Classes`].
    Class(usize),
    /// A number in the range of [`Labels::Score`].
    Score(f32),
}

impl Label {
    /// Returns the class, or `None` for a score.
    pub fn class(self) -> Option<usize> {
        match self {
            Self::Class(class) => Some(class),
            Self::Score(_) => None,
        }
    }

    /// Returns the score, or `None` for a class.
    pub fn score(self) -> Option<f32> {
        match self {
            Self::Class(_) => None,
            Self::Score(score) => Some(score),
        }
    }
}

/// A whole split, in the order of its file, with what identifies the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// The examples.
    pub examples: Vec<Example>,
    /// How many examples the file holds. It stays when `examples` is shortened.
    pub count: usize,
    /// SHA-256 of the file's bytes, in lower-case hexadecimal digits.
    pub sha256: String,
}

impl TaskSpec {
    /// Reads a split of the task from `folder`, the one that holds the task's files: the official TSV
    /// file, or where that is not there the hub's Parquet file ([`SplitSpec::parquet`]), which takes
    /// the feature `parquet`. Both give the same examples.
    ///
    /// Sentences are trimmed as Python's `str.strip` does; nothing else about them changes.
    ///
    /// [`SplitSpec::parquet`]: crate::SplitSpec::parquet
    ///
    /// # Errors
    ///
    /// - [`Error::Folder`] or [`Error::Read`] when the folder or the file cannot be read;
    /// - [`Error::NoSplit`] when the task has no such split;
    /// - [`Error::NotUtf8`], [`Error::Header`], [`Error::Columns`], [`Error::NoExamples`] or
    ///   [`Error::Label`] when the TSV file is not what the task describes;
    /// - [`Error::Parquet`], [`Error::ParquetColumn`], [`Error::ParquetValue`] or
    ///   [`Error::NoExamples`] when the Parquet file is not, and [`Error::ParquetFeature`] when only
    ///   that one is there and the feature is off.
    pub fn read(&self, folder: &Path, split: SplitName) -> Result<Split, Error> {
        let spec = self
            .splits
            .iter()
            .find(|spec| spec.name == split)
            .ok_or(Error::NoSplit {
                task: self.name,
                split,
            })?;
        let (tsv, parquet) = (folder.join(spec.file), folder.join(spec.parquet));
        let is_parquet = !tsv.exists() && parquet.is_file();
        let path = if is_parquet { parquet } else { tsv };
        let bytes = fs::read(&path).map_err(|source| self.unreadable(folder, &path, source))?;
        let examples = if is_parquet {
            self.parquet_examples(&path, &bytes, spec)?
        } else {
            examples(&path, &bytes, &spec.columns, &self.labels)?
        };
        if examples.is_empty() {
            return Err(Error::NoExamples { path });
        }
        Ok(Split {
            count: examples.len(),
            examples,
            sha256: Sha256::digest(&bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        })
    }

    #[cfg(feature = "parquet")]
    fn parquet_examples(
        &self,
        path: &Path,
        bytes: &[u8],
        spec: &SplitSpec,
    ) -> Result<Vec<Example>, Error> {
        let is_labelled = spec.columns.label.is_some();
        parquet::examples(path, bytes, &self.parquet, &self.labels, is_labelled)
    }

    #[cfg(not(feature = "parquet"))]
    fn parquet_examples(
        &self,
        path: &Path,
        _bytes: &[u8],
        spec: &SplitSpec,
    ) -> Result<Vec<Example>, Error> {
        Err(Error::ParquetFeature {
            path: path.to_owned(),
            file: spec.file,
        })
    }

    fn unreadable(&self, folder: &Path, path: &Path, source: io::Error) -> Error {
        let task = self.name;
        let files = self
            .splits
            .iter()
            .map(|spec| spec.file)
            .collect::<Vec<_>>()
            .join(", ");
        match fs::read_dir(folder) {
            Err(source) => Error::Folder {
                folder: folder.to_owned(),
                task,
                files,
                source,
            },
            Ok(_) => Error::Read {
                path: path.to_owned(),
                task,
                files,
                source,
            },
        }
    }
}

fn examples(
    path: &Path,
    bytes: &[u8],
    columns: &Columns,
    labels: &Labels,
) -> Result<Vec<Example>, Error> {
    let mut rows = tsv::rows(path, bytes)?;
    if let Some(header) = columns.header {
        let found = rows.next().map_or_else(Vec::new, |row| row.columns);
        if found != header {
            return Err(Error::Header {
                path: path.to_owned(),
                found: excerpt(&found.join("\t")),
                expected: header.join("\t"),
            });
        }
    }
    rows.map(|row| example(path, &row, columns, labels))
        .collect()
}

fn example(
    path: &Path,
    row: &Row<'_>,
    columns: &Columns,
    labels: &Labels,
) -> Result<Example, Error> {
    if row.columns.len() != columns.count {
        return Err(Error::Columns {
            path: path.to_owned(),
            line: row.line,
            found: row.columns.len(),
            expected: columns.count,
        });
    }
    let sentence = |at: usize| tsv::strip(row.columns[at]).to_owned();
    Ok(Example {
        sentence: sentence(columns.sentence),
        sentence2: columns.sentence2.map(sentence),
        label: match columns.label {
            None => None,
            Some(at) => {
                let found = row.columns[at];
                Some(labels.parse(found).ok_or_else(|| Error::Label {
                    path: path.to_owned(),
                    line: row.line,
                    found: excerpt(found),
                    expected: labels.to_string(),
                })?)
            }
        },
    })
}

impl Labels {
    fn parse(&self, text: &str) -> Option<Label> {
        match self {
            Self::Classes(names) => names
                .iter()
                .position(|&name| name == text)
                .map(Label::Class),
            Self::Score { min, max } => {
                let score = text
                    .parse()
                    .ok()
                    .filter(|score| (min..=max).contains(&score));
                score.map(Label::Score)
            }
        }
    }
}
