//! Mean and variance of large tensors, the same on any number of threads.

use chacha8_lanes::dispatch;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::element::Element;
use crate::layout::Layout;

/// Elements per block, the unit of work of a thread.
pub(crate) const BLOCK: usize = 8192;

/// Count, mean and sum of squared deviations of a set of elements.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Moments {
    pub(crate) count: f64,
    pub(crate) mean: f64,
    pub(crate) m2: f64,
}

impl Moments {
    /// Measures a slice. Results are merged in the order of the blocks, whichever thread computed
    /// them, so that the last bit of the result does not depend on the machine.
    pub(crate) fn of<E: Element>(values: &[E]) -> Self {
        if values.len() <= BLOCK {
            return Self::of_block(values);
        }
        let blocks: Vec<Self> = values.par_chunks(BLOCK).map(Self::of_block).collect();
        blocks.into_iter().fold(Self::default(), Self::merge)
    }

    /// Measures a tensor whose storage is in another order, with the same result.
    pub(crate) fn of_ordered<E: Element>(layout: &Layout, storage: &[E]) -> Self {
        let count = layout.count();
        let blocks: Vec<Self> = (0..count.div_ceil(BLOCK))
            .into_par_iter()
            .map_init(Vec::new, |values, block| {
                let start = block * BLOCK;
                layout.gather(storage, start..count.min(start + BLOCK), values);
                Self::of_block(values)
            })
            .collect();
        blocks.into_iter().fold(Self::default(), Self::merge)
    }

    fn of_block<E: Element>(values: &[E]) -> Self {
        dispatch(Measure(values))
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

/// Measures a block.
struct Measure<'a, E>(&'a [E]);

impl<E: Element> WithSimd for Measure<'_, E> {
    type Output = Moments;

    /// One pass over the distances to the first element. That element is itself part of the spread,
    /// so the subtraction below cancels 13 bits of 53 at worst, whatever the mean; and the spread of
    /// equal elements is exactly 0.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Moments {
        let values = self.0;
        let Some(first) = values.first() else {
            return Moments::default();
        };
        let first = first.widened();
        let count = values.len() as f64;
        // Lanes, which the compiler turns into vectors.
        let (mut sums, mut squares) = ([0f64; 16], [0f64; 16]);
        let (chunks, rest) = values.as_chunks::<16>();
        for chunk in chunks {
            for ((sum, square), value) in sums.iter_mut().zip(&mut squares).zip(chunk) {
                let distance = value.widened() - first;
                *sum += distance;
                *square += distance * distance;
            }
        }
        for value in rest {
            let distance = value.widened() - first;
            sums[0] += distance;
            squares[0] += distance * distance;
        }
        let (sum, square) = (sums.iter().sum::<f64>(), squares.iter().sum::<f64>());
        Moments {
            count,
            mean: first + sum / count,
            m2: square - sum * (sum / count),
        }
    }
}
