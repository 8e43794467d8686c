//! What a comparison shows, and how many pairs of runs it takes to show anything.

use serde::{Deserialize, Serialize};

use super::paired::Paired;
use super::power::ALPHA;

/// The fewest pairs that get an interval, and that can be evidence: fewer never reach a p-value below [`ALPHA`] by
/// [`sign_flip_test`](super::sign_flip_test).
pub const MIN_PAIRS: usize = 6;

/// What a comparison shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// There are too few pairs of runs for any difference, however large, to be evidence.
    TooFew,
    /// The interval includes 0, or the corrected p-value is too large.
    NoEvidence,
    /// Evidence that the treatment scores higher.
    Higher,
    /// Evidence that it scores lower.
    Lower,
}

/// Returns the smallest p-value that the sign-flip test can give so many pairs, corrected by Holm for so many
/// comparisons.
///
/// Of 2^n assignments of signs, two are the most extreme. `differing` counts only the pairs whose scores differ: the
/// others have no sign to flip.
pub fn least_p_value(differing: usize, comparisons: usize) -> f64 {
    let halvings = i32::try_from(differing.saturating_sub(1)).unwrap_or(i32::MAX);
    (comparisons.max(1) as f64 * 0.5_f64.powi(halvings)).min(1.0)
}

/// Returns the fewest pairs whose [`least_p_value`] is below [`ALPHA`] beside so many comparisons.
pub fn fewest_pairs(comparisons: usize) -> usize {
    let mut pairs = MIN_PAIRS;
    while least_p_value(pairs, comparisons) >= ALPHA {
        pairs += 1;
    }
    pairs
}

impl Paired {
    /// Says what the comparison shows if it is one of so many, for which `corrected_p` is corrected.
    ///
    /// A difference is evidence if the p-value is below [`ALPHA`] and the interval excludes 0. Equal differences have no
    /// interval; then the p-value decides.
    pub fn finding(&self, corrected_p: Option<f64>, comparisons: usize) -> Finding {
        let Some(p_value) = corrected_p else {
            return Finding::TooFew;
        };
        let differing = self.differing();
        let direction = match self.ci95 {
            Some([low, _]) if low > 0.0 => Some(Finding::Higher),
            Some([_, high]) if high < 0.0 => Some(Finding::Lower),
            Some(_) => None,
            None if self.mean > 0.0 => Some(Finding::Higher),
            None => Some(Finding::Lower),
        };
        match direction {
            Some(direction) if p_value < ALPHA => direction,
            _ if self.n < MIN_PAIRS => Finding::TooFew,
            // The two arms are the same.
            _ if differing == 0 => Finding::NoEvidence,
            _ if least_p_value(differing, comparisons) >= ALPHA => Finding::TooFew,
            _ => Finding::NoEvidence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(differences: &[f64]) -> Paired {
        Paired::of(differences, &vec![0.0; differences.len()], 0).expect("finite")
    }

    #[test]
    fn more_comparisons_take_more_pairs() {
        assert_eq!([1, 2, 3, 6, 7, 17].map(fewest_pairs), [6, 7, 7, 8, 9, 10]);
        for comparisons in 1..100 {
            let pairs = fewest_pairs(comparisons);
            assert!(least_p_value(pairs, comparisons) < ALPHA);
            assert!(pairs == MIN_PAIRS || least_p_value(pairs - 1, comparisons) >= ALPHA);
        }
        assert_eq!(least_p_value(0, 1), 1.0);
    }

    #[test]
    fn the_least_p_value_is_that_of_differences_with_one_sign() {
        for pairs in 2..=12 {
            let p = paired(&vec![0.01; pairs]).p_value.expect("several pairs");
            assert_eq!(p, least_p_value(pairs, 1), "{pairs} pairs");
        }
        let with_zeros = paired(&[0.01, 0.0, 0.02, 0.0, 0.01, 0.03]);
        assert_eq!(with_zeros.p_value, Some(least_p_value(4, 1)));
    }

    #[test]
    fn evidence_takes_a_small_p_and_an_interval_without_0() {
        let better = paired(&[0.01, 0.02, 0.01, 0.03, 0.02, 0.01, 0.02, 0.03]);
        assert_eq!(better.finding(better.p_value, 1), Finding::Higher);
        assert_eq!(better.finding(Some(0.06), 6), Finding::NoEvidence);
        assert_eq!(better.finding(Some(0.06), 7), Finding::TooFew);
        assert_eq!(better.finding(None, 1), Finding::TooFew);
        let mixed = paired(&[0.01, -0.02, 0.01, -0.03, 0.02, 0.01]);
        assert_eq!(mixed.finding(Some(0.01), 1), Finding::NoEvidence);
    }

    #[test]
    fn equal_differences_are_judged_by_their_p_value_alone() {
        let worse = paired(&[-0.01; 8]);
        assert_eq!(worse.ci95, None);
        assert_eq!(worse.finding(worse.p_value, 1), Finding::Lower);
        assert_eq!(
            worse.finding(worse.p_value, 7),
            Finding::Lower,
            "given as corrected"
        );
        assert_eq!(worse.finding(Some(0.06), 7), Finding::TooFew);
    }

    #[test]
    fn pairs_without_a_difference_are_no_pairs_but_arms_that_never_differ_are_the_same() {
        let few = paired(&[0.01, 0.0, 0.02, 0.0, 0.01, 0.0, 0.03, 0.02]);
        assert_eq!(few.finding(few.p_value, 1), Finding::TooFew);
        let same = paired(&[0.0; 8]);
        assert_eq!(same.finding(same.p_value, 1), Finding::NoEvidence);
        assert_eq!(paired(&[0.0; 5]).finding(Some(1.0), 1), Finding::TooFew);
    }
}
