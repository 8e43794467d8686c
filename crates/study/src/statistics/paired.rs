//! The comparison of two arms, pair by pair.

use serde::{Deserialize, Serialize};

use super::error::{Error, check, check_lengths};
use super::evidence::MIN_PAIRS;
use super::power::ALPHA;
use super::sign_flip::sign_flip_test;
use super::summary::{ROUNDING, mean};
use super::t_test::{interval, paired_t_test};

/// Two arms compared pair by pair: the two runs of a pair share everything but what is compared.
///
/// Serialises to what a summary holds: `differences`, `mean`, `ci95`, `p_value`, `test`, `n`. A single
/// pair has a mean but says nothing about chance, so `p_value` and `test` are then `None` (`null` in JSON).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Treatment minus control, in the order of the pairs.
    pub differences: Vec<f64>,
    /// Mean difference.
    pub mean: f64,
    /// The mean's 95 % interval over seeds: Student's t.
    ///
    /// `None` for fewer than [`MIN_PAIRS`] pairs, whose spread is hardly known, and for equal differences, which have none:
    /// an interval without width would claim certainty.
    pub ci95: Option<[f64; 2]>,
    /// Two-sided p-value of `test`.
    pub p_value: Option<f64>,
    /// The test that gave the p-value.
    pub test: Option<Test>,
    /// Number of pairs.
    pub n: usize,
}

/// Names the test behind a p-value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Test {
    /// [`sign_flip_test`] over every assignment of signs.
    #[serde(rename = "exact sign-flip permutation")]
    ExactSignFlip,
    /// [`sign_flip_test`] over assignments drawn at random.
    #[serde(rename = "Monte Carlo sign-flip permutation")]
    MonteCarloSignFlip,
}

impl Paired {
    /// Compares `treatment` with `control`; scores at the same position make a pair.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`], [`Error::TooFew`] when there is no pair, [`Error::NotFinite`].
    pub fn of(treatment: &[f64], control: &[f64], seed: u64) -> Result<Self, Error> {
        let differences = differences(treatment, control)?;
        check(&differences, 1)?;
        let (n, mean) = (differences.len(), mean(&differences));
        if n < 2 {
            return Ok(Self {
                differences,
                mean,
                ci95: None,
                p_value: None,
                test: None,
                n,
            });
        }
        let flips = sign_flip_test(&differences, seed)?;
        let ci95 = match paired_t_test(&differences) {
            Ok(test) => (n >= MIN_PAIRS).then_some(test.ci95),
            Err(Error::NoSpread { .. }) => None,
            Err(other) => return Err(other),
        };
        Ok(Self {
            mean,
            ci95,
            p_value: Some(flips.p_value),
            test: Some(if flips.exact {
                Test::ExactSignFlip
            } else {
                Test::MonteCarloSignFlip
            }),
            n,
            differences,
        })
    }

    /// The interval of the mean that holds it at 95 % together with those of all other of so many comparisons: each misses it in
    /// at most a share of 5 % (Bonferroni). [`ci95`](Self::ci95) for one; `None` where that is.
    pub fn interval_beside(&self, comparisons: usize) -> Option<[f64; 2]> {
        self.ci95?;
        interval(&self.differences, ALPHA / comparisons.max(1) as f64).ok()
    }

    /// Whether the interval is on one side of 0.
    pub fn excludes_0(&self) -> bool {
        self.ci95.is_some_and(|[low, high]| low > 0.0 || high < 0.0)
    }

    /// The number of pairs whose scores differ by more than rounding.
    pub fn differing(&self) -> usize {
        let differs = |difference: &&f64| difference.abs() > ROUNDING;
        self.differences.iter().filter(differs).count()
    }
}

/// Returns treatment minus control for each pair.
///
/// # Errors
///
/// [`Error::LengthMismatch`], [`Error::NotFinite`].
pub fn differences(treatment: &[f64], control: &[f64]) -> Result<Vec<f64>, Error> {
    check_lengths(treatment.len(), control.len())?;
    check(treatment, 0)?;
    check(control, 0)?;
    Ok(treatment.iter().zip(control).map(|(t, c)| t - c).collect())
}
