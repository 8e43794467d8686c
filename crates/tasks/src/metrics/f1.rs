//! Binary F1.

use super::error::MetricError;
use super::metric::Metric;

/// F1 of class 1: twice its true positives, divided by the number of times it is predicted plus the
/// number of times it is a target; 0 if it is neither.
pub(super) fn f1(predictions: &[usize], targets: &[usize]) -> Result<f64, MetricError> {
    check_classes("prediction", predictions)?;
    check_classes("target", targets)?;
    let both = predictions.iter().zip(targets);
    let true_positives = both.filter(|pair| *pair == (&1, &1)).count();
    let positives = predictions.iter().chain(targets).sum::<usize>();
    Ok(match positives {
        0 => 0.0,
        _ => 2.0 * true_positives as f64 / positives as f64,
    })
}

fn check_classes(side: &'static str, classes: &[usize]) -> Result<(), MetricError> {
    match classes.iter().position(|class| *class > 1) {
        None => Ok(()),
        Some(position) => Err(MetricError::Class {
            metric: Metric::F1.name(),
            side,
            position,
            class: classes[position],
        }),
    }
}
