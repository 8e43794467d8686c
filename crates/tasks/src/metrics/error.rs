//! Why predictions have no score.

use crate::counted::counted;
use crate::kind::ValueKind;

/// Why a metric cannot score predictions. The text is one line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The metric takes the other kind of values.
    #[error("{metric} takes {takes}; predictions are {predictions}, targets are {targets}")]
    Kind {
        /// Name of the metric.
        metric: &'static str,
        /// What it takes.
        takes: ValueKind,
        /// What the predictions are.
        predictions: ValueKind,
        /// What the targets are.
        targets: ValueKind,
    },
    /// Predictions and targets do not belong together.
    #[error("{} for {}; expected one for each", counted(*predictions, "prediction"), counted(*targets, "target"))]
    Length {
        /// Number of predictions.
        predictions: usize,
        /// Number of targets.
        targets: usize,
    },
    /// There is nothing to score.
    #[error("no predictions to score; expected at least one")]
    Empty,
    /// The metric takes two classes, and there is a third.
    #[error("{metric}: {side} {position} is class {class}; expected 0 or 1")]
    Class {
        /// Name of the metric.
        metric: &'static str,
        /// "prediction" or "target".
        side: &'static str,
        /// Its position, from 0.
        position: usize,
        /// The class.
        class: usize,
    },
    /// A score is NaN or infinite.
    #[error("{metric}: {side} {position} is {value}; expected a finite number")]
    NotFinite {
        /// Name of the metric.
        metric: &'static str,
        /// "prediction" or "target".
        side: &'static str,
        /// Its position, from 0.
        position: usize,
        /// The score.
        value: f32,
    },
    /// A correlation of values that do not vary.
    #[error(
        "{metric} is undefined: every {side} of {count} is {value}; expected at least two different values"
    )]
    Undefined {
        /// Name of the metric.
        metric: &'static str,
        /// "prediction" or "target".
        side: &'static str,
        /// Number of predictions.
        count: usize,
        /// The value they all have.
        value: f32,
    },
}
