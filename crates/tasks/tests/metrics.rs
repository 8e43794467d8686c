//! Metrics agree with scikit-learn and scipy; where there is no score, the result is an error and never a number.

use std::collections::BTreeMap;

use serde::Deserialize;
use tasks::{Metric, MetricError, Predictions, Targets, ValueKind};

/// Sums of at most 1,043 terms in a different order; the values are at most 1.
const TOLERANCE: f64 = 1e-13;

#[derive(Deserialize)]
struct Golden {
    classes: Vec<Case<usize>>,
    scores: Vec<Case<f32>>,
}

#[derive(Deserialize)]
struct Case<T> {
    name: String,
    predictions: Vec<T>,
    targets: Vec<T>,
    /// `None` if the reference has none.
    expected: BTreeMap<Metric, Option<f64>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/metrics/golden.json")).unwrap()
}

fn compare(
    case: &str,
    predictions: &Predictions,
    targets: &Targets,
    expected: &BTreeMap<Metric, Option<f64>>,
) {
    let known = Metric::ALL.into_iter();
    let known: Vec<_> = known
        .filter(|metric| metric.takes() == targets.kind())
        .collect();
    assert_eq!(expected.keys().copied().collect::<Vec<_>>(), known);
    for (metric, expected) in expected {
        let at = format!("{metric}: {case}");
        match (metric.score(predictions, targets), expected) {
            (Ok(score), Some(expected)) => {
                assert!(
                    (score - expected).abs() <= TOLERANCE,
                    "{at}: {score}, {expected}"
                );
                assert!(metric.range().contains(&score), "{at}: {score}");
                // Where the reference is exactly 0, so are we.
                assert!(*expected != 0.0 || score == 0.0, "{at}: {score}");
            }
            (Err(MetricError::Undefined { .. } | MetricError::Class { .. }), None) => {}
            (score, expected) => panic!("{at}: {score:?}, {expected:?}"),
        }
    }
}

#[test]
fn metrics_of_classes_are_those_of_scikit_learn() {
    let cases = golden().classes;
    assert_eq!(cases.len(), 16);
    for case in cases {
        compare(
            &case.name,
            &Predictions::Classes(case.predictions),
            &Targets::Classes(case.targets),
            &case.expected,
        );
    }
}

#[test]
fn metrics_of_scores_are_those_of_scipy() {
    let cases = golden().scores;
    assert_eq!(cases.len(), 16);
    for case in cases {
        compare(
            &case.name,
            &Predictions::Scores(case.predictions),
            &Targets::Scores(case.targets),
            &case.expected,
        );
    }
}

fn scores(predictions: &[f32], targets: &[f32]) -> (Predictions, Targets) {
    (
        Predictions::Scores(predictions.to_vec()),
        Targets::Scores(targets.to_vec()),
    )
}

fn classes(predictions: &[usize], targets: &[usize]) -> (Predictions, Targets) {
    (
        Predictions::Classes(predictions.to_vec()),
        Targets::Classes(targets.to_vec()),
    )
}

fn refusal(metric: Metric, (predictions, targets): &(Predictions, Targets)) -> String {
    metric.score(predictions, targets).unwrap_err().to_string()
}

#[test]
fn an_undefined_correlation_says_what_does_not_vary() {
    assert_eq!(
        refusal(Metric::Pearson, &scores(&[0.1; 3], &[1.0, 2.0, 3.0])),
        "pearson is undefined: every prediction of 3 is 0.1; expected at least two different values"
    );
    assert_eq!(
        refusal(Metric::Spearman, &scores(&[1.0, 2.0], &[-0.0, 0.0])),
        "spearmanr is undefined: every target of 2 is -0; expected at least two different values"
    );
    assert_eq!(
        refusal(Metric::Spearman, &scores(&[1.0], &[1.0])),
        "spearmanr is undefined: every prediction of 1 is 1; expected at least two different values"
    );
}

#[test]
fn a_score_that_is_not_finite_is_named() {
    for (value, text) in [
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
        (f32::NEG_INFINITY, "-inf"),
    ] {
        assert_eq!(
            refusal(Metric::Pearson, &scores(&[1.0, value], &[1.0, 2.0])),
            format!("pearson: prediction 1 is {text}; expected a finite number")
        );
        assert_eq!(
            refusal(Metric::Spearman, &scores(&[1.0, 2.0], &[value, 2.0])),
            format!("spearmanr: target 0 is {text}; expected a finite number")
        );
    }
}

#[test]
fn f1_is_about_two_classes() {
    assert_eq!(
        refusal(Metric::F1, &classes(&[0, 2], &[0, 1])),
        "f1: prediction 1 is class 2; expected 0 or 1"
    );
    assert_eq!(
        refusal(Metric::F1, &classes(&[0, 1], &[7, 1])),
        "f1: target 0 is class 7; expected 0 or 1"
    );
}

#[test]
fn the_other_kind_of_values_is_refused() {
    let (classes, scores) = (classes(&[1], &[1]), scores(&[1.0], &[1.0]));
    for metric in Metric::ALL {
        let own = match metric.takes() {
            ValueKind::Classes => &classes,
            ValueKind::Scores => &scores,
        };
        for predictions in [&classes.0, &scores.0] {
            for targets in [&classes.1, &scores.1] {
                let refused = matches!(
                    metric.score(predictions, targets),
                    Err(MetricError::Kind { .. })
                );
                let fits = *predictions == own.0 && *targets == own.1;
                assert_eq!(refused, !fits, "{metric}: {predictions:?}, {targets:?}");
            }
        }
    }
    assert_eq!(
        refusal(Metric::Accuracy, &(scores.0, classes.1)),
        "accuracy takes classes; predictions are scores, targets are classes"
    );
}

#[test]
fn there_is_one_prediction_for_each_target_and_at_least_one() {
    for metric in Metric::ALL {
        let (uneven, none) = match metric.takes() {
            ValueKind::Classes => (classes(&[1], &[1, 0]), classes(&[], &[])),
            ValueKind::Scores => (scores(&[1.0], &[1.0, 0.0]), scores(&[], &[])),
        };
        assert_eq!(
            refusal(metric, &uneven),
            "1 prediction for 2 targets; expected one for each"
        );
        assert_eq!(
            refusal(metric, &none),
            "no predictions to score; expected at least one"
        );
    }
}

#[test]
fn a_class_of_any_size_costs_no_memory() {
    let (predictions, targets) = classes(&[usize::MAX, 0], &[usize::MAX, 0]);
    assert_eq!(Metric::Matthews.score(&predictions, &targets), Ok(1.0));
}

#[test]
fn metrics_are_written_with_the_names_of_run_glue() {
    for (metric, name, text) in [
        (Metric::Accuracy, "accuracy", "accuracy"),
        (Metric::F1, "f1", "F1"),
        (Metric::MacroF1, "f1_macro", "macro F1"),
        (
            Metric::Matthews,
            "matthews_correlation",
            "Matthews correlation",
        ),
        (Metric::Pearson, "pearson", "Pearson correlation"),
        (Metric::Spearman, "spearmanr", "Spearman correlation"),
    ] {
        let json = format!("{name:?}");
        assert_eq!(metric.name(), name);
        assert_eq!(metric.to_string(), text);
        assert_eq!(serde_json::to_string(&metric).unwrap(), json);
        assert_eq!(serde_json::from_str::<Metric>(&json).unwrap(), metric);
    }
    let error = serde_json::from_str::<Metric>("\"Accuracy\"").unwrap_err();
    assert!(
        error.to_string().contains("matthews_correlation"),
        "{error}"
    );
}

#[test]
fn a_whole_is_a_hundred_points() {
    for metric in Metric::ALL {
        assert_eq!(metric.in_points(*metric.range().end()), 100.0);
        let is_share = *metric.range().start() == 0.0;
        assert_eq!(metric.unit() == "%", is_share, "{metric}");
    }
}
