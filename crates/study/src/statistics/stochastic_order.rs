//! Almost stochastic order: is one arm's whole distribution higher than the other's?

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::error::{Error, check};

/// How far one arm's scores are from being stochastically higher than the other's.
///
/// It treats the arms as independent samples, so it ignores the pairing that
/// [`Paired`](super::Paired) uses.
///
/// Source: Dror, Shlomov and Reichart, "Deep Dominance: How to Properly Compare Deep Neural
/// Models", ACL 2019, after del Barrio, Cuesta-Albertos and Matrán (2018), arXiv:1705.01788.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StochasticOrder {
    /// [`violation_ratio`] of the scores.
    pub violation_ratio: f64,
    /// Upper end of its one-sided 95 % interval.
    pub upper_bound: f64,
}

/// An arm is almost stochastically higher if the upper bound of its violation ratio is below this.
///
/// The definition allows 0.5, at which one in five studies of two equal arms calls one of them higher
/// (`tests/golden/statistics/coverage.md`).
///
/// Source: Ulmer, Hardmeier and Frellsen, "deep-significance: Easy and Meaningful Statistical Significance Testing in
/// the Age of Neural Networks", 2022, arXiv:2204.06815.
pub const ORDER_THRESHOLD: f64 = 0.2;

impl StochasticOrder {
    /// Whether the first arm is almost stochastically higher, by [`ORDER_THRESHOLD`].
    pub fn is_higher(&self) -> bool {
        self.upper_bound < ORDER_THRESHOLD
    }

    /// Tests whether `first` is almost stochastically higher than `second`; the ratio's standard error
    /// is bootstrapped from `resamples` draws of both.
    ///
    /// # Errors
    ///
    /// [`Error::TooFew`] for fewer than two scores on either side or no resamples,
    /// [`Error::NotFinite`].
    pub fn of(first: &[f64], second: &[f64], resamples: usize, seed: u64) -> Result<Self, Error> {
        check(first, 2)?;
        check(second, 2)?;
        if resamples == 0 {
            return Err(Error::TooFew {
                found: 0,
                needed: 1,
            });
        }
        let observed = ratio(&mut first.to_vec(), &mut second.to_vec());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut a, mut b) = (vec![0.0; first.len()], vec![0.0; second.len()]);
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..resamples {
            resample(first, &mut rng, &mut a);
            resample(second, &mut rng, &mut b);
            let off = ratio(&mut a, &mut b) - observed;
            sum += off;
            squares += off * off;
        }
        let mean = sum / resamples as f64;
        let standard_error = (squares / resamples as f64 - mean * mean).max(0.0).sqrt();
        let upper = observed + standard_error * Normal::standard().inverse_cdf(0.95);
        Ok(Self {
            violation_ratio: observed,
            upper_bound: upper.min(1.0),
        })
    }
}

/// Returns the share of the squared 2-Wasserstein distance between two lists of scores that comes from
/// quantiles where `first` is below `second`.
///
/// It is 0 if `first` is nowhere below, 1 if it is nowhere above, and 0.5 if both are the same, so
/// swapping the lists gives 1 minus the ratio.
///
/// # Errors
///
/// [`Error::TooFew`] when either list is empty, [`Error::NotFinite`].
pub fn violation_ratio(first: &[f64], second: &[f64]) -> Result<f64, Error> {
    check(first, 1)?;
    check(second, 1)?;
    Ok(ratio(&mut first.to_vec(), &mut second.to_vec()))
}

/// Fills `sample` with draws from `values`, with replacement.
fn resample(values: &[f64], rng: &mut ChaCha8Rng, sample: &mut [f64]) {
    // u32, because draws of a usize depend on the machine's pointer width.
    let count = values.len() as u32;
    sample.fill_with(|| values[rng.random_range(0..count) as usize]);
}

/// [`violation_ratio`], computed exactly: both quantile functions are step functions. Sorts its arguments.
fn ratio(first: &mut [f64], second: &mut [f64]) -> f64 {
    first.sort_by(f64::total_cmp);
    second.sort_by(f64::total_cmp);
    // Positions from 0 to 1 are counted in units of 1 / (product of the lengths).
    let (step_first, step_second) = (second.len(), first.len());
    let (mut i, mut j, mut at) = (0, 0, 0);
    let (mut below, mut total) = (0.0, 0.0);
    while i < first.len() && j < second.len() {
        let (end_first, end_second) = ((i + 1) * step_first, (j + 1) * step_second);
        let end = end_first.min(end_second);
        let difference = first[i] - second[j];
        let area = difference * difference * (end - at) as f64;
        total += area;
        if difference < 0.0 {
            below += area;
        }
        i += usize::from(end == end_first);
        j += usize::from(end == end_second);
        at = end;
    }
    if total == 0.0 { 0.5 } else { below / total }
}
