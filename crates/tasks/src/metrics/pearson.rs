//! Pearson correlation.

use super::error::MetricError;
use super::metric::Metric;

/// Linear correlation between predictions and targets.
pub(super) fn pearson(predictions: &[f32], targets: &[f32]) -> Result<f64, MetricError> {
    check(Metric::Pearson, predictions, targets)?;
    let wide = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect();
    Ok(correlation(wide(predictions), wide(targets)))
}

/// Refuses values for which no correlation is defined.
pub(super) fn check(
    metric: Metric,
    predictions: &[f32],
    targets: &[f32],
) -> Result<(), MetricError> {
    let metric = metric.name();
    for (side, values) in [("prediction", predictions), ("target", targets)] {
        if let Some(position) = values.iter().position(|value| !value.is_finite()) {
            return Err(MetricError::NotFinite {
                metric,
                side,
                position,
                value: values[position],
            });
        }
        if values.iter().all(|value| *value == values[0]) {
            return Err(MetricError::Undefined {
                metric,
                side,
                count: values.len(),
                value: values[0],
            });
        }
    }
    Ok(())
}

/// Correlation of values that are finite and not all equal.
pub(super) fn correlation(a: Vec<f64>, b: Vec<f64>) -> f64 {
    let (a, b) = (centred(a), centred(b));
    let product: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
    // Rounding may overshoot the range.
    product.clamp(-1.0, 1.0)
}

/// The values minus their mean, divided by their norm.
fn centred(mut values: Vec<f64>) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|value| *value -= mean);
    let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    values.iter_mut().for_each(|value| *value /= norm);
    values
}
