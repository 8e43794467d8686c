//! The sign-flip permutation test on paired differences.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::error::{Error, check};
use super::summary::ROUNDING;

/// Up to this many pairs, every assignment of signs is counted (2^20); above, signs are drawn.
const MAX_EXACT: usize = 20;

/// Assignments drawn if there are too many to count; with the observed one, 100,000.
const DRAWS: usize = 99_999;

/// The outcome of a sign-flip permutation test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SignFlip {
    /// Two-sided p-value.
    pub p_value: f64,
    /// Whether every assignment of signs was counted rather than drawn.
    pub exact: bool,
}

/// Tests whether paired differences are symmetric about 0, by flipping their signs.
///
/// If the arms did not differ, each pair could just as well have come out the other way round. The
/// p-value is the share of sign assignments whose sum is at least as far from 0 as the observed sum.
/// The test assumes no distribution, and its p-value cannot fall below 2 / 2^n: fewer than six pairs
/// never reach 0.05.
///
/// Up to 20 pairs the share is exact. Above, it is estimated from 99,999 assignments drawn with
/// `seed`, and the observed one is counted among them (Phipson and Smyth, 2010), so that it is
/// never 0.
///
/// # Errors
///
/// [`Error::TooFew`] for fewer than two differences, [`Error::NotFinite`].
pub fn sign_flip_test(differences: &[f64], seed: u64) -> Result<SignFlip, Error> {
    check(differences, 2)?;
    let observed = differences.iter().sum::<f64>().abs();
    // Equal sums of terms in different orders differ by rounding, and so do the terms.
    let rounding = ROUNDING * differences.iter().map(|d| d.abs()).sum::<f64>().max(1.0);
    let reaches = |sum: f64| sum.abs() >= observed - rounding;
    let exact = differences.len() <= MAX_EXACT;
    let p_value = if exact {
        let sums = all_sums(differences);
        sums.iter().filter(|&&sum| reaches(sum)).count() as f64 / sums.len() as f64
    } else {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let drawn = (0..DRAWS)
            .filter(|_| reaches(random_sum(differences, &mut rng)))
            .count();
        (drawn + 1) as f64 / (DRAWS + 1) as f64
    };
    Ok(SignFlip { p_value, exact })
}

/// The sums of all sign assignments that keep the first sign; the other sums are their negatives.
fn all_sums(differences: &[f64]) -> Vec<f64> {
    let (first, rest) = differences.split_first().expect("at least two differences");
    let mut sums = vec![*first];
    for difference in rest {
        let half = sums.len();
        sums.extend_from_within(..);
        let (plus, minus) = sums.split_at_mut(half);
        plus.iter_mut().for_each(|sum| *sum += difference);
        minus.iter_mut().for_each(|sum| *sum -= difference);
    }
    sums
}

fn random_sum(differences: &[f64], rng: &mut ChaCha8Rng) -> f64 {
    differences
        .chunks(64)
        .map(|chunk| {
            let signs = rng.next_u64();
            let signed = |(at, difference): (usize, &f64)| {
                if signs >> at & 1 == 0 {
                    *difference
                } else {
                    -difference
                }
            };
            chunk.iter().enumerate().map(signed).sum::<f64>()
        })
        .sum()
}
