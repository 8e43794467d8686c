//! What a run predicted for each example of an evaluation set, in a file of its own beside the records.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::ErrorKind;
use std::path::Path;

use files::FileError;
use harmless::{cell, read_cell};
use serde::{Deserialize, Serialize};
use tasks::{Predictions, Targets};

/// Where a run's predictions for an evaluation set are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RecordedPredictions {
    /// In a file, by its path in the study's folder.
    File(String),
    /// In the record itself, by the position of the class, as records of version 1 have them.
    Classes(Vec<usize>),
}

/// The predictions of a run for an evaluation set, in the order of its file: classes by name, scores as numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictionsFile {
    /// One per example.
    pub predictions: Vec<String>,
    /// The labels; empty for a set without labels.
    pub labels: Vec<String>,
}

/// What messages call a line of the file.
const WHAT: &str = "a prediction";

impl PredictionsFile {
    /// Replaces the file at `path` in the study's folder: tab-separated, with the header
    /// `index<TAB>prediction<TAB>label`, or without labels `index<TAB>prediction`. Classes are written by [`harmless::cell()`].
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn write(&self, folder: &Path, path: &str) -> Result<(), FileError> {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| FileError::io(parent, e))?;
        }
        let mut text = self.header().to_owned();
        for (index, prediction) in self.predictions.iter().enumerate() {
            let _ = write!(text, "\n{index}\t{}", cell(prediction));
            if let Some(label) = self.labels.get(index) {
                let _ = write!(text, "\t{}", cell(label));
            }
        }
        text.push('\n');
        files::replace(&path, text.as_bytes())
    }

    /// Reads a file that [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// [`FileError::Io`], or [`FileError::Line`] if it is something else.
    pub fn read(folder: &Path, path: &str) -> Result<Self, FileError> {
        let path = folder.join(path);
        let text = files::read_text(&path)?;
        let wrong = |line: usize, reason: &str| FileError::Line {
            path: path.clone(),
            line,
            what: WHAT,
            reason: reason.to_owned(),
        };
        let mut lines = text.lines();
        let columns = match lines.next() {
            Some("index\tprediction\tlabel") => 3,
            Some("index\tprediction") => 2,
            _ => return Err(wrong(1, "expected the header index, prediction, label")),
        };
        let mut read = Self::default();
        for (index, line) in lines.enumerate() {
            let parts: Vec<&str> = line.split('\t').collect();
            if parts.len() != columns || parts[0].parse() != Ok(index) {
                let reason = format!("expected {columns} columns, the first of them {index}");
                return Err(wrong(index + 2, &reason));
            }
            read.predictions.push(read_cell(parts[1]).into_owned());
            read.labels
                .extend(parts.get(2).map(|label| read_cell(label).into_owned()));
        }
        Ok(read)
    }

    /// [`read`](Self::read) unless the file is gone: a study can be summarised without it.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn find(folder: &Path, path: &str) -> Result<Option<Self>, FileError> {
        match Self::read(folder, path) {
            Ok(file) => Ok(Some(file)),
            Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Whether each prediction equals its label; `None` for a set without labels.
    pub fn right(&self) -> Option<Vec<bool>> {
        if self.labels.is_empty() {
            return None;
        }
        let pairs = self.predictions.iter().zip(&self.labels);
        Some(
            pairs
                .map(|(prediction, label)| prediction == label)
                .collect(),
        )
    }

    /// Predictions and labels by the position of their class, if the classes are numbered as they come: which of them is class 1
    /// is not in the file.
    pub(crate) fn classes(&self) -> (Predictions, Targets) {
        let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
        let mut index = |name| {
            let next = classes.len();
            *classes.entry(name).or_insert(next)
        };
        let labels = self.labels.iter().map(|label| index(label)).collect();
        let predictions = self.predictions.iter().map(|class| index(class)).collect();
        (Predictions::Classes(predictions), Targets::Classes(labels))
    }

    /// The class of every prediction, if there are several predictions and all are the same.
    pub fn only_class(&self) -> Option<&str> {
        let (first, rest) = self.predictions.split_first()?;
        let is_only = !rest.is_empty() && rest.iter().all(|class| class == first);
        is_only.then_some(first)
    }

    fn header(&self) -> &'static str {
        match self.labels.is_empty() {
            true => "index\tprediction",
            false => "index\tprediction\tlabel",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn a_file_reads_back_with_and_without_labels() {
        let folder = tempfile::tempdir().expect("a folder");
        for labels in [owned(&["b", "b"]), Vec::new()] {
            let written = PredictionsFile {
                predictions: owned(&["a", "b"]),
                labels,
            };
            written
                .write(folder.path(), "predictions/x.tsv")
                .expect("it is written");
            let read = PredictionsFile::read(folder.path(), "predictions/x.tsv");
            assert_eq!(read.expect("it reads back"), written);
        }
    }

    #[test]
    fn classes_from_outside_are_no_formulas_and_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let classes = [
            "=1+1", "@SUM(A1)", "+a", "-1", "-x", "\"=1\"", "a\tb\nc", "\\", "\u{202e}",
        ];
        let written = PredictionsFile {
            predictions: owned(&classes),
            labels: owned(&classes),
        };
        written
            .write(folder.path(), "x.tsv")
            .expect("it is written");
        let text = std::fs::read_to_string(folder.path().join("x.tsv")).expect("a file");
        let cells = || text.split(['\t', '\n']);
        assert_eq!(
            cells()
                .filter(|cell| cell.starts_with(['=', '@', '+', '-', '"']))
                .count(),
            2,
            "{text}"
        );
        assert_eq!(
            cells().filter(|cell| *cell == "-1").count(),
            2,
            "a number is none"
        );
        assert!(!text.contains('\u{202e}'), "{text}");
        let read = PredictionsFile::read(folder.path(), "x.tsv");
        assert_eq!(read.expect("it reads back"), written);
    }

    #[test]
    fn a_prediction_is_right_if_it_equals_its_label() {
        let file = PredictionsFile {
            predictions: owned(&["a", "b", "a"]),
            labels: owned(&["a", "a", "a"]),
        };
        assert_eq!(file.right(), Some(vec![true, false, true]));
        assert_eq!(PredictionsFile::default().right(), None);
    }

    #[test]
    fn predictions_that_are_all_the_same_are_of_one_class() {
        let of = |predictions: &[&str]| PredictionsFile {
            predictions: owned(predictions),
            labels: Vec::new(),
        };
        assert_eq!(of(&["a", "a", "a"]).only_class(), Some("a"));
        assert_eq!(of(&["a", "b", "a"]).only_class(), None);
        assert_eq!(of(&["a"]).only_class(), None, "one sentence says nothing");
        assert_eq!(of(&[]).only_class(), None);
    }

    #[test]
    fn another_file_is_refused_with_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let refusal = |text: &str| {
            std::fs::write(folder.path().join("x.tsv"), text).expect("it is written");
            let error = PredictionsFile::read(folder.path(), "x.tsv").expect_err("no predictions");
            error.to_string()
        };
        assert!(refusal("a\tb\n").contains("x.tsv:1: not a prediction: expected the header"));
        let shifted = refusal("index\tprediction\n0\ta\n2\tb\n");
        assert!(
            shifted.contains("x.tsv:3: not a prediction: expected 2 columns"),
            "{shifted}"
        );
    }
}
