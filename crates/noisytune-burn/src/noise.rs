//! The method: `w + unit draw * (λ * std)`, over plain slices. Knows no module and no device.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::NoiseKind;
use crate::element::Element;
use crate::moments::BLOCK;
use crate::simd;
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
        simd::dispatch(Perturb {
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
