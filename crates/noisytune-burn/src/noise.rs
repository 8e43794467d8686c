//! The method: `w + unit draw * (λ * std)`, over plain slices. Knows no module and no device.

use std::ops::Range;

use chacha8_lanes::{GROUP, dispatch};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::NoiseKind;
use crate::element::Element;
use crate::layout::Layout;
use crate::moments::BLOCK;
use crate::stream::UnitStream;

/// The factor between a unit draw and the noise: `λ * std`, over √12 for the matched Gaussian.
pub(crate) fn noise_scale(kind: NoiseKind, lambda: f64, std: f64) -> f64 {
    match kind {
        NoiseKind::Uniform | NoiseKind::Gaussian => lambda * std,
        NoiseKind::MatchedGaussian => lambda * std / 12f64.sqrt(),
    }
}

/// Adds `scale` times the stream's draws to the values, in place, and returns the sum of the
/// squared changes, which are the noise after rounding to the stored type.
pub(crate) fn perturb<E: Element>(values: &mut [E], stream: &UnitStream, scale: f64) -> f64 {
    let block = |(index, values): (usize, &mut [E])| {
        let start = index * BLOCK;
        dispatch(Perturb {
            values,
            stream,
            start,
            scale,
        })
    };
    if values.len() <= BLOCK {
        return block((0, values));
    }
    let blocks: Vec<f64> = values
        .par_chunks_mut(BLOCK)
        .enumerate()
        .map(block)
        .collect();
    blocks.into_iter().sum()
}

/// The same for a tensor whose storage is in another order. The noise is the same; only the order in
/// which the squares are summed differs.
pub(crate) fn perturb_ordered<E: Element>(
    layout: &Layout,
    storage: &mut [E],
    stream: &UnitStream,
    scale: f64,
) -> f64 {
    let row = layout.row();
    // Where storage is transposed, a run is as long as a chunk has rows, and draws are made in groups.
    let least = if layout.step() == row { GROUP } else { 1 };
    let rows = (BLOCK / row).max(least);
    let chunks: Vec<f64> = storage
        .par_chunks_mut(rows * row)
        .enumerate()
        .map(|(index, values)| {
            let start = index * rows;
            dispatch(PerturbRows {
                layout,
                rows: start..start + values.len() / row,
                values,
                stream,
                scale,
            })
        })
        .collect();
    chunks.into_iter().sum()
}

/// Whether the noise would take an element, or the sum of the squared changes, out of its range; changes
/// nothing. `read` copies a range of the elements.
pub(crate) fn overflows<E: Element>(
    count: usize,
    read: impl Fn(Range<usize>, &mut Vec<E>) + Sync,
    stream: &UnitStream,
    scale: f64,
) -> bool {
    let sums: Vec<f64> = (0..count.div_ceil(BLOCK))
        .into_par_iter()
        .map_init(Vec::new, |values, block| {
            let start = block * BLOCK;
            read(start..count.min(start + BLOCK), values);
            let sum = dispatch(Perturb {
                values: &mut values[..],
                stream,
                start,
                scale,
            });
            let is_finite = values.iter().all(|value| value.widened().is_finite());
            if is_finite { sum } else { f64::INFINITY }
        })
        .collect();
    !sums.into_iter().sum::<f64>().is_finite()
}

/// Perturbs some rows of storage.
struct PerturbRows<'a, E> {
    layout: &'a Layout,
    rows: Range<usize>,
    values: &'a mut [E],
    stream: &'a UnitStream,
    scale: f64,
}

impl<E: Element> WithSimd for PerturbRows<'_, E> {
    /// The sum of the squared changes.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let step = self.layout.step();
        let mut squares = 0.0;
        self.layout.for_each_run(self.rows, |index, offset, run| {
            self.stream.for_each_batch(simd, index, run, |done, draws| {
                let values = self.values[offset + done * step..].iter_mut();
                for (value, draw) in values.step_by(step).zip(draws) {
                    let after = value.perturbed(*draw, self.scale);
                    let change = after.change(*value);
                    squares += change * change;
                    *value = after;
                }
            });
        });
        squares
    }
}

/// Perturbs the elements from `start` on.
struct Perturb<'a, E> {
    values: &'a mut [E],
    stream: &'a UnitStream,
    start: usize,
    scale: f64,
}

impl<E: Element> WithSimd for Perturb<'_, E> {
    /// The sum of the squared changes.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Self {
            values,
            stream,
            start,
            scale,
        } = self;
        // Lanes, which the compiler turns into vectors.
        let mut lanes = [0f64; 8];
        let step = |lane: &mut f64, value: &mut E, draw: f32| {
            let after = value.perturbed(draw, scale);
            let change = after.change(*value);
            *lane += change * change;
            *value = after;
        };
        stream.for_each_batch(simd, start, values.len(), |offset, draws| {
            let values = &mut values[offset..offset + draws.len()];
            let (value_chunks, value_rest) = values.as_chunks_mut::<8>();
            let (draw_chunks, draw_rest) = draws.as_chunks::<8>();
            for (chunk, draws) in value_chunks.iter_mut().zip(draw_chunks) {
                for ((lane, value), draw) in lanes.iter_mut().zip(chunk).zip(draws) {
                    step(lane, value, *draw);
                }
            }
            for (value, draw) in value_rest.iter_mut().zip(draw_rest) {
                step(&mut lanes[0], value, *draw);
            }
        });
        lanes.into_iter().sum()
    }
}
