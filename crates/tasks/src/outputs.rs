//! The outputs of a model's head.

use std::fmt;

use crate::kind::ValueKind;

/// Describes the outputs that a task asks of a model's head, and thereby the possible labels.
#[derive(Clone, Debug, PartialEq)]
pub enum Outputs {
    /// One logit for each of these classes, which are named as in the files.
    Classes(Vec<String>),
    /// One number. Labels are in this range, both ends included.
    Score {
        /// Lowest label.
        min: f32,
        /// Highest label.
        max: f32,
    },
}

impl Outputs {
    /// Describes classes by their names, in the order of their logits.
    pub fn classes<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Classes(names.into_iter().map(str::to_owned).collect())
    }

    /// Returns the width of the head: one output for each class, or one for a score.
    pub fn count(&self) -> usize {
        match self {
            Self::Classes(names) => names.len(),
            Self::Score { .. } => 1,
        }
    }

    /// Returns the kind of the task's targets and predictions.
    pub fn kind(&self) -> ValueKind {
        match self {
            Self::Classes(_) => ValueKind::Classes,
            Self::Score { .. } => ValueKind::Scores,
        }
    }
}

/// The text that follows "expected".
impl fmt::Display for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classes(names) => write!(f, "one of {}", names.join(", ")),
            Self::Score { min, max } => write!(f, "a number from {min} to {max}"),
        }
    }
}
