//! Student's t-test on paired differences.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::error::{Error, check};
use super::summary::{mean, sd};

/// The outcome of a paired t-test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TTest {
    /// Mean difference divided by its standard error.
    pub t: f64,
    /// Degrees of freedom: the number of pairs minus 1.
    pub degrees_of_freedom: usize,
    /// Two-sided p-value.
    pub p_value: f64,
    /// The 95 % interval of the mean difference.
    pub ci95: [f64; 2],
}

/// Tests whether the mean of paired differences is 0, two-sided, assuming that they are drawn from a
/// normal distribution.
///
/// # Errors
///
/// [`Error::TooFew`] for fewer than two differences, [`Error::NoSpread`] when all are equal,
/// [`Error::NotFinite`].
pub fn paired_t_test(differences: &[f64]) -> Result<TTest, Error> {
    let (mean, error) = standard_error(differences)?;
    let degrees_of_freedom = differences.len() - 1;
    let t = mean / error;
    let distribution = student(degrees_of_freedom as f64);
    let half_width = error * critical_value(degrees_of_freedom);
    Ok(TTest {
        t,
        degrees_of_freedom,
        p_value: (2.0 * distribution.sf(t.abs())).min(1.0),
        ci95: [mean - half_width, mean + half_width],
    })
}

/// The mean of paired differences and its standard error, which is not 0.
pub(super) fn standard_error(differences: &[f64]) -> Result<(f64, f64), Error> {
    check(differences, 2)?;
    let count = differences.len();
    match sd(differences) {
        Some(sd) if sd > 0.0 => Ok((mean(differences), sd / (count as f64).sqrt())),
        _ => Err(Error::NoSpread { count }),
    }
}

/// What |t| must exceed for a two-sided p-value below [`ALPHA`](super::ALPHA).
pub(super) fn critical_value(degrees_of_freedom: usize) -> f64 {
    student(degrees_of_freedom as f64).inverse_cdf(0.975)
}

/// The t distribution, whose degrees of freedom need not be whole.
pub(super) fn student(degrees_of_freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees_of_freedom)
        .expect("positive degrees of freedom make a distribution")
}
