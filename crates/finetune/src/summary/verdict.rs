//! The answer of a study in one sentence.

use super::{Comparison, Point};
use crate::statistics::ALPHA;

/// What the comparisons of a study show together.
pub(super) fn sentence(points: &[Point], metric: &str) -> String {
    let comparisons: Vec<(&Point, &Comparison)> = points
        .iter()
        .filter_map(|point| Some((point, point.comparison.as_ref()?)))
        .collect();
    match comparisons.as_slice() {
        [] => "no verdict: no seed completed two runs to compare".to_owned(),
        [(point, only)] => only.paired.verdict(&point.label, &only.against, metric),
        several => of_several(several, metric),
    }
}

fn of_several(comparisons: &[(&Point, &Comparison)], metric: &str) -> String {
    let tested: Vec<_> = comparisons
        .iter()
        .filter(|(_, c)| c.holm_p.is_some())
        .collect();
    let Some(smallest) = tested
        .iter()
        .filter_map(|(_, c)| c.holm_p)
        .min_by(f64::total_cmp)
    else {
        return format!(
            "no verdict: {} comparisons over a single pair of runs each, and an interval needs at least 2",
            comparisons.len()
        );
    };
    let found: Vec<String> = tested
        .iter()
        .filter(|(_, c)| is_evidence(c))
        .map(|(point, c)| describe(point, c, metric))
        .collect();
    if found.is_empty() {
        return format!(
            "no evidence of a difference in any of {} comparisons, corrected for their number (smallest p = {smallest:.3})",
            comparisons.len()
        );
    }
    format!(
        "evidence of a difference in {} of {} comparisons, corrected for their number: {}",
        found.len(),
        comparisons.len(),
        found.join("; ")
    )
}

/// The interval excludes 0, and the corrected p-value agrees.
fn is_evidence(comparison: &Comparison) -> bool {
    let excludes_0 = |[low, high]: [f64; 2]| low > 0.0 || high < 0.0;
    comparison.paired.ci95.is_some_and(excludes_0) && comparison.holm_p.is_some_and(|p| p < ALPHA)
}

fn describe(point: &Point, comparison: &Comparison, metric: &str) -> String {
    let points = |score: f64| format!("{:+.2}", 100.0 * score);
    let [low, high] = comparison.paired.ci95.unwrap_or_default().map(points);
    format!(
        "{} differs from {} by {} points of {metric} (95 % interval {low} to {high}, p = {:.3})",
        point.label,
        comparison.against,
        points(comparison.paired.mean),
        comparison.holm_p.unwrap_or(1.0),
    )
}
