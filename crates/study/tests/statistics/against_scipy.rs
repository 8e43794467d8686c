//! Against scipy and statsmodels; `../golden/statistics/generate.py` made the numbers.

use std::fmt::Debug;

use serde::Deserialize;
use study::statistics::{
    McNemar, RESAMPLES, StochasticOrder, Summary, bca_interval, holm, paired_t_test, pairs_needed,
    percentile_interval, power, resampled_means, sign_flip_test, violation_ratio,
};

/// Sums and square roots of the same numbers: only the order of additions differs.
const ARITHMETIC: f64 = 1e-13;

/// Distribution functions: statrs and scipy evaluate other expansions; both promise about 12
/// digits.
const DISTRIBUTION: f64 = 1e-11;

/// Binomial coefficients from logarithms of gamma functions, which are up to 1e6 and lose as many
/// units of rounding.
const LARGE_COUNTS: f64 = 1e-9;

#[derive(Deserialize)]
struct Golden {
    summary: Vec<SummaryCase>,
    t_test: Vec<TTestCase>,
    bootstrap: Vec<BootstrapCase>,
    every_resample: Vec<EveryResampleCase>,
    sign_flip: Vec<SignFlipCase>,
    holm: Vec<HolmCase>,
    mcnemar: Vec<McNemarCase>,
    stochastic_order: Vec<StochasticOrderCase>,
    power: Vec<PowerCase>,
}

#[derive(Deserialize)]
struct SummaryCase {
    values: Vec<f64>,
    mean: f64,
    sd: f64,
    median: f64,
    min: f64,
    max: f64,
}

#[derive(Deserialize)]
struct TTestCase {
    differences: Vec<f64>,
    t: f64,
    p_value: f64,
    ci95: [f64; 2],
}

#[derive(Deserialize)]
struct BootstrapCase {
    differences: Vec<f64>,
    level: f64,
    resampled: Vec<f64>,
    percentile: [f64; 2],
    bca: [f64; 2],
}

#[derive(Deserialize)]
struct EveryResampleCase {
    differences: Vec<f64>,
    percentile: [[f64; 2]; 2],
    bca: [[f64; 2]; 2],
}

#[derive(Deserialize)]
struct SignFlipCase {
    differences: Vec<f64>,
    p_value: f64,
}

#[derive(Deserialize)]
struct HolmCase {
    p_values: Vec<f64>,
    adjusted: Vec<f64>,
}

#[derive(Deserialize)]
struct McNemarCase {
    only_first: u64,
    only_second: u64,
    p_value: f64,
    chi_squared: f64,
    chi_squared_p_value: f64,
}

#[derive(Deserialize)]
struct StochasticOrderCase {
    first: Vec<f64>,
    second: Vec<f64>,
    violation_ratio: f64,
    standard_error: f64,
    upper_bound: f64,
}

#[derive(Deserialize)]
struct PowerCase {
    difference: f64,
    sd: f64,
    pairs: usize,
    power: f64,
    pairs_needed: usize,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/statistics/golden.json")).unwrap()
}

#[track_caller]
fn assert_close(ours: &[f64], theirs: &[f64], relative: f64, of: impl Debug) {
    assert_eq!(ours.len(), theirs.len(), "{of:?}");
    for (ours, theirs) in ours.iter().zip(theirs) {
        let off = (ours - theirs).abs();
        assert!(
            off <= relative * theirs.abs().max(1e-3),
            "{ours} against {theirs} (off by {off:e}) of {of:?}"
        );
    }
}

#[test]
fn summaries_are_numpys() {
    for case in golden().summary {
        let ours = Summary::of(&case.values).unwrap();
        assert_eq!(ours.n, case.values.len());
        assert_eq!((ours.min, ours.max), (case.min, case.max));
        assert_close(
            &[ours.mean, ours.sd.unwrap(), ours.median],
            &[case.mean, case.sd, case.median],
            ARITHMETIC,
            &case.values,
        );
    }
}

#[test]
fn t_tests_are_scipys() {
    for case in golden().t_test {
        let ours = paired_t_test(&case.differences).unwrap();
        assert_eq!(ours.degrees_of_freedom, case.differences.len() - 1);
        assert_close(&[ours.t], &[case.t], ARITHMETIC, &case.differences);
        assert_close(
            &[ours.p_value],
            &[case.p_value],
            DISTRIBUTION,
            &case.differences,
        );
        assert_close(&ours.ci95, &case.ci95, DISTRIBUTION, &case.differences);
    }
}

#[test]
fn intervals_are_scipys_for_the_same_resamples() {
    for case in golden().bootstrap {
        let percentile = percentile_interval(&case.resampled, case.level).unwrap();
        assert_close(&percentile, &case.percentile, ARITHMETIC, &case.differences);
        let bca = bca_interval(&case.differences, &case.resampled, case.level).unwrap();
        // An end is interpolated between two means: its error is a share of their spread, not of
        // the end itself.
        let spread = Summary::of(&case.resampled).map(|s| s.max - s.min).unwrap();
        for (ours, theirs) in bca.iter().zip(case.bca) {
            let off = (ours - theirs).abs();
            assert!(
                off <= DISTRIBUTION * spread,
                "{ours} against {theirs} (off by {off:e}) of {:?}",
                case.differences
            );
        }
    }
}

#[test]
fn seeded_resampling_comes_near_every_resample() {
    for case in golden().every_resample {
        for seed in 0..10 {
            let resampled = resampled_means(&case.differences, RESAMPLES, seed).unwrap();
            let percentile = percentile_interval(&resampled, 0.95).unwrap();
            let bca = bca_interval(&case.differences, &resampled, 0.95).unwrap();
            for (ours, brackets) in [(percentile, case.percentile), (bca, case.bca)] {
                for (end, [low, high]) in ours.into_iter().zip(brackets) {
                    // Means of the same numbers, added in another order.
                    let rounding = ARITHMETIC * high.abs();
                    assert!(
                        end >= low - rounding && end <= high + rounding,
                        "seed {seed}: {end} is not within {low} to {high} of {:?}",
                        case.differences
                    );
                }
            }
        }
    }
}

#[test]
fn exact_sign_flips_are_scipys() {
    let mut largest = 0;
    for case in golden()
        .sign_flip
        .iter()
        .filter(|case| case.differences.len() <= 20)
    {
        let ours = sign_flip_test(&case.differences, 0).unwrap();
        assert!(ours.exact);
        assert_close(
            &[ours.p_value],
            &[case.p_value],
            ARITHMETIC,
            &case.differences,
        );
        largest = largest.max(case.differences.len());
    }
    assert_eq!(largest, 20, "the largest exact size is among the cases");
}

#[test]
fn drawn_sign_flips_come_near_the_exact_share() {
    let cases = golden().sign_flip;
    let drawn: Vec<_> = cases
        .iter()
        .filter(|case| case.differences.len() > 20)
        .collect();
    assert_eq!(drawn.len(), 2);
    for case in drawn {
        // Five standard errors of a share of 99,999 draws.
        let tolerance = 5.0 * (case.p_value * (1.0 - case.p_value) / 99_999.0).sqrt();
        for seed in 0..5 {
            let ours = sign_flip_test(&case.differences, seed).unwrap();
            assert!(!ours.exact);
            let off = (ours.p_value - case.p_value).abs();
            assert!(
                off <= tolerance,
                "seed {seed}: {} against {} +- {tolerance}",
                ours.p_value,
                case.p_value
            );
        }
    }
}

#[test]
fn holm_is_statsmodels() {
    for case in golden().holm {
        assert_close(
            &holm(&case.p_values).unwrap(),
            &case.adjusted,
            ARITHMETIC,
            &case.p_values,
        );
    }
}

#[test]
fn mcnemar_is_statsmodels() {
    for case in golden().mcnemar {
        let ours = McNemar::from_counts(case.only_first, case.only_second);
        let counts = (case.only_first, case.only_second);
        assert_eq!((ours.only_first, ours.only_second), counts);
        assert_close(&[ours.p_value], &[case.p_value], LARGE_COUNTS, counts);
        assert_close(
            &[ours.chi_squared, ours.chi_squared_p_value],
            &[case.chi_squared, case.chi_squared_p_value],
            DISTRIBUTION,
            counts,
        );
    }
}

#[test]
fn stochastic_order_comes_near_every_resample() {
    // A standard deviation estimated from 10,000 draws is off by about 1 % of itself where the
    // draws pile up at 0 and 1; this is five of them, times the normal quantile of 1.645.
    const SHARE_OF_THE_ERROR: f64 = 0.05 * 1.645;
    for case in golden().stochastic_order {
        let exact = violation_ratio(&case.first, &case.second).unwrap();
        assert_close(&[exact], &[case.violation_ratio], ARITHMETIC, &case.first);
        let swapped = violation_ratio(&case.second, &case.first).unwrap();
        assert_close(
            &[swapped],
            &[1.0 - case.violation_ratio],
            ARITHMETIC,
            &case.first,
        );
        for seed in 0..5 {
            let ours = StochasticOrder::of(&case.first, &case.second, RESAMPLES, seed).unwrap();
            assert_eq!(ours.violation_ratio, exact);
            assert!(ours.upper_bound <= 1.0, "{}", ours.upper_bound);
            let off = (ours.upper_bound - case.upper_bound).abs();
            let tolerance = SHARE_OF_THE_ERROR * case.standard_error;
            assert!(
                off <= tolerance,
                "seed {seed}: {} against {}",
                ours.upper_bound,
                case.upper_bound
            );
        }
    }
}

#[test]
fn power_and_pairs_are_statsmodels() {
    for case in golden().power {
        let ours = power(case.pairs, case.difference, case.sd).unwrap();
        assert_close(
            &[ours],
            &[case.power],
            DISTRIBUTION,
            (case.difference, case.sd, case.pairs),
        );
        assert_eq!(
            pairs_needed(case.difference, case.sd).unwrap(),
            Some(case.pairs_needed)
        );
    }
}
