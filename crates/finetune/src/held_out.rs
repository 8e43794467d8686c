//! The training rows on which recipes are chosen, apart from the others.

use study::{StudyError, Tuning};
use tasks::{HeldOut, Targets};

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
            train: selected(train, &is_kept),
            validation: (VALIDATION.to_owned(), selected(train, &is_held_out)),
        })
    }
}

fn selected(examples: &Examples, wanted: &[bool]) -> Examples {
    fn of<T: Copy>(all: &[T], wanted: &[bool]) -> Vec<T> {
        let pairs = all.iter().zip(wanted);
        pairs
            .filter(|(_, wanted)| **wanted)
            .map(|(one, _)| *one)
            .collect()
    }
    let targets = match &examples.targets {
        Targets::Classes(classes) => Targets::Classes(of(classes, wanted)),
        Targets::Scores(scores) => Targets::Scores(of(scores, wanted)),
    };
    let mut provenance = examples.provenance.clone();
    provenance.used = targets.len();
    Examples {
        encodings: examples.encodings.select(wanted),
        targets,
        provenance,
    }
}
