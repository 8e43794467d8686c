//! Against all tuples, and against numpy; `../golden/statistics/expected_maximum.py` made the numbers.

use serde::Deserialize;
use study::statistics::expected_maximum;

#[derive(Deserialize)]
struct Case {
    scores: Vec<f64>,
    expected: Vec<f64>,
}

#[test]
fn the_expected_maximum_is_that_of_all_tuples_and_of_the_published_formula() {
    // Sums of up to 120 terms, and powers of up to 120.
    const TOLERANCE: f64 = 1e-13;
    let text = include_str!("../golden/statistics/expected_maximum.json");
    let cases: Vec<Case> = serde_json::from_str(text).unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let ours = expected_maximum(&case.scores).unwrap();
        assert_eq!(ours.len(), case.expected.len());
        for (ours, theirs) in ours.iter().zip(&case.expected) {
            assert!((ours - theirs).abs() <= TOLERANCE, "{ours} {theirs}");
        }
    }
}
