//! Against scipy and statsmodels; `../golden/statistics/generate.py` made the numbers.

use std::fmt::Debug;

use serde::Deserialize;
use study::statistics::{
    Equivalence, Error, McNemar, Paired, RESAMPLES, StochasticOrder, Summary, crossed_interval,
    holm, interval_of_means, paired_t_test, pairs_needed, power, sd_interval, sign_flip_test,
    violation_ratio,
};

/// Sums and square roots of the same numbers: only the order of additions differs.
const ARITHMETIC: f64 = 1e-13;

/// Distribution functions: statrs and scipy evaluate other expansions; both promise about 12
/// digits.
const DISTRIBUTION: f64 = 1e-11;

/// A quantile that statrs finds by bisection, to about 1e-10 of itself.
const QUANTILE: f64 = 1e-9;

/// Binomial coefficients from logarithms of gamma functions, which are up to 1e6 and lose as many
/// units of rounding.
const LARGE_COUNTS: f64 = 1e-9;

#[derive(Deserialize)]
struct Golden {
    summary: Vec<SummaryCase>,
    t_test: Vec<TTestCase>,
    sign_flip: Vec<SignFlipCase>,
    holm: Vec<HolmCase>,
    mcnemar: Vec<McNemarCase>,
    stochastic_order: Vec<StochasticOrderCase>,
    power: Vec<PowerCase>,
    equivalence: Vec<EquivalenceCase>,
    sd_interval: Vec<SdIntervalCase>,
    crossed: Vec<CrossedCase>,
    beside: Vec<BesideCase>,
    means: Vec<MeansCase>,
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

#[derive(Deserialize)]
struct EquivalenceCase {
    differences: Vec<f64>,
    margin: f64,
    p_value: f64,
}

#[derive(Deserialize)]
struct SdIntervalCase {
    sd: f64,
    count: usize,
    interval: [f64; 2],
    difference: f64,
    pairs_needed: [usize; 2],
}

#[derive(Deserialize)]
struct CrossedCase {
    table: Vec<Vec<f64>>,
    interval: [f64; 2],
}

#[derive(Deserialize)]
struct BesideCase {
    differences: Vec<f64>,
    comparisons: usize,
    interval: [f64; 2],
}

#[derive(Deserialize)]
struct MeansCase {
    groups: Vec<Vec<f64>>,
    interval: [f64; 2],
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
fn intervals_beside_other_comparisons_are_scipys() {
    for case in golden().beside {
        let zeros = vec![0.0; case.differences.len()];
        let paired = Paired::of(&case.differences, &zeros, 0).unwrap();
        let ours = paired.interval_beside(case.comparisons).unwrap();
        assert_close(&ours, &case.interval, QUANTILE, &case.differences);
    }
}

#[test]
fn intervals_of_several_means_are_scipys() {
    for case in golden().means {
        let groups: Vec<&[f64]> = case.groups.iter().map(Vec::as_slice).collect();
        let ours = interval_of_means(&groups).unwrap();
        assert_close(&ours, &case.interval, QUANTILE, &case.groups);
    }
    let [equal, one] = [&[0.1, 0.1][..], &[0.1]];
    assert_eq!(
        interval_of_means(&[equal, equal]),
        Err(Error::NoSpread { count: 4 })
    );
    let too_few = Error::TooFew {
        found: 1,
        needed: 2,
    };
    assert_eq!(interval_of_means(&[equal, one]), Err(too_few));
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

#[test]
fn two_one_sided_tests_are_scipys() {
    for case in golden().equivalence {
        let ours = Equivalence::of(&case.differences, case.margin).unwrap();
        assert_eq!(ours.margin, case.margin);
        assert_close(
            &[ours.p_value],
            &[case.p_value],
            DISTRIBUTION,
            &case.differences,
        );
    }
}

#[test]
fn intervals_of_a_deviation_are_scipys_and_their_pairs_statsmodels() {
    for case in golden().sd_interval {
        let ours = sd_interval(case.sd, case.count).unwrap();
        assert_close(&ours, &case.interval, QUANTILE, (case.sd, case.count));
        let needed = ours.map(|sd| pairs_needed(case.difference, sd).unwrap());
        assert_eq!(needed, case.pairs_needed.map(Some));
    }
}

#[test]
fn intervals_over_seeds_and_sentences_are_those_of_explicit_residuals() {
    // Sums of squares minus sums of squares lose digits that explicit residuals keep.
    const CANCELLATION: f64 = 1e-10;
    for case in golden().crossed {
        let ours = crossed_interval(&case.table).unwrap();
        assert_close(&ours, &case.interval, CANCELLATION, &case.table);
    }
}
