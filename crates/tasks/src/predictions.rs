//! A model's predictions.

use crate::kind::ValueKind;

/// The predictions of a model over a set, one for each example, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Predictions {
    /// The class with the largest logit.
    Classes(Vec<usize>),
    /// The head's single output. It may be outside the range of the labels: nothing clips it.
    Scores(Vec<f32>),
}

impl Predictions {
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
}
