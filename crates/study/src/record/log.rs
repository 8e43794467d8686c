//! `runs.jsonl`: a line is added when a run ends, and never changed.

use std::path::Path;

use files::{FileError, JsonLines};
use tasks::Metric;

use super::{PredictionsFile, RecordedPredictions, RunRecord};
use crate::error::StudyError;
use crate::statistics::ROUNDING;

/// What messages call a line of the file.
pub(super) const WHAT: &str = "a run record";

/// Recorded runs, with the file that has one of them in each line.
#[derive(Clone, Copy, Debug)]
pub struct RunsOfFile<'a> {
    path: &'a Path,
    records: &'a [RunRecord],
}

impl<'a> RunsOfFile<'a> {
    pub(super) fn new(path: &'a Path, records: &'a [RunRecord]) -> Self {
        Self { path, records }
    }

    /// Path of the file.
    pub fn path(&self) -> &'a Path {
        self.path
    }

    /// The records, first to last.
    pub fn records(&self) -> &'a [RunRecord] {
        self.records
    }
}

/// The records in a study's folder, open for appending and locked against other processes.
#[derive(Debug)]
pub struct RunLog(JsonLines<RunRecord>);

impl RunLog {
    /// Opens `runs.jsonl` in a folder; creates both if need be.
    ///
    /// An incomplete last line, left by a process that died while writing it, is cut off.
    ///
    /// # Errors
    /// [`FileError::InUse`] while another process has it open, [`FileError::Io`] if it cannot be read or written,
    /// [`FileError::Line`] if a line is not a record.
    pub fn open(folder: &Path) -> Result<Self, FileError> {
        Self::open_file(folder, "runs.jsonl")
    }

    pub(super) fn open_file(folder: &Path, name: &str) -> Result<Self, FileError> {
        std::fs::create_dir_all(folder).map_err(|e| FileError::io(folder, e))?;
        JsonLines::open(&folder.join(name), WHAT).map(Self)
    }

    /// Reads the records of a folder and touches nothing.
    ///
    /// # Errors
    /// [`FileError::Io`] if there are none, [`FileError::Line`] if a line is not a record.
    pub fn read(folder: &Path) -> Result<Vec<RunRecord>, FileError> {
        JsonLines::read(&folder.join("runs.jsonl"), WHAT)
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The records, first to last.
    pub fn records(&self) -> &[RunRecord] {
        self.0.items()
    }

    /// The number, from 1, of the line that was cut off when the file was opened.
    pub fn torn_line(&self) -> Option<usize> {
        self.0.torn_line()
    }

    /// The records with their file, for the checks of both.
    pub fn runs(&self) -> RunsOfFile<'_> {
        RunsOfFile::new(self.path(), self.records())
    }

    /// The lines of the records, as they are in the file.
    pub(super) fn lines(&self) -> Result<Vec<String>, FileError> {
        self.0.lines()
    }

    /// Adds lines of another such file as they are.
    pub(super) fn push_lines<'a>(
        &mut self,
        lines: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), FileError> {
        self.0.push_lines(lines)
    }

    /// Removes the file.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn remove(self) -> Result<(), FileError> {
        self.0.remove()
    }

    /// Adds a record: either the whole line is on disk, or the file is unchanged.
    ///
    /// # Errors
    /// [`FileError::Unreadable`] for a record that could not be read again, [`FileError::Io`].
    pub fn push(&mut self, record: RunRecord) -> Result<&RunRecord, FileError> {
        self.0.push(record)
    }
}

impl RunsOfFile<'_> {
    /// Reads the predictions of every record in the study's folder, as far as they are there, and compares them with the
    /// recorded accuracy and Matthews correlation: what a summary would trip over is found before any run is trained.
    ///
    /// # Errors
    /// [`StudyError::File`] if a file is something else, [`StudyError::Predictions`] if it was changed.
    pub fn check_predictions(&self, folder: &Path) -> Result<(), StudyError> {
        for record in self.records() {
            for (set, predictions) in &record.predictions {
                let RecordedPredictions::File(path) = predictions else {
                    continue;
                };
                let Some(file) = PredictionsFile::find(folder, path)? else {
                    continue;
                };
                let evaluation = record
                    .epochs
                    .last()
                    .and_then(|last| last.evaluations.get(set));
                let metrics = evaluation.into_iter().flat_map(|scored| &scored.metrics);
                for (name, &recorded) in metrics.filter(|_| !file.labels.is_empty()) {
                    // Of the others, F1 needs to know which class is which, and correlations take numbers.
                    let Some(metric @ (Metric::Accuracy | Metric::Matthews)) = Metric::named(name)
                    else {
                        continue;
                    };
                    let (predictions, labels) = file.classes();
                    let score = metric.score(&predictions, &labels).ok();
                    let is_recorded = |score: f64| (score - recorded).abs() <= ROUNDING;
                    if !score.is_some_and(is_recorded) {
                        return Err(StudyError::Predictions {
                            path: folder.join(path),
                            metric: name.clone(),
                            score: score.unwrap_or(f64::NAN),
                            recorded,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks that every run that ended well has predictions of these sets, but for those that are there to choose a recipe.
    ///
    /// # Errors
    /// [`StudyError::NoPredictions`] with the first that has not.
    pub fn require_predictions<'a>(
        &self,
        sets: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<(), StudyError> {
        for (index, record) in self.records().iter().enumerate() {
            let mut sets = sets.clone();
            let missing = sets.find(|set| !record.predictions.contains_key(*set));
            if record.is_tuning() {
                continue;
            }
            if let (Some(set), None) = (missing, &record.failed) {
                return Err(StudyError::NoPredictions {
                    path: self.path().to_owned(),
                    line: index + 1,
                    run: format!("{} seed {}", record.label(), record.seed),
                    set: set.to_owned(),
                });
            }
        }
        Ok(())
    }
}
