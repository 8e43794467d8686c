//! Cross-entropy: the softmax of each row in place, and the loss from what it passes.

use burn::backend::Flex;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::tensor::Shape;
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
        let Some(targets) = embedding::places(&[&logits], &targets, classes) else {
            return plain::<Self>(logits, targets);
        };
        let mut logits = logits;
        let padding = vec![0.0; classes];
        let losses: Vec<f64> = storage::elements_mut(&mut logits)
            .par_chunks_mut((rows::CHUNK * classes).max(1))
            .zip(targets.par_chunks(rows::CHUNK))
            .map(|(logits, targets)| {
                let rows = logits.chunks_exact_mut(classes.max(1)).zip(targets);
                rows.map(|(row, &target)| loss(row, target, &padding)).sum()
            })
            .collect();
        // In the order of the rows, whoever computed them.
        let mean = losses.iter().sum::<f64>() / count as f64;
        let loss = storage::from_vec(vec![mean as f32], Shape::new([1]));
        (loss, logits)
    }

    fn fused_cross_entropy_backward(
        probabilities: FloatTensor<Self>,
        targets: IntTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [count, classes] = probabilities.layout().shape().dims();
        let floats = [&probabilities, &grad];
        let Some(targets) = embedding::places(&floats, &targets, classes) else {
            return plain_backward::<Self>(probabilities, targets, grad);
        };
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
fn loss(row: &mut [f32], target: usize, padding: &[f32]) -> f64 {
    let own = row[target];
    let (place, greatest) = greatest(row);
    simd::dispatch(Probabilities {
        scores: row,
        padding,
    });
    f64::from(greatest) - f64::from(own) - f64::from(row[place]).ln()
}

/// Where the greatest element is, and what it is; NaN wherever there is one.
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
