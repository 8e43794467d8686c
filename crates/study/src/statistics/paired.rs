//! The comparison of two arms, pair by pair.

use serde::{Deserialize, Serialize};

use super::bootstrap::{bca_interval, resampled_means};
use super::error::{Error, check, check_lengths};
use super::power::ALPHA;
use super::sign_flip::sign_flip_test;
use super::summary::mean;
use super::words::{p_equals, points};
use super::{LEVEL, RESAMPLES};

/// Two arms compared pair by pair: the two runs of a pair share everything but what is compared.
///
/// Serialises to what a summary holds: `differences`, `mean`, `ci95`, `p_value`, `test`, `n`. A single
/// pair has a mean but says nothing about chance, so `ci95`, `p_value` and `test` are then `None`
/// (`null` in JSON).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Treatment minus control, in the order of the pairs.
    pub differences: Vec<f64>,
    /// Mean difference.
    pub mean: f64,
    /// The mean's 95 % interval: bias-corrected and accelerated bootstrap, [`RESAMPLES`] resamples.
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
        let means = resampled_means(&differences, RESAMPLES, seed)?;
        let flips = sign_flip_test(&differences, seed)?;
        Ok(Self {
            mean,
            ci95: Some(bca_interval(&differences, &means, LEVEL)?),
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

    /// Says in one sentence what the comparison shows, for arms and a metric with these names.
    ///
    /// An interval that includes 0 is no evidence of a difference. One that excludes 0 is evidence
    /// only if the p-value is also below [`ALPHA`]: with fewer than six pairs the bootstrap interval is
    /// too narrow, but the permutation test cannot get below that level.
    pub fn verdict(&self, treatment: &str, control: &str, metric: &str) -> String {
        let mean = points(self.mean);
        let (Some([low, high]), Some(p_value)) = (self.ci95, self.p_value) else {
            return format!(
                "no verdict: {treatment} differs from {control} by {mean} points of {metric} in the only pair of runs, and an interval needs at least 2"
            );
        };
        let finding = if low <= 0.0 && high >= 0.0 {
            "no evidence of a difference".to_owned()
        } else if p_value >= ALPHA {
            "no firm evidence of a difference, though the interval excludes 0".to_owned()
        } else {
            let direction = if low > 0.0 { "higher" } else { "lower" };
            format!("evidence that {treatment} is {direction} than {control}")
        };
        format!(
            "{finding}: over {} pairs of runs {treatment} differs from {control} by {mean} points of {metric} on average (95 % interval {} to {}, {})",
            self.n,
            points(low),
            points(high),
            p_equals(p_value),
        )
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
