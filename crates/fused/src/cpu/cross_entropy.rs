//! Cross-entropy: the softmax of each row in place, and the loss on the way.

use burn::backend::Flex;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::tensor::{FloatDType, Shape};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::softmax::Probabilities;
use super::{embedding, rows, simd, storage};
use crate::cross_entropy::{CrossEntropyBackend, plain, plain_backward};

impl CrossEntropyBackend for Flex {
    fn fused_cross_entropy_parts(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [count, classes] = logits.layout().shape().dims();
        let places = embedding::places("cross_entropy target", &targets, classes);
        if !storage::is_single(&[&logits]) {
            return plain::<Self>(logits, targets);
        }
        let mut logits = logits;
        let losses: Vec<f64> = storage::elements_mut(&mut logits)
            .par_chunks_mut((rows::CHUNK * classes).max(1))
            .zip(places.par_chunks(rows::CHUNK))
            .map(|(logits, targets)| {
                let rows = logits.chunks_exact_mut(classes.max(1)).zip(targets);
                rows.map(|(row, &target)| loss(row, target)).sum()
            })
            .collect();
        // In the order of the rows, whichever thread computed them.
        let mean = losses.iter().sum::<f64>() / count as f64;
        let loss = storage::from_vec(vec![mean as f32], Shape::new([1]));
        (loss, logits)
    }

    fn fused_cross_entropy_backward(
        probabilities: FloatTensor<Self>,
        targets: IntTensor<Self>,
        grad: FloatTensor<Self>,
        dtype: FloatDType,
    ) -> FloatTensor<Self> {
        let [count, classes] = probabilities.layout().shape().dims();
        if dtype != FloatDType::F32 {
            return plain_backward::<Self>(probabilities, targets, grad, dtype);
        }
        let targets = embedding::places("cross_entropy target", &targets, classes);
        let grad = storage::contiguous(grad);
        let scale = storage::elements(&grad)[0] / count as f32;
        let mut out = probabilities;
        storage::elements_mut(&mut out)
            .par_chunks_mut((rows::CHUNK * classes).max(1))
            .zip(targets.par_chunks(rows::CHUNK))
            .for_each(|(out, targets)| {
                for (row, &target) in out.chunks_exact_mut(classes.max(1)).zip(targets) {
                    row[target] -= 1.0;
                    simd::dispatch(Scale { row, scale });
                }
            });
        out
    }
}

/// Turns the logits of one row into probabilities and returns `ln sum(exp(logits)) - logits[target]`.
///
/// The greatest logit becomes `1 / sum(exp(logits - greatest))`, so the sum is read off there; the
/// target's own probability may have underflowed.
fn loss(row: &mut [f32], target: usize) -> f64 {
    let own = row[target];
    let (place, greatest) = greatest(row);
    simd::dispatch(Probabilities {
        columns: row.len(),
        scores: row,
        padding: None,
    });
    f64::from(greatest) - f64::from(own) - f64::from(row[place]).ln()
}

/// The place of the greatest element, and the element; of a NaN, if there is one.
fn greatest(row: &[f32]) -> (usize, f32) {
    let mut best = (0, row[0]);
    for (place, &x) in row.iter().enumerate() {
        if x > best.1 || x.is_nan() {
            best = (place, x);
        }
    }
    best
}

/// `row *= scale`.
struct Scale<'a> {
    row: &'a mut [f32],
    scale: f32,
}

impl WithSimd for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let scale = simd.splat_f32s(self.scale);
        let (row, tail) = S::as_mut_simd_f32s(self.row);
        for x in row {
            *x = simd.mul_f32s(*x, scale);
        }
        for x in tail {
            *x *= self.scale;
        }
    }
}
