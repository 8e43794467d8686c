//! Matthews correlation.

use std::collections::BTreeMap;

use super::error::MetricError;

/// Correlation between predicted and true classes; 0 if either side has a single class.
///
/// Never fails; returns a `Result` like the other metrics.
pub(super) fn matthews(predictions: &[usize], targets: &[usize]) -> Result<f64, MetricError> {
    // How often each class is predicted, and how often it is a target.
    let mut counts: BTreeMap<usize, [i128; 2]> = BTreeMap::new();
    let mut correct = 0;
    for (&prediction, &target) in predictions.iter().zip(targets) {
        counts.entry(prediction).or_default()[0] += 1;
        counts.entry(target).or_default()[1] += 1;
        correct += i128::from(prediction == target);
    }
    // All three are multiplied by the square of the number of examples. That makes them whole
    // numbers, which are exact, so a variance of 0 comes out as 0.
    let examples = targets.len() as i128;
    let covariance = |own: i128, a: usize, b: usize| {
        examples * own
            - counts
                .values()
                .map(|count| count[a] * count[b])
                .sum::<i128>()
    };
    let variances = [covariance(examples, 0, 0), covariance(examples, 1, 1)];
    Ok(match variances {
        [0, _] | [_, 0] => 0.0,
        [predicted, actual] => {
            covariance(correct, 0, 1) as f64 / (predicted as f64 * actual as f64).sqrt()
        }
    })
}
