//! Macro F1.

use std::collections::BTreeMap;

use super::error::MetricError;

/// How often a class is predicted, how often it is a target, and how often both at the same place.
#[derive(Default)]
struct Counts {
    predicted: usize,
    actual: usize,
    both: usize,
}

/// Mean over the classes of each one's F1: twice its true positives, divided by the number of times
/// it is predicted plus the number of times it is a target. A class that is neither does not count.
///
/// Never fails; returns a `Result` like the other metrics.
pub(super) fn macro_f1(predictions: &[usize], targets: &[usize]) -> Result<f64, MetricError> {
    let mut classes: BTreeMap<usize, Counts> = BTreeMap::new();
    for (&prediction, &target) in predictions.iter().zip(targets) {
        classes.entry(prediction).or_default().predicted += 1;
        let counts = classes.entry(target).or_default();
        counts.actual += 1;
        counts.both += usize::from(prediction == target);
    }
    let each = classes.values().map(|counts| {
        // Every class here is predicted or a target, so the divisor is at least 1.
        2.0 * counts.both as f64 / (counts.predicted + counts.actual) as f64
    });
    Ok(each.sum::<f64>() / classes.len() as f64)
}
