//! Too few numbers, equal numbers, and numbers that are too large or not finite.

use study::statistics::{
    Equivalence, Error, McNemar, Paired, StochasticOrder, Summary, crossed_interval, differences,
    holm, paired_t_test, pairs_needed, power, sd_interval, sign_flip_test, violation_ratio,
};

#[test]
fn a_single_score_has_no_deviation() {
    let summary = Summary::of(&[0.9]).unwrap();
    assert_eq!(
        serde_json::to_string(&summary).unwrap(),
        r#"{"n":1,"mean":0.9,"sd":null,"median":0.9,"min":0.9,"max":0.9}"#
    );
}

#[test]
fn equal_scores_deviate_by_exactly_zero() {
    // The mean of three 0.1 is not 0.1.
    assert_eq!(Summary::of(&[0.1; 3]).unwrap().sd, Some(0.0));
}

/// Scores are counts of right answers over these totals, so differences of one answer are not equal to the last bit.
#[test]
fn differences_of_one_answer_are_equal_whatever_the_total() {
    for total in [3.0, 277.0, 400.0, 872.0, 390_965.0] {
        let score = |right: f64| right / total;
        let control = [1.0, 2.0, 3.0].map(|more: f64| score(total - more));
        let treatment = [2.0, 3.0, 4.0].map(|more: f64| score(total - more));
        let differences = differences(&treatment, &control).unwrap();
        assert_eq!(Summary::of(&differences).unwrap().sd, Some(0.0), "{total}");
        assert_eq!(
            paired_t_test(&differences).map(|_| ()),
            Err(Error::NoSpread { count: 3 }),
            "{total}"
        );
        // Up, down, up: three of the four assignments of signs are as far from 0.
        let mixed = [differences[0], -differences[1], differences[2]];
        assert_eq!(sign_flip_test(&mixed, 0).unwrap().p_value, 1.0, "{total}");
        let p_value = sign_flip_test(&differences, 0).unwrap().p_value;
        assert_eq!(p_value, 0.25, "{total}");
    }
}

#[test]
fn too_few_numbers_are_an_error_everywhere() {
    let none = |needed| Err(Error::TooFew { found: 0, needed });
    let one = Err(Error::TooFew {
        found: 1,
        needed: 2,
    });
    assert_eq!(Summary::of(&[]).map(|_| ()), none(1));
    assert_eq!(Paired::of(&[], &[], 0).map(|_| ()), none(1));
    assert_eq!(McNemar::of(&[], &[]).map(|_| ()), none(1));
    assert_eq!(
        StochasticOrder::of(&[1.0, 2.0], &[1.0, 2.0], 0, 0).map(|_| ()),
        none(1)
    );
    assert_eq!(violation_ratio(&[], &[1.0]).map(|_| ()), none(1));
    assert_eq!(Equivalence::of(&[1.0], 0.1).map(|_| ()), one);
    assert_eq!(sd_interval(1.0, 1).map(|_| ()), one);
    assert_eq!(crossed_interval(&[vec![1.0, 2.0]]).map(|_| ()), one);
    let column = [vec![1.0], vec![2.0]];
    assert_eq!(crossed_interval(&column).map(|_| ()), one);
    assert_eq!(
        crossed_interval(&[]).map(|_| ()),
        Err(Error::TooFew {
            found: 0,
            needed: 2
        })
    );
    assert_eq!(paired_t_test(&[1.0]).map(|_| ()), one);
    assert_eq!(sign_flip_test(&[1.0], 0).map(|_| ()), one);
    assert_eq!(
        StochasticOrder::of(&[1.0, 2.0], &[1.0], 10, 0).map(|_| ()),
        one
    );
    assert_eq!(power(1, 1.0, 1.0).map(|_| ()), one);
    assert_eq!(holm(&[]), Ok(vec![]));
}

#[test]
fn numbers_that_are_not_finite_are_an_error_everywhere() {
    for value in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1.1e100,
        f64::MIN,
    ] {
        let bad = [0.5, value];
        let position = |result: Result<(), Error>| match result {
            Err(Error::NotFinite { at, .. }) => at,
            other => panic!("{other:?}"),
        };
        for result in [
            Summary::of(&bad).map(|_| ()),
            Paired::of(&bad, &[0.0, 0.0], 0).map(|_| ()),
            Paired::of(&[0.0, 0.0], &bad, 0).map(|_| ()),
            Equivalence::of(&bad, 0.1).map(|_| ()),
            crossed_interval(&[vec![0.5, 0.6], bad.to_vec()]).map(|_| ()),
            paired_t_test(&bad).map(|_| ()),
            sign_flip_test(&bad, 0).map(|_| ()),
            holm(&bad).map(|_| ()),
            violation_ratio(&[0.5], &bad).map(|_| ()),
            StochasticOrder::of(&bad, &[0.5, 0.6], 10, 0).map(|_| ()),
        ] {
            assert_eq!(position(result), 1);
        }
    }
}

#[test]
fn values_out_of_range_say_what_is_accepted() {
    let texts = [
        Equivalence::of(&[0.5, 0.6], 0.0).unwrap_err().to_string(),
        sd_interval(f64::INFINITY, 2).unwrap_err().to_string(),
        crossed_interval(&[vec![0.5; 2], vec![0.5; 3]])
            .unwrap_err()
            .to_string(),
        crossed_interval(&[vec![0.5; 2], vec![0.5; 2]])
            .unwrap_err()
            .to_string(),
        holm(&[0.5, 1.5]).unwrap_err().to_string(),
        pairs_needed(0.0, 0.1).unwrap_err().to_string(),
        power(5, 0.1, f64::NAN).unwrap_err().to_string(),
        differences(&[0.5], &[]).unwrap_err().to_string(),
        paired_t_test(&[0.5, 0.5]).unwrap_err().to_string(),
    ];
    assert_eq!(
        texts,
        [
            "margin 0; expected a positive number",
            "standard deviation inf; expected a positive number",
            "lengths 2 and 3; expected the same number of both",
            "4 equal values; expected some spread",
            "p-value 1.5; expected a number from 0 to 1",
            "difference 0; expected a positive number",
            "standard deviation NaN; expected a positive number",
            "lengths 1 and 0; expected the same number of both",
            "2 equal values; expected some spread",
        ]
    );
}

#[test]
fn ties_that_only_rounding_breaks_are_ties() {
    // As multiples of 0.1 the sums 0.1 + 0.2 - 0.3 and 0 differ in the last bit; as whole numbers
    // they do not.
    let tenths = [0.1, 0.2, -0.3, 0.4, 0.5, -0.6, 0.7, 0.8];
    let whole = tenths.map(|d: f64| (10.0 * d).round());
    assert_eq!(sign_flip_test(&tenths, 0), sign_flip_test(&whole, 0));
}

#[test]
fn mcnemar_counts_only_where_the_sides_differ() {
    let first = [true, true, false, false, true];
    let second = [true, false, true, false, false];
    let result = McNemar::of(&first, &second).unwrap();
    assert_eq!((result.only_first, result.only_second), (2, 1));
    assert_eq!(
        McNemar::of(&first, &second[..4]),
        Err(Error::LengthMismatch {
            first: 5,
            second: 4
        })
    );
}

#[test]
fn equal_counts_give_mcnemar_p_values_of_one() {
    for count in [0, 1, 50] {
        let result = McNemar::from_counts(count, count);
        assert_eq!(
            (
                result.p_value,
                result.chi_squared,
                result.chi_squared_p_value
            ),
            (1.0, 0.0, 1.0)
        );
    }
}

#[test]
fn the_same_scores_are_ordered_neither_way() {
    assert_eq!(violation_ratio(&[0.9, 0.8], &[0.8, 0.9]), Ok(0.5));
    // Three against two, in any order: 0.2, 0.5, 0.8 against 0.5, 0.5 is half below.
    let ratio = violation_ratio(&[0.75, 0.25, 0.5], &[0.5, 0.5]).unwrap();
    assert_eq!(ratio, 0.5);
}

#[test]
fn an_arm_is_almost_stochastically_higher_below_the_threshold_of_ulmer_and_others() {
    let bound = |upper_bound| StochasticOrder {
        violation_ratio: 0.1,
        upper_bound,
    };
    assert_eq!(
        [0.19, 0.2, 0.49].map(|b| bound(b).is_higher()),
        [true, false, false]
    );
}

#[test]
fn too_small_a_difference_needs_more_pairs_than_anyone_runs() {
    assert_eq!(pairs_needed(0.0001, 0.05), Ok(None));
    assert_eq!(pairs_needed(f64::MIN_POSITIVE, f64::MAX), Ok(None));
    assert_eq!(pairs_needed(f64::MAX, f64::MIN_POSITIVE), Ok(Some(2)));
    assert_eq!(power(2, 1e-200, 1e200), Ok(0.05));
}

#[test]
fn more_pairs_have_more_power() {
    let powers: Vec<f64> = (2..200)
        .map(|pairs| power(pairs, 0.002, 0.0045).unwrap())
        .collect();
    assert!(
        powers.windows(2).all(|pair| pair[0] < pair[1]),
        "{powers:?}"
    );
}

#[test]
fn the_largest_numbers_accepted_give_finite_results() {
    let values = [1e100, -1e100, 0.9e100];
    let summary = Summary::of(&values).unwrap();
    let [low, high] = crossed_interval(&[values.to_vec(), [0.0; 3].to_vec()]).unwrap();
    let t_test = paired_t_test(&values).unwrap();
    let order = StochasticOrder::of(&values, &values, 100, 0).unwrap();
    for value in [
        summary.mean,
        summary.sd.unwrap(),
        low,
        high,
        t_test.t,
        t_test.p_value,
        order.upper_bound,
    ] {
        assert!(value.is_finite(), "{value}");
    }
    assert!(McNemar::from_counts(u64::MAX, u64::MAX).p_value.is_finite());
}
