//! The comparison of two arms, and its record.

use study::statistics::{Paired, Test, paired_t_test};

/// Scores of two arms whose differences are these.
fn paired(differences: &[f64]) -> Paired {
    let control = vec![0.0; differences.len()];
    Paired::of(differences, &control, 7).unwrap()
}

#[test]
fn the_interval_is_students_t_for_six_pairs_and_more() {
    let differences = [0.004, -0.003, 0.002, -0.001, 0.0, 0.001];
    let six = paired(&differences);
    assert_eq!(six.ci95, Some(paired_t_test(&differences).unwrap().ci95));
    let five = paired(&differences[..5]);
    assert_eq!(five.ci95, None, "the spread of five is hardly known");
    assert!(five.p_value.is_some());
}

#[test]
fn equal_differences_have_no_interval_but_a_p_value() {
    for (difference, p_value) in [(0.0, 1.0), (0.1, 0.0078125), (-1.0 / 872.0, 0.0078125)] {
        let equal = paired(&[difference; 8]);
        assert_eq!(
            (equal.ci95, equal.p_value),
            (None, Some(p_value)),
            "{difference}"
        );
    }
}

#[test]
fn pairs_that_differ_by_rounding_do_not_differ() {
    let paired = paired(&[0.0, 1e-16, -1e-16, 1.0 / 872.0, 0.01]);
    assert_eq!((paired.n, paired.differing()), (5, 2));
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
        r#"{"differences":[0.25,0.0],"mean":0.125,"ci95":null,"p_value":1.0,"test":"exact sign-flip permutation","n":2}"#
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
