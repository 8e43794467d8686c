//! How many pairs of runs it takes to detect a difference.

use statrs::distribution::{ChiSquared, ContinuousCDF, Discrete, Poisson};
use statrs::function::beta::beta_reg;

use super::error::Error;
use super::t_test::critical_value;

/// Two-sided significance level of a verdict, and of the test that power is computed for.
pub const ALPHA: f64 = 0.05;

/// Chance of detecting the difference that [`pairs_needed`] aims for.
pub const POWER: f64 = 0.8;

/// The most pairs that [`pairs_needed`] considers.
pub const MAX_PAIRS: usize = 10_000;

/// Returns the chance that a paired t-test over `pairs` pairs finds a true mean difference of
/// `difference`, at level [`ALPHA`], when the differences scatter with standard deviation `sd`.
///
/// # Errors
///
/// [`Error::TooFew`] for fewer than two pairs, [`Error::OutOfRange`] unless `difference` and `sd`
/// are positive.
pub fn power(pairs: usize, difference: f64, sd: f64) -> Result<f64, Error> {
    if pairs < 2 {
        return Err(Error::TooFew {
            found: pairs,
            needed: 2,
        });
    }
    Ok(power_of(pairs, effect(difference, sd)?))
}

/// Returns the fewest pairs that give [`power`] of at least [`POWER`], or `None` if that takes more
/// than [`MAX_PAIRS`].
///
/// # Errors
///
/// [`Error::OutOfRange`] unless `difference` and `sd` are positive.
///
/// # Examples
///
/// ```
/// use study::statistics::pairs_needed;
///
/// // If differences scatter by 0.45 points, how many pairs detect 0.4 points?
/// assert_eq!(pairs_needed(0.004, 0.0045)?, Some(12));
/// # Ok::<(), study::statistics::Error>(())
/// ```
pub fn pairs_needed(difference: f64, sd: f64) -> Result<Option<usize>, Error> {
    let effect = effect(difference, sd)?;
    // More pairs, more power: bisect.
    let (mut too_few, mut enough) = (1, MAX_PAIRS);
    if power_of(enough, effect) < POWER {
        return Ok(None);
    }
    while enough - too_few > 1 {
        let middle = too_few.midpoint(enough);
        if power_of(middle, effect) < POWER {
            too_few = middle;
        } else {
            enough = middle;
        }
    }
    Ok(Some(enough))
}

/// Returns the 95 % interval of a standard deviation estimated from so many normal values: that of the chi-squared
/// distribution.
///
/// # Errors
///
/// [`Error::TooFew`] for fewer than two values, [`Error::OutOfRange`] unless `sd` is positive.
pub fn sd_interval(sd: f64, count: usize) -> Result<[f64; 2], Error> {
    if count < 2 {
        return Err(Error::TooFew {
            found: count,
            needed: 2,
        });
    }
    let sd = positive("standard deviation", sd)?;
    let freedom = (count - 1) as f64;
    let distribution =
        ChiSquared::new(freedom).expect("positive degrees of freedom make a distribution");
    Ok([0.975, 0.025].map(|share| sd * (freedom / distribution.inverse_cdf(share)).sqrt()))
}

fn effect(difference: f64, sd: f64) -> Result<f64, Error> {
    Ok(positive("difference", difference)? / positive("standard deviation", sd)?)
}

fn positive(what: &'static str, value: f64) -> Result<f64, Error> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(Error::OutOfRange {
            what,
            value,
            expected: "a positive number",
        })
    }
}

/// Power of the two-sided t-test, for an effect in standard deviations.
///
/// The square of a noncentral t is a noncentral F with one degree of freedom in the numerator, and
/// that is a Poisson mixture of beta distributions (Johnson, Kotz and Balakrishnan, volume 2, 1995,
/// section 30.2). Both tails are in it.
fn power_of(pairs: usize, effect: f64) -> f64 {
    // Beyond 1,250 terms no power differs from 1 in double precision.
    const CERTAIN: f64 = 50.0;
    let noncentrality = effect * (pairs as f64).sqrt();
    let degrees_of_freedom = (pairs - 1) as f64;
    let critical = critical_value((pairs - 1) as f64, ALPHA).powi(2);
    if noncentrality > CERTAIN {
        return 1.0;
    }
    let x = critical / (critical + degrees_of_freedom);
    let mean = noncentrality * noncentrality / 2.0;
    let Ok(weights) = Poisson::new(mean) else {
        // The effect is so small that its square is 0: only false findings remain.
        return ALPHA;
    };
    let mut missed = 0.0;
    for term in 0.. {
        let weight = weights.pmf(term);
        missed += weight * beta_reg(term as f64 + 0.5, degrees_of_freedom / 2.0, x);
        if term as f64 > mean && weight < 1e-17 {
            break;
        }
    }
    1.0 - missed
}
