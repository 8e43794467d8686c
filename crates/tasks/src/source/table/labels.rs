//! The labels of a file of one's own.

use std::collections::HashMap;

use super::listed;
use crate::outputs::Outputs;
use crate::targets::Targets;

/// Reads labels as a task's targets.
pub(crate) enum Labels {
    /// Positions of class names.
    Classes {
        /// Position of each name.
        positions: HashMap<String, usize>,
        /// Whether every name is an integer, so that labels are compared as integers.
        integers: bool,
        /// The labels so far.
        read: Vec<usize>,
        /// What a label may be.
        expected: String,
    },
    /// Scores in a range.
    Scores {
        /// Lowest score.
        min: f32,
        /// Highest score.
        max: f32,
        /// The labels so far.
        read: Vec<f32>,
        /// What a label may be.
        expected: String,
    },
}

impl Labels {
    /// Starts without labels.
    pub(crate) fn new(outputs: &Outputs) -> Self {
        match outputs {
            Outputs::Classes(names) => Self::Classes {
                positions: names.iter().cloned().zip(0..).collect(),
                integers: names.iter().all(|name| integer(name).is_some()),
                read: Vec::new(),
                expected: format!("one of {}", listed(names)),
            },
            Outputs::Score { min, max } => Self::Scores {
                min: *min,
                max: *max,
                read: Vec::new(),
                expected: outputs.to_string(),
            },
        }
    }

    /// Adds a label without surrounding white space, or returns what it should have been.
    pub(crate) fn push(&mut self, label: &str) -> Result<(), String> {
        match self {
            Self::Classes {
                positions,
                integers,
                read,
                expected,
            } => {
                let canonical = integers.then(|| integer(label)).flatten();
                let at = match canonical {
                    Some(label) => positions.get(&label.to_string()),
                    None => positions.get(label),
                };
                read.push(*at.ok_or_else(|| expected.clone())?);
            }
            Self::Scores {
                min,
                max,
                read,
                expected,
            } => {
                let score = label.parse().ok();
                let score = score.filter(|score| (*min..=*max).contains(score));
                read.push(score.ok_or_else(|| expected.clone())?);
            }
        }
        Ok(())
    }

    /// Returns the labels.
    pub(crate) fn into_targets(self) -> Targets {
        match self {
            Self::Classes { read, .. } => Targets::Classes(read),
            Self::Scores { read, .. } => Targets::Scores(read),
        }
    }
}

/// Returns the value of a label that is an integer.
pub(crate) fn integer(label: &str) -> Option<i128> {
    label.parse().ok()
}
