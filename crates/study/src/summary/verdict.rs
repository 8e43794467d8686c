//! The answer of a study in one sentence.

use super::{Comparison, Point};
use crate::statistics::{ALPHA, p_equals, points};

/// Says in one sentence what the comparisons of a study show together.
pub(super) fn sentence(points: &[Point], metric: &str) -> String {
    let comparisons: Vec<(&Point, &Comparison)> = points
        .iter()
        .filter_map(|point| Some((point, point.comparison.as_ref()?)))
        .collect();
    // The others have only a single pair of runs, and so no interval.
    let tested: Vec<(&Point, &Comparison, f64)> = comparisons
        .iter()
        .filter_map(|(point, c)| Some((*point, *c, c.holm_p.or(c.paired.p_value)?)))
        .collect();
    let finding = match (tested.as_slice(), comparisons.as_slice()) {
        ([], []) => return "no verdict: no seed completed two runs to compare".to_owned(),
        ([(point, only, _)], _) | ([], [(point, only)]) => {
            only.paired.verdict(&point.label, &only.against, metric)
        }
        ([], several) => {
            return format!(
                "no verdict: {} comparisons over a single pair of runs each, and an interval needs at least 2",
                several.len()
            );
        }
        (several, _) => of_several(several, metric),
    };
    match comparisons.len() - tested.len() {
        untested if untested == 0 || tested.is_empty() => finding,
        untested => format!("{finding}; {untested} more over a single pair of runs"),
    }
}

/// The sentence for several comparisons, with p-values corrected for their number.
fn of_several(comparisons: &[(&Point, &Comparison, f64)], metric: &str) -> String {
    let found: Vec<String> = comparisons
        .iter()
        .filter(|(_, c, p)| excludes_0(c) && *p < ALPHA)
        .map(|(point, c, p)| describe(point, c, *p, metric))
        .collect();
    if found.is_empty() {
        let smallest = comparisons.iter().map(|(.., p)| *p).fold(1.0, f64::min);
        return format!(
            "no evidence of a difference in any of {} comparisons, corrected for their number (smallest {})",
            comparisons.len(),
            p_equals(smallest),
        );
    }
    format!(
        "evidence of a difference in {} of {} comparisons, corrected for their number: {}",
        found.len(),
        comparisons.len(),
        found.join("; ")
    )
}

fn excludes_0(comparison: &Comparison) -> bool {
    let ends = comparison.paired.ci95;
    ends.is_some_and(|[low, high]| low > 0.0 || high < 0.0)
}

fn describe(point: &Point, comparison: &Comparison, p: f64, metric: &str) -> String {
    let [low, high] = comparison.paired.ci95.unwrap_or_default().map(points);
    format!(
        "{} differs from {} by {} points of {metric} (95 % interval {low} to {high}, {})",
        point.label,
        comparison.against,
        points(comparison.paired.mean),
        p_equals(p),
    )
}

#[cfg(test)]
mod tests {
    use crate::Arm;
    use crate::record::Headline;
    use crate::statistics::Paired;
    use crate::summary::Scores;

    use super::*;

    fn point(differences: &[f64], holm_p: Option<f64>) -> Point {
        let control = vec![0.0; differences.len()];
        Point {
            label: "noisytune".to_owned(),
            arm: Arm::NOISYTUNE,
            lambda: None,
            train_rows: 1,
            scores: Scores::of(
                &[],
                &Headline {
                    set: "dev".to_owned(),
                    metric: "accuracy".to_owned(),
                },
            )
            .expect("no scores are none"),
            others: Vec::new(),
            comparison: Some(Comparison {
                against: "baseline".to_owned(),
                paired: Paired::of(differences, &control, 0).expect("finite"),
                t_test: None,
                holm_p,
                mcnemar: None,
                stochastic_order: None,
                pairs_needed: None,
            }),
        }
    }

    #[test]
    fn several_comparisons_are_judged_by_their_corrected_p_values() {
        let better = [0.004, 0.003, 0.002, 0.005, 0.004, 0.006, 0.003, 0.004];
        let none = [point(&better, Some(0.06)), point(&[0.1, -0.1], Some(1.0))];
        assert_eq!(
            sentence(&none, "accuracy"),
            "no evidence of a difference in any of 2 comparisons, corrected for their number (smallest p = 0.060)"
        );
        let one = [point(&better, Some(0.0002)), point(&[0.1, -0.1], Some(1.0))];
        let text = sentence(&one, "accuracy");
        let begin = "evidence of a difference in 1 of 2 comparisons, corrected for their number: noisytune differs from baseline by +0.39 points of accuracy (95 % interval ";
        assert!(
            text.starts_with(begin) && text.ends_with(", p < 0.001)"),
            "{text}"
        );
    }

    #[test]
    fn comparisons_of_a_single_pair_are_counted_and_judge_nothing() {
        let single = || point(&[0.1], None);
        assert_eq!(
            sentence(&[single(), single()], "accuracy"),
            "no verdict: 2 comparisons over a single pair of runs each, and an interval needs at least 2"
        );
        let text = sentence(&[single(), point(&[0.1, -0.1], None)], "accuracy");
        assert!(
            text.starts_with("no evidence of a difference: over 2 pairs of runs noisytune"),
            "{text}"
        );
        assert!(
            text.ends_with(" by 0.00 points of accuracy on average (95 % interval -10.00 to +10.00, p = 1.000); 1 more over a single pair of runs"),
            "{text}"
        );
        assert!(sentence(&[single()], "accuracy").starts_with("no verdict: noisytune differs"));
        assert!(sentence(&[], "accuracy").starts_with("no verdict: no seed"));
    }
}
