//! How the predictions over a whole set are scored.

mod accuracy;
mod error;
mod f1;
mod macro_f1;
mod matthews;
mod metric;
mod pearson;
mod spearman;

use crate::predictions::Predictions;
use crate::targets::Targets;

pub use error::MetricError;
pub use metric::Metric;

impl Metric {
    /// Scores the predictions over a whole set.
    ///
    /// # Errors
    ///
    /// - [`MetricError::Kind`] unless predictions and targets are what the metric
    ///   [takes](Self::takes);
    /// - [`MetricError::Length`] unless there is one prediction for each target;
    /// - [`MetricError::Empty`] if there are none;
    /// - [`MetricError::Class`] if F1 is given a class other than 0 and 1;
    /// - [`MetricError::NotFinite`] and [`MetricError::Undefined`] from correlations: values that do not
    ///   vary have none, and 0 would be read as a result.
    ///
    /// # Examples
    ///
    /// ```
    /// use tasks::{Metric, Predictions, Targets};
    ///
    /// let predictions = Predictions::Classes(vec![1, 0, 1, 1]);
    /// let targets = Targets::Classes(vec![1, 0, 0, 1]);
    /// assert_eq!(Metric::Accuracy.score(&predictions, &targets)?, 0.75);
    /// assert_eq!(Metric::F1.score(&predictions, &targets)?, 0.8);
    /// # Ok::<(), tasks::MetricError>(())
    /// ```
    pub fn score(self, predictions: &Predictions, targets: &Targets) -> Result<f64, MetricError> {
        let other_kind = || MetricError::Kind {
            metric: self.name(),
            takes: self.takes(),
            predictions: predictions.kind(),
            targets: targets.kind(),
        };
        match (predictions, targets) {
            (Predictions::Classes(predictions), Targets::Classes(targets)) => {
                let score = match self {
                    Self::Accuracy => accuracy::accuracy,
                    Self::F1 => f1::f1,
                    Self::MacroF1 => macro_f1::macro_f1,
                    Self::Matthews => matthews::matthews,
                    Self::Pearson | Self::Spearman => return Err(other_kind()),
                };
                check_lengths(predictions.len(), targets.len())?;
                score(predictions, targets)
            }
            (Predictions::Scores(predictions), Targets::Scores(targets)) => {
                let score = match self {
                    Self::Pearson => pearson::pearson,
                    Self::Spearman => spearman::spearman,
                    Self::Accuracy | Self::F1 | Self::MacroF1 | Self::Matthews => {
                        return Err(other_kind());
                    }
                };
                check_lengths(predictions.len(), targets.len())?;
                score(predictions, targets)
            }
            _ => Err(other_kind()),
        }
    }
}

fn check_lengths(predictions: usize, targets: usize) -> Result<(), MetricError> {
    if predictions != targets {
        return Err(MetricError::Length {
            predictions,
            targets,
        });
    }
    match predictions {
        0 => Err(MetricError::Empty),
        _ => Ok(()),
    }
}
