//! `runs.jsonl`: a line is added when a run ends, and never changed.

use std::path::Path;

use files::{FileError, JsonLines};

use super::{PredictionsFile, RecordedPredictions, RunRecord};
use crate::error::StudyError;

/// What messages call a line of the file.
const WHAT: &str = "a run record";

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
        std::fs::create_dir_all(folder).map_err(|e| FileError::io(folder, e))?;
        JsonLines::open(&folder.join("runs.jsonl"), WHAT).map(Self)
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

    /// Reads the predictions of every record in the study's folder, as far as they are there, and compares them with the
    /// recorded accuracy: what a summary would trip over is found before any run is trained.
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
                let accuracy = evaluation.and_then(|scored| scored.metrics.get("accuracy"));
                if let Some((&recorded, right)) = accuracy.zip(file.right()) {
                    let count = right.len();
                    let right = right.into_iter().filter(|&right| right).count();
                    // More than rounding: a prediction is right or it is not.
                    if (right as f64 - recorded * count as f64).abs() > 0.5 {
                        return Err(StudyError::Predictions {
                            path: folder.join(path),
                            right,
                            count,
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

    /// Adds a record: either the whole line is on disk, or the file is unchanged.
    ///
    /// # Errors
    /// [`FileError::Unreadable`] for a record that could not be read again, [`FileError::Io`].
    pub fn push(&mut self, record: RunRecord) -> Result<&RunRecord, FileError> {
        self.0.push(record)
    }
}
