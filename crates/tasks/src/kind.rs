//! The two kinds of values that a task can have.

use std::fmt;

/// Says whether labels, predictions, or the values that a metric compares are classes or scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// Positions in a list of classes.
    Classes,
    /// Numbers.
    Scores,
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classes => "classes",
            Self::Scores => "scores",
        })
    }
}
