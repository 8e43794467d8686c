//! Location and spread of one arm's scores.

use serde::{Deserialize, Serialize};

use super::error::{Error, check};

/// Describes a list of scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many there are.
    pub n: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation with n - 1 in the denominator; `None` (`null` in JSON) for a single
    /// score.
    pub sd: Option<f64>,
    /// Median: the mean of the middle two when n is even.
    pub median: f64,
    /// Lowest score.
    pub min: f64,
    /// Highest score.
    pub max: f64,
}

impl Summary {
    /// Describes `values`.
    ///
    /// # Errors
    ///
    /// [`Error::TooFew`] when there are none, [`Error::NotFinite`].
    pub fn of(values: &[f64]) -> Result<Self, Error> {
        check(values, 1)?;
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        Ok(Self {
            n,
            mean: mean(values),
            sd: sd(values),
            median: (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0,
            min: sorted[0],
            max: sorted[n - 1],
        })
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Scores that differ by less are equal: rounding moves a score by up to 1e-16, and the difference of two by as much,
/// however small it is. Metrics of a million examples differ by more than 1e-7 if they differ.
pub(crate) const ROUNDING: f64 = 1e-12;

/// Standard deviation with n - 1 in the denominator; `None` for fewer than two values.
///
/// Equal values have a deviation of exactly 0, which rounding would otherwise spoil: three differences of one sentence
/// in 872 would have a tiny one, and a t of millions.
pub(super) fn sd(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let largest = values
        .iter()
        .fold(1.0, |most: f64, value| most.max(value.abs()));
    if values
        .iter()
        .all(|value| (value - values[0]).abs() <= ROUNDING * largest)
    {
        return Some(0.0);
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}
