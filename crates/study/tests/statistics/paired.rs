//! The comparison of two arms: its record, and the sentences about it.

use study::statistics::{Paired, Test};

/// Scores of two arms whose differences are these.
fn paired(differences: &[f64]) -> Paired {
    let control = vec![0.0; differences.len()];
    Paired::of(differences, &control, 7).unwrap()
}

#[test]
fn arms_that_never_differ_give_an_interval_of_zero_and_p_of_one() {
    // What lambda = 0 must give.
    let paired = paired(&[0.0; 4]);
    assert_eq!(
        (paired.mean, paired.ci95, paired.p_value),
        (0.0, Some([0.0, 0.0]), Some(1.0))
    );
}

#[test]
fn equal_differences_give_an_interval_of_that_difference() {
    let paired = paired(&[0.1; 3]);
    let [low, high] = paired.ci95.unwrap();
    // Rounding of a mean of three.
    assert!(
        (low - 0.1).abs() < 1e-15 && (high - 0.1).abs() < 1e-15,
        "{low} {high}"
    );
    assert_eq!(paired.p_value, Some(0.25));
}

#[test]
fn a_comparison_serialises_as_the_summary_has_it() {
    let one = Paired::of(&[0.75], &[0.5], 0).unwrap();
    assert_eq!(
        serde_json::to_string(&one).unwrap(),
        r#"{"differences":[0.25],"mean":0.25,"ci95":null,"p_value":null,"test":null,"n":1}"#
    );
    let two = Paired::of(&[0.75, 0.5], &[0.5, 0.5], 0).unwrap();
    let text = serde_json::to_string(&two).unwrap();
    assert_eq!(
        text,
        r#"{"differences":[0.25,0.0],"mean":0.125,"ci95":[0.0,0.25],"p_value":1.0,"test":"exact sign-flip permutation","n":2}"#
    );
    assert_eq!(serde_json::from_str::<Paired>(&text).unwrap(), two);
}

#[test]
fn more_than_twenty_pairs_say_that_signs_were_drawn() {
    assert_eq!(paired(&[0.01; 20]).test, Some(Test::ExactSignFlip));
    assert_eq!(paired(&[0.01; 21]).test, Some(Test::MonteCarloSignFlip));
    // The observed assignment is one of 100,000: never 0, however large the effect.
    assert!(paired(&[0.01; 70]).p_value.unwrap() >= 1e-5);
}

#[test]
fn an_interval_with_zero_is_no_evidence() {
    let verdict = paired(&[0.004, -0.003, 0.002, -0.001, 0.0, 0.001]).verdict(
        "noisytune",
        "baseline",
        "accuracy",
    );
    assert_eq!(
        verdict,
        "no evidence of a difference: over 6 pairs of runs noisytune differs from baseline by +0.05 points of accuracy on average (95 % interval -0.13 to +0.23, p = 0.750)"
    );
}

#[test]
fn an_interval_that_touches_zero_is_no_evidence() {
    let touching = Paired {
        ci95: Some([0.0, 0.01]),
        p_value: Some(0.01),
        ..paired(&[0.01, 0.0])
    };
    assert!(
        touching
            .verdict("a", "b", "m")
            .starts_with("no evidence of a difference:")
    );
}

#[test]
fn an_interval_on_one_side_is_evidence_for_that_side() {
    let better = [0.004, 0.003, 0.002, 0.005, 0.004, 0.006, 0.003];
    let verdict = paired(&better).verdict("noisytune", "baseline", "accuracy");
    assert_eq!(
        verdict,
        "evidence that noisytune is higher than baseline: over 7 pairs of runs noisytune differs from baseline by +0.39 points of accuracy on average (95 % interval +0.30 to +0.49, p = 0.016)"
    );
    let worse = paired(&better.map(|d| -d)).verdict("noisytune", "baseline", "accuracy");
    assert!(
        worse.starts_with("evidence that noisytune is lower than baseline: over 7 pairs"),
        "{worse}"
    );
}

#[test]
fn few_pairs_are_no_firm_evidence() {
    let verdict = paired(&[0.004, 0.003, 0.005]).verdict("noisytune", "baseline", "accuracy");
    assert_eq!(
        verdict,
        "no firm evidence of a difference, though the interval excludes 0: over 3 pairs of runs noisytune differs from baseline by +0.40 points of accuracy on average (95 % interval +0.30 to +0.50, p = 0.250)"
    );
}

#[test]
fn one_pair_gives_no_verdict() {
    assert_eq!(
        paired(&[-0.0034]).verdict("noisytune", "baseline", "accuracy"),
        "no verdict: noisytune differs from baseline by -0.34 points of accuracy in the only pair of runs, and an interval needs at least 2"
    );
}
