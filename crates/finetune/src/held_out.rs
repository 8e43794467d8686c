//! The training rows on which recipes are chosen, apart from the others.

use study::{StudyError, Tuning};
use tasks::HeldOut;

use crate::data::Examples;

/// What the held-out rows are called in records.
const VALIDATION: &str = "validation";

/// The training examples in two parts, the same for every tuning run of a study.
#[derive(Clone, Debug)]
pub(crate) struct HeldOutExamples {
    /// What tuning runs are trained on.
    pub(crate) train: Examples,
    /// What they are scored on, with its name.
    pub(crate) validation: (String, Examples),
}

impl HeldOutExamples {
    /// Draws the rows to hold out, of every class its share.
    ///
    /// # Errors
    /// [`StudyError::Setting`] if there are too few for that.
    pub(crate) fn of(train: &Examples, tuning: &Tuning) -> Result<Self, StudyError> {
        let rows = tuning.validation_rows(train.len());
        let drawn = HeldOut {
            rows,
            seed: tuning.split_seed,
        };
        let is_held_out = drawn.of(&train.targets);
        let count = is_held_out.iter().filter(|is| **is).count();
        if count != rows {
            return Err(StudyError::setting(
                "held-out training rows",
                format!("{rows} of {}", train.len()),
                "at least one of every class, with one of every class left to train on",
            ));
        }
        let is_kept: Vec<bool> = is_held_out.iter().map(|is| !is).collect();
        Ok(Self {
            train: train.select(&is_kept),
            validation: (VALIDATION.to_owned(), train.select(&is_held_out)),
        })
    }
}
