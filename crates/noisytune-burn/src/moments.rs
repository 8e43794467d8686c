//! Mean and variance of large tensors, the same on any number of threads.

use rayon::prelude::*;

use crate::element::Element;

/// Elements per block: small enough that the second pass over a block reads the cache.
pub(crate) const BLOCK: usize = 8192;

/// Count, mean and sum of squared deviations of a set of elements.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Moments {
    pub(crate) count: f64,
    pub(crate) mean: f64,
    pub(crate) m2: f64,
}

impl Moments {
    /// Measures a slice. Block results merge in the order of the blocks, whatever thread made
    /// them, so that the last bit of the result does not depend on the machine.
    pub(crate) fn of<E: Element>(values: &[E]) -> Self {
        if values.len() <= BLOCK {
            return Self::of_block(values);
        }
        let blocks: Vec<Self> = values.par_chunks(BLOCK).map(Self::of_block).collect();
        blocks.into_iter().fold(Self::default(), Self::merge)
    }

    /// Two passes over one block: no cancellation, however large the mean is against the spread.
    /// Distances to the first element make the spread of equal elements exactly 0.
    fn of_block<E: Element>(values: &[E]) -> Self {
        let Some(first) = values.first() else {
            return Self::default();
        };
        let first = first.to_f64();
        let count = values.len() as f64;
        let mean = sum(values, |x| x - first) / count;
        let m2 = sum(values, |x| {
            let deviation = (x - first) - mean;
            deviation * deviation
        });
        Self {
            count,
            mean: first + mean,
            m2,
        }
    }

    /// Chan, Golub and LeVeque's combination of two disjoint sets.
    pub(crate) fn merge(self, other: Self) -> Self {
        if self.count == 0.0 {
            return other;
        }
        if other.count == 0.0 {
            return self;
        }
        let count = self.count + other.count;
        let delta = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + delta * (other.count / count),
            m2: self.m2 + other.m2 + delta * delta * (self.count * (other.count / count)),
        }
    }

    /// Unbiased standard deviation: NaN for one element, NaN or infinite if an element is.
    pub(crate) fn std(self) -> f64 {
        (self.m2 / (self.count - 1.0)).sqrt()
    }
}

/// Sums in eight lanes, which the compiler turns into vector additions.
fn sum<E: Element>(values: &[E], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0f64; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += term(value.to_f64());
        }
    }
    let rest: f64 = rest.iter().map(|value| term(value.to_f64())).sum();
    lanes.iter().sum::<f64>() + rest
}
