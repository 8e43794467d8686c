//! Bootstrap intervals for a mean.
//!
//! Efron and Tibshirani, "An Introduction to the Bootstrap" (1993): the percentile interval is
//! their section 13.3, the BCa interval their section 14.3.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{ContinuousCDF, Normal};

use super::error::{Error, check};
use super::summary::mean;

/// Returns the means of `resamples` samples drawn from `values` with replacement, each as large as
/// `values`.
///
/// # Errors
///
/// [`Error::TooFew`] for fewer than two values or no resamples, [`Error::NotFinite`].
pub fn resampled_means(values: &[f64], resamples: usize, seed: u64) -> Result<Vec<f64>, Error> {
    check(values, 2)?;
    check_resamples(resamples)?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut sample = vec![0.0; values.len()];
    Ok((0..resamples)
        .map(|_| {
            resample(values, &mut rng, &mut sample);
            mean(&sample)
        })
        .collect())
}

/// Returns the interval that leaves out the same share of `resampled` on both sides.
///
/// # Errors
///
/// [`Error::TooFew`] when there are no resampled means, [`Error::NotFinite`], [`Error::OutOfRange`]
/// when `level` is not between 0 and 1.
pub fn percentile_interval(resampled: &[f64], level: f64) -> Result<[f64; 2], Error> {
    check(resampled, 1)?;
    let tail = tail(level)?;
    Ok(quantiles(resampled, [tail, 1.0 - tail]))
}

/// Returns the bias-corrected and accelerated (BCa) interval for the mean of `values`, from their
/// resampled means.
///
/// If the correction is undefined (all means on one side of the observed one, or equal values), the
/// interval is that of [`percentile_interval`].
///
/// # Errors
///
/// [`Error::TooFew`] for fewer than two values or no resampled means, [`Error::NotFinite`],
/// [`Error::OutOfRange`] when `level` is not between 0 and 1.
pub fn bca_interval(values: &[f64], resampled: &[f64], level: f64) -> Result<[f64; 2], Error> {
    check(values, 2)?;
    check(resampled, 1)?;
    let tail = tail(level)?;
    let normal = Normal::standard();
    let observed = mean(values);

    // Scores are multiples of 1/rows, so many resampled means equal the observed one up to
    // rounding; half of those count as below it.
    let rounding = 1e-12 * values.iter().map(|value| value.abs()).sum::<f64>();
    let below = resampled
        .iter()
        .filter(|&&mean| mean < observed - rounding)
        .count();
    let up_to = resampled
        .iter()
        .filter(|&&mean| mean <= observed + rounding)
        .count();
    let bias = normal.inverse_cdf((below + up_to) as f64 / (2 * resampled.len()) as f64);

    // The jackknife estimate, which has a closed form for a mean.
    let moment = |power: i32| {
        values
            .iter()
            .map(|value| (value - observed).powi(power))
            .sum::<f64>()
    };
    let acceleration = moment(3) / (6.0 * moment(2).powf(1.5));

    let corrected = [tail, 1.0 - tail].map(|level| {
        let z = bias + normal.inverse_cdf(level);
        normal.cdf(bias + z / (1.0 - acceleration * z))
    });
    if corrected.iter().all(|level| level.is_finite()) {
        Ok(quantiles(resampled, corrected))
    } else {
        Ok(quantiles(resampled, [tail, 1.0 - tail]))
    }
}

/// Fills `sample` with draws from `values`, with replacement.
pub(super) fn resample(values: &[f64], rng: &mut ChaCha8Rng, sample: &mut [f64]) {
    // u32, because draws of a usize depend on the machine's pointer width.
    let count = values.len() as u32;
    sample.fill_with(|| values[rng.random_range(0..count) as usize]);
}

pub(super) fn check_resamples(resamples: usize) -> Result<(), Error> {
    if resamples == 0 {
        return Err(Error::TooFew {
            found: 0,
            needed: 1,
        });
    }
    Ok(())
}

fn tail(level: f64) -> Result<f64, Error> {
    if level > 0.0 && level < 1.0 {
        Ok((1.0 - level) / 2.0)
    } else {
        Err(Error::OutOfRange {
            what: "confidence level",
            value: level,
            expected: "a number between 0 and 1",
        })
    }
}

/// Quantiles by linear interpolation between order statistics, numpy's default (type 7 of Hyndman
/// and Fan, 1996).
fn quantiles(values: &[f64], levels: [f64; 2]) -> [f64; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    levels.map(|level| {
        let at = level * (sorted.len() - 1) as f64;
        let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
        low + (high - low) * at.fract()
    })
}
