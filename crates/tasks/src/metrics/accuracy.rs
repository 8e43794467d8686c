//! Accuracy.

use super::error::MetricError;

/// Share of predictions that equal their target. Never fails; returns a `Result` like the other
/// metrics.
pub(super) fn accuracy(predictions: &[usize], targets: &[usize]) -> Result<f64, MetricError> {
    let pairs = predictions.iter().zip(targets);
    let correct = pairs.filter(|(prediction, target)| prediction == target);
    Ok(correct.count() as f64 / targets.len() as f64)
}
