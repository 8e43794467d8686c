//! Spearman correlation.

use super::error::MetricError;
use super::metric::Metric;
use super::pearson::{check, correlation};

/// Pearson correlation between the ranks of predictions and targets.
pub(super) fn spearman(predictions: &[f32], targets: &[f32]) -> Result<f64, MetricError> {
    check(Metric::Spearman, predictions, targets)?;
    Ok(correlation(ranks(predictions), ranks(targets)))
}

/// The rank of each value, from 1; equal values share the mean of their ranks.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for ties in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (ties.len() + 1) as f64 / 2.0;
        ties.iter().for_each(|&position| ranks[position] = rank);
        before += ties.len();
    }
    ranks
}
