//! AdamW at some rows of a table, and the norm of a gradient that has no others.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::adamw::{Step, total};
use super::elementwise::CHUNK;
use super::{simd, storage};
use crate::adamw::{AdamW, Factors, plain_squared_norm};
use crate::backlog::{BacklogBackend, Behind, now, plain};
use crate::rows::Rows;

/// The fewest rows of one task.
const LEAST: usize = 8;

impl BacklogBackend for Flex {
    fn fused_adamw_late(
        table: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        rows: Vec<Behind>,
        steps: Vec<AdamW>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        taken([table, first, second], None, &rows, &steps)
    }

    fn fused_adamw_at_rows(
        table: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        rows: Rows,
        step: AdamW,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        taken([table, first, second], Some(gradient), &now(&rows), &[step])
    }

    fn fused_squared_norm_of_rows(x: FloatTensor<Self>, rows: Rows) -> FloatTensor<Self> {
        if !storage::is_single(&[&x]) {
            return plain_squared_norm::<Self>(x);
        }
        let [_, width] = x.layout().shape().dims();
        let x = storage::contiguous(x);
        let elements = rows.table() * width;
        let mut total = 0.0;
        let (mut chunk, mut pieces) = (0, Vec::new());
        let norm = |chunk: usize, pieces: &[(usize, &[f32])]| {
            let length = CHUNK.min(elements - chunk * CHUNK);
            f64::from(simd::dispatch(NormOfPieces { length, pieces }))
        };
        let values = storage::elements(&x).chunks(width.max(1));
        for (&row, mut values) in rows.numbers().iter().zip(values) {
            let mut at = row * width;
            while !values.is_empty() {
                if at / CHUNK != chunk {
                    total += norm(chunk, &pieces);
                    pieces.clear();
                    chunk = at / CHUNK;
                }
                let (piece, rest) = values.split_at(values.len().min(CHUNK - at % CHUNK));
                pieces.push((at % CHUNK, piece));
                at += piece.len();
                values = rest;
            }
        }
        total += norm(chunk, &pieces);
        storage::from_vec(vec![total as f32], Shape::new([1]))
    }
}

/// Takes steps at some rows, with a gradient of 0 or, each row with its own.
fn taken(
    tensors: [FlexTensor; 3],
    gradient: Option<FlexTensor>,
    rows: &[Behind],
    steps: &[AdamW],
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let mut all = tensors.iter().chain(&gradient);
    if !all.all(|tensor| storage::is_single(&[tensor])) {
        return plain::<Flex>(tensors, gradient, rows, steps);
    }
    let [mut table, mut first, mut second] = tensors;
    let [_, width] = table.layout().shape().dims();
    let gradient = gradient.map(storage::contiguous);
    let gradient = gradient.as_ref().map(storage::elements);
    let steps: Vec<Factors> = steps.iter().map(|&step| Factors::new(step)).collect();
    let zeros = vec![0.0; width];
    let [tables, firsts, seconds] = [&mut table, &mut first, &mut second]
        .map(|tensor| parts(storage::elements_mut(tensor), width, rows));
    let places = tables.into_iter().zip(firsts).zip(seconds).zip(rows);
    let places: Vec<_> = places.enumerate().collect();
    let places = places.into_par_iter().with_min_len(LEAST);
    places.for_each(|(place, (((table, first), second), behind))| {
        let own = gradient.map(|gradient| &gradient[place * width..][..width]);
        let mut is_moving = behind.is_moving || own.is_some();
        for &factors in &steps[behind.from..] {
            if !is_moving && factors.only_decay() {
                simd::dispatch(Decay {
                    decay: factors.decay,
                    row: table,
                });
                continue;
            }
            is_moving = true;
            simd::dispatch(Step {
                factors,
                parameter: table,
                gradient: own.unwrap_or(&zeros),
                first,
                second,
            });
        }
    });
    (table, first, second)
}

/// The rows of a table that take steps, which are in ascending order.
fn parts<'a>(mut table: &'a mut [f32], width: usize, rows: &[Behind]) -> Vec<&'a mut [f32]> {
    let mut passed = 0;
    let mut part = |behind: &Behind| {
        let between = (behind.row - passed) * width;
        passed = behind.row + 1;
        let (_, rest) = std::mem::take(&mut table).split_at_mut(between);
        let (row, rest) = rest.split_at_mut(width);
        table = rest;
        row
    };
    rows.iter().map(&mut part).collect()
}

impl Factors {
    /// Whether a step without a gradient leaves moments of 0 as they are, and moves a parameter by its decay alone: then
    /// the direction is 0 / ε.
    fn only_decay(&self) -> bool {
        let are_finite = [self.gradient_scale, self.root_scale, self.rate]
            .into_iter()
            .all(f32::is_finite);
        are_finite && self.epsilon > 0.0 && self.rate >= 0.0
    }
}

/// The step of a row without moments.
struct Decay<'a> {
    decay: f32,
    row: &'a mut [f32],
}

impl WithSimd for Decay<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if self.decay != 1.0 {
            for x in self.row {
                *x *= self.decay;
            }
        }
    }
}

/// The sum of squares of a chunk of `length` elements that is 0 but for some pieces, each with its place, in ascending
/// order. Each element is added to the sum to which `SquaredNorm` of the whole chunk adds it, and the zeros left out
/// change none.
struct NormOfPieces<'a> {
    length: usize,
    pieces: &'a [(usize, &'a [f32])],
}

impl WithSimd for NormOfPieces<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let lanes = S::F32_LANES;
        let vectors = self.length / lanes;
        let in_fours = vectors / 4 * 4;
        let mut sums = [simd.splat_f32s(0.0); 4];
        for &(at, mut values) in self.pieces {
            let (mut vector, mut before) = (at / lanes, at % lanes);
            while !values.is_empty() {
                let (own, rest) = values.split_at(values.len().min(lanes - before));
                let x = if before == 0 {
                    simd.partial_load_f32s(own)
                } else {
                    let mut padded = [0.0; simd::MOST_LANES];
                    padded[before..before + own.len()].copy_from_slice(own);
                    simd.partial_load_f32s(&padded[..lanes])
                };
                let sum = match vector {
                    _ if vector < in_fours => vector % 4,
                    _ if vector < vectors => 1,
                    _ => 0,
                };
                sums[sum] = simd.mul_add_e_f32s(x, x, sums[sum]);
                (vector, before, values) = (vector + 1, 0, rest);
            }
        }
        total(simd, sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::on_every_instruction_set;

    const STEP: AdamW = AdamW {
        learning_rate: 1e-2,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.1,
        time: 1,
        gradient_scale: 0.5,
    };

    fn numbers(count: usize, seed: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * 0.7 + seed).sin()).collect()
    }

    fn tensor(values: Vec<f32>, shape: [usize; 2]) -> FlexTensor {
        storage::from_vec(values, Shape::new(shape))
    }

    #[test]
    fn rows_take_the_steps_of_the_default_body() {
        let [table, width] = [9, 21];
        let steps = (1..=4)
            .map(|time| AdamW { time, ..STEP })
            .collect::<Vec<_>>();
        let behind = |row, from, is_moving| Behind {
            row,
            from,
            is_moving,
        };
        let rows = [behind(0, 0, false), behind(3, 1, true), behind(8, 3, true)];
        let mut first = numbers(table * width, 1.0);
        let mut second: Vec<f32> = first.iter().map(|x| x * x).collect();
        first[..width].fill(0.0);
        second[..width].fill(0.0);
        for gradient in [None, Some(numbers(3 * width, 2.0))] {
            let tensors = || {
                [numbers(table * width, 3.0), first.clone(), second.clone()]
                    .map(|values| tensor(values, [table, width]))
            };
            let gradient = || gradient.clone().map(|values| tensor(values, [3, width]));
            let steps = match gradient() {
                None => &steps[..],
                // One, at rows that are up to date.
                Some(_) => &steps[3..],
            };
            let rows = rows.map(|row| Behind {
                from: row.from.min(steps.len() - 1),
                ..row
            });
            let ours = taken(tensors(), gradient(), &rows, steps);
            let theirs = plain::<Flex>(tensors(), gradient(), &rows, steps);
            for (ours, theirs) in [(ours.0, theirs.0), (ours.1, theirs.1), (ours.2, theirs.2)] {
                assert_eq!(ours.layout().shape(), theirs.layout().shape());
                let theirs = storage::contiguous(theirs);
                let pairs = storage::elements(&ours)
                    .iter()
                    .zip(storage::elements(&theirs));
                for (ours, theirs) in pairs {
                    // Four steps of a few roundings each.
                    assert!((ours - theirs).abs() < 2e-6, "{ours} {theirs}");
                }
            }
        }
    }

    #[test]
    fn pieces_add_up_as_the_whole_chunk_does_on_every_instruction_set() {
        on_every_instruction_set(|set| {
            for length in [CHUNK, 16_000, 1_003, 129, 65, 40, 7] {
                let mut whole = vec![0.0; length];
                let mut values = numbers(length, 5.0);
                // One lane decides: rounding in the others would be lost in the sum of all.
                for (place, value) in values.iter_mut().enumerate() {
                    if place % 16 != 5 {
                        *value *= 1e-3;
                    }
                }
                let mut pieces = Vec::new();
                let mut at = 3;
                while at < length {
                    let end = (at + 1 + at % 37).min(length);
                    whole[at..end].copy_from_slice(&values[at..end]);
                    pieces.push((at, &values[at..end]));
                    at = end + at % 5;
                }
                let expected = set.call(super::super::adamw::SquaredNorm { x: &whole });
                let pieces = &pieces;
                let ours = set.call(NormOfPieces { length, pieces });
                assert_eq!(ours.to_bits(), expected.to_bits(), "{set:?}, {length}");
            }
        });
    }
}
