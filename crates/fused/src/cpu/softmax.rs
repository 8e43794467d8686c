//! Softmax over the rows of one head's scores, and its gradient, both with dropout.

use pulp::{Simd, WithSimd};

use super::{math, simd};

/// Turns scores into probabilities, row by row, in place. A row with a NaN, with plus infinity, or of minus infinity
/// alone is NaN throughout, as IEEE arithmetic has it.
pub(super) struct Probabilities<'a> {
    pub(super) scores: &'a mut [f32],
    pub(super) columns: usize,
    /// 1 where a key is padding, whose probability is 0 whatever its score, and 0 at one key or more.
    pub(super) padding: Option<&'a [f32]>,
}

impl WithSimd for Probabilities<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in self.scores.chunks_exact_mut(self.columns.max(1)) {
            match self.padding {
                None => normalize(simd, row, None),
                Some(padding) => normalize(simd, row, Some(padding)),
            }
        }
    }
}

/// The softmax of one row. Compiled apart with and without padding.
#[inline(always)]
fn normalize<S: Simd>(simd: S, row: &mut [f32], padding: Option<&[f32]>) {
    let zero = simd.splat_f32s(0.0);
    let lowest = simd.splat_f32s(f32::NEG_INFINITY);
    let hide = |x, padding, value| simd.select_f32s(simd.less_than_f32s(zero, padding), value, x);
    let (row, tail) = S::as_mut_simd_f32s(row);
    let padding = padding.map(S::as_simd_f32s);
    // The tail as one vector, its unused lanes out of the running.
    let mut last = lowest;
    if !tail.is_empty() {
        let mut lanes = [f32::NEG_INFINITY; simd::MOST_LANES];
        lanes[..tail.len()].copy_from_slice(tail);
        last = simd.partial_load_f32s(&lanes[..S::F32_LANES]);
        if let Some((_, padding)) = padding {
            last = hide(last, simd.partial_load_f32s(padding), lowest);
        }
    }
    // NaN may get lost here; the exponential below brings it back.
    let mut highest = last;
    match padding {
        None => {
            for &score in row.iter() {
                highest = simd.max_f32s(highest, score);
            }
        }
        Some((padding, _)) => {
            for (score, &padding) in row.iter_mut().zip(padding) {
                *score = hide(*score, padding, lowest);
                highest = simd.max_f32s(highest, *score);
            }
        }
    }
    let shift = simd.splat_f32s(simd.reduce_max_f32s(highest));

    last = math::exp(simd, simd.sub_f32s(last, shift));
    let mut sum = last;
    for score in row.iter_mut() {
        *score = math::exp(simd, simd.sub_f32s(*score, shift));
        sum = simd.add_f32s(sum, *score);
    }
    let scale = simd.splat_f32s(1.0 / simd.reduce_sum_f32s(sum));
    last = simd.mul_f32s(last, scale);
    for score in row.iter_mut() {
        *score = simd.mul_f32s(*score, scale);
    }
    // In a row of NaN, which spreads to padding too.
    if let Some((padding, padding_tail)) = padding {
        last = hide(last, simd.partial_load_f32s(padding_tail), zero);
        for (score, &padding) in row.iter_mut().zip(padding) {
            *score = hide(*score, padding, zero);
        }
    }
    simd.partial_store_f32s(tail, last);
}

/// Turns the gradient of the kept probabilities into that of the scores, row by row, in place, and
/// the probabilities into the kept ones.
pub(super) struct ScoreGrad<'a> {
    pub(super) probabilities: &'a mut [f32],
    pub(super) grad: &'a mut [f32],
    /// What dropout multiplies by, if it does.
    pub(super) multipliers: Option<&'a [f32]>,
    pub(super) columns: usize,
    /// The factor of the scores.
    pub(super) scale: f32,
}

impl WithSimd for ScoreGrad<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let columns = self.columns.max(1);
        let rows = self.probabilities.chunks_exact_mut(columns);
        let rows = rows.zip(self.grad.chunks_exact_mut(columns));
        match self.multipliers {
            None => {
                for (probabilities, grad) in rows {
                    differentiate(simd, probabilities, grad, self.scale);
                }
            }
            Some(multipliers) => {
                for ((probabilities, grad), kept) in rows.zip(multipliers.chunks_exact(columns)) {
                    multiply(simd, grad, kept);
                    differentiate(simd, probabilities, grad, self.scale);
                    multiply(simd, probabilities, kept);
                }
            }
        }
    }
}

/// `grad = scale * p * (grad - sum(p * grad))`.
#[inline(always)]
fn differentiate<S: Simd>(simd: S, p: &[f32], grad: &mut [f32], scale: f32) {
    let (p, p_tail) = S::as_simd_f32s(p);
    let (grad, grad_tail) = S::as_mut_simd_f32s(grad);
    let p_last = simd.partial_load_f32s(p_tail);
    let grad_last = simd.partial_load_f32s(grad_tail);
    // The lanes beyond the tail are 0 in both.
    let mut along = simd.mul_f32s(p_last, grad_last);
    for (&p, &grad) in p.iter().zip(grad.iter()) {
        along = simd.mul_add_e_f32s(p, grad, along);
    }
    let along = simd.splat_f32s(simd.reduce_sum_f32s(along));
    let scale = simd.splat_f32s(scale);
    for (&p, grad) in p.iter().zip(grad) {
        *grad = simd.mul_f32s(simd.mul_f32s(p, scale), simd.sub_f32s(*grad, along));
    }
    let last = simd.mul_f32s(
        simd.mul_f32s(p_last, scale),
        simd.sub_f32s(grad_last, along),
    );
    simd.partial_store_f32s(grad_tail, last);
}

#[inline(always)]
fn multiply<S: Simd>(simd: S, x: &mut [f32], y: &[f32]) {
    let (x, x_tail) = S::as_mut_simd_f32s(x);
    let (y, y_tail) = S::as_simd_f32s(y);
    for (x, &y) in x.iter_mut().zip(y) {
        *x = simd.mul_f32s(*x, y);
    }
    let last = simd.mul_f32s(
        simd.partial_load_f32s(x_tail),
        simd.partial_load_f32s(y_tail),
    );
    simd.partial_store_f32s(x_tail, last);
}
