//! The labels that a model is meant to predict.

use crate::kind::ValueKind;

/// The labels of a file, one for each example, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Positions in [`Outputs::Classes`](crate::Outputs::Classes).
    Classes(Vec<usize>),
    /// Numbers in the range of [`Outputs::Score`](crate::Outputs::Score).
    Scores(Vec<f32>),
}

impl Targets {
    /// Returns whether they are classes or scores.
    pub fn kind(&self) -> ValueKind {
        match self {
            Self::Classes(_) => ValueKind::Classes,
            Self::Scores(_) => ValueKind::Scores,
        }
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Scores(scores) => scores.len(),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the first `count` labels and drops the rest.
    pub fn truncate(&mut self, count: usize) {
        match self {
            Self::Classes(classes) => classes.truncate(count),
            Self::Scores(scores) => scores.truncate(count),
        }
    }
}
