//! Student's t-test on paired differences.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::error::{Error, check};
use super::power::ALPHA;
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
    let half_width = error * critical_value(degrees_of_freedom as f64, ALPHA);
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

/// The interval of a mean that misses the true one in a share `alpha` of all studies.
///
/// # Errors
///
/// Those of [`paired_t_test`].
pub(super) fn interval(differences: &[f64], alpha: f64) -> Result<[f64; 2], Error> {
    let (mean, error) = standard_error(differences)?;
    let half_width = error * critical_value((differences.len() - 1) as f64, alpha);
    Ok([mean - half_width, mean + half_width])
}

/// The 95 % interval of the mean of several means, each of its own independent differences, whose spreads need not be the same:
/// Welch's, with the degrees of freedom by Satterthwaite.
///
/// # Errors
///
/// [`Error::TooFew`] without a group or for a group of one, [`Error::NoSpread`] if no group has any, [`Error::NotFinite`].
pub fn interval_of_means(groups: &[&[f64]]) -> Result<[f64; 2], Error> {
    if groups.is_empty() {
        return Err(Error::TooFew {
            found: 0,
            needed: 1,
        });
    }
    let share = (groups.len() as f64).recip();
    let (mut centre, mut squared, mut satterthwaite) = (0.0, 0.0, 0.0);
    for group in groups {
        let error = match standard_error(group) {
            Ok((_, error)) => error,
            Err(Error::NoSpread { .. }) => 0.0,
            Err(other) => return Err(other),
        };
        let own = (share * error).powi(2);
        centre += share * mean(group);
        squared += own;
        satterthwaite += own * own / (group.len() - 1) as f64;
    }
    if squared == 0.0 {
        let count = groups.iter().map(|group| group.len()).sum();
        return Err(Error::NoSpread { count });
    }
    let half_width = squared.sqrt() * critical_value(squared * squared / satterthwaite, ALPHA);
    Ok([centre - half_width, centre + half_width])
}

/// What |t| must exceed for a two-sided p-value below `alpha`.
pub(super) fn critical_value(degrees_of_freedom: f64, alpha: f64) -> f64 {
    student(degrees_of_freedom).inverse_cdf(1.0 - alpha / 2.0)
}

/// The t distribution, whose degrees of freedom need not be whole.
pub(super) fn student(degrees_of_freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees_of_freedom)
        .expect("positive degrees of freedom make a distribution")
}
