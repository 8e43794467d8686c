//! The files of predictions that GLUE's server takes.
//!
//! A submission is a file for each test set: a header, and a row with its number, from 0, for each
//! example. Classes are words where the official training files have words (MNLI, AX, QNLI and RTE) and
//! 0 or 1 elsewhere; scores have three decimals, as `run_glue.py` writes them.
//!
//! The numbers of the rows are those in the first column of the official test files, which count from 0
//! too.
//!
//! ```
//! use tasks::{Predictions, submission};
//!
//! let rte = tasks::glue::rte();
//! let written = submission::of(&rte, "test", &Predictions::Classes(vec![1, 0]))?;
//! assert_eq!(written.file_name, "RTE.tsv");
//! assert_eq!(written.text, "index\tprediction\n0\tnot_entailment\n1\tentailment\n");
//! # Ok::<(), tasks::SubmissionError>(())
//! ```

use std::fmt::Write;

use crate::counted::counted;
use crate::glue::{GlueFile, GlueTask};
use crate::kind::ValueKind;
use crate::outputs::Outputs;
use crate::predictions::Predictions;

/// A file of predictions for GLUE's server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The name that the server knows: `MNLI-m.tsv`.
    pub file_name: &'static str,
    /// What to write into the file.
    pub text: String,
    /// Why the server will refuse the file, one line each.
    pub notes: Vec<String>,
}

/// Why predictions are no submission. The text is one line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmissionError {
    /// GLUE's server does not score this set.
    #[error("GLUE's server takes no predictions for {set} of {task}; expected one of {known}")]
    Set {
        /// Name of the task.
        task: &'static str,
        /// The set asked for.
        set: String,
        /// The sets that it scores.
        known: String,
    },
    /// The predictions are of the other kind.
    #[error("predictions for {set} of {task} are {found}; expected {expected}")]
    Kind {
        /// Name of the task.
        task: &'static str,
        /// The set.
        set: String,
        /// What the predictions are.
        found: ValueKind,
        /// What the task has.
        expected: ValueKind,
    },
    /// A class that the task does not have.
    #[error("prediction {position} for {set} of {task} is class {class}; expected 0 to {last}")]
    Class {
        /// Name of the task.
        task: &'static str,
        /// The set.
        set: String,
        /// Position of the prediction, from 0.
        position: usize,
        /// The class.
        class: usize,
        /// The last class of the task.
        last: usize,
    },
    /// A score that is NaN or infinite.
    #[error("prediction {position} for {set} of {task} is {value}; expected a finite number")]
    NotFinite {
        /// Name of the task.
        task: &'static str,
        /// The set.
        set: String,
        /// Position of the prediction, from 0.
        position: usize,
        /// The score.
        value: f32,
    },
}

/// Returns the name of the file in which GLUE's server expects the predictions for a set; `None` if it
/// does not score the set.
pub fn file_name(task: &GlueTask, set: &str) -> Option<&'static str> {
    file(task, set).and_then(|file| file.submission)
}

/// Writes the predictions for a set, in the order of its file, as GLUE's server takes them.
///
/// Predictions for fewer rows than the official test file has, or for more, are written and noted.
///
/// # Errors
///
/// - [`SubmissionError::Set`] if the server does not score the set;
/// - [`SubmissionError::Kind`] for scores where the task has classes, and the other way round;
/// - [`SubmissionError::Class`] or [`SubmissionError::NotFinite`] for a prediction that cannot be written.
pub fn of(
    task: &GlueTask,
    set: &str,
    predictions: &Predictions,
) -> Result<Submission, SubmissionError> {
    let described = file(task, set);
    let (file_name, rows) = described
        .and_then(|file| Some((file.submission?, file.rows)))
        .ok_or_else(|| SubmissionError::Set {
            task: task.name,
            set: set.to_owned(),
            known: scored(task),
        })?;
    let mut text = String::from("index\tprediction\n");
    let mut row = |index: usize, prediction: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{index}\t{prediction}");
    };
    match (predictions, &task.outputs) {
        (Predictions::Classes(classes), Outputs::Classes(names)) => {
            for (position, &class) in classes.iter().enumerate() {
                let name = names.get(class).ok_or_else(|| SubmissionError::Class {
                    task: task.name,
                    set: set.to_owned(),
                    position,
                    class,
                    last: names.len().saturating_sub(1),
                })?;
                row(position, format_args!("{name}"));
            }
        }
        (Predictions::Scores(scores), Outputs::Score { .. }) => {
            for (position, &value) in scores.iter().enumerate() {
                if !value.is_finite() {
                    return Err(SubmissionError::NotFinite {
                        task: task.name,
                        set: set.to_owned(),
                        position,
                        value,
                    });
                }
                row(position, format_args!("{value:.3}"));
            }
        }
        (predictions, outputs) => {
            return Err(SubmissionError::Kind {
                task: task.name,
                set: set.to_owned(),
                found: predictions.kind(),
                expected: outputs.kind(),
            });
        }
    }
    let count = predictions.len();
    let notes = (count != rows).then(|| {
        format!(
            "{file_name}: {}; GLUE's server expects {rows}, one for each row of the official file",
            counted(count, "prediction")
        )
    });
    Ok(Submission {
        file_name,
        text,
        notes: notes.into_iter().collect(),
    })
}

fn file<'a>(task: &'a GlueTask, set: &str) -> Option<&'a GlueFile> {
    let mut sets = task.evaluation_sets.iter();
    sets.find(|(name, _)| *name == set).map(|(_, file)| file)
}

fn scored(task: &GlueTask) -> String {
    let sets = task.evaluation_sets.iter();
    let scored = sets.filter(|(_, file)| file.submission.is_some());
    scored.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
