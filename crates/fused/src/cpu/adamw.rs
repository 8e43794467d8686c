//! AdamW in one pass over memory: 16 bytes read and 12 written per parameter.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::elementwise::CHUNK;
use super::{simd, storage};
use crate::adamw::{AdamW, AdamWBackend, Factors, plain, plain_squared_norm};

impl AdamWBackend for Flex {
    fn fused_adamw(
        mut parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mut first: FloatTensor<Self>,
        mut second: FloatTensor<Self>,
        step: AdamW,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !storage::is_single(&[&parameter, &gradient, &first, &second]) {
            return plain::<Self>(parameter, gradient, first, second, step);
        }
        let gradient = storage::contiguous(gradient);
        let factors = Factors::new(step);
        storage::elements_mut(&mut parameter)
            .par_chunks_mut(CHUNK)
            .zip(storage::elements(&gradient).par_chunks(CHUNK))
            .zip(storage::elements_mut(&mut first).par_chunks_mut(CHUNK))
            .zip(storage::elements_mut(&mut second).par_chunks_mut(CHUNK))
            .for_each(|(((parameter, gradient), first), second)| {
                simd::dispatch(Step {
                    factors,
                    parameter,
                    gradient,
                    first,
                    second,
                });
            });
        (parameter, first, second)
    }

    fn fused_squared_norm(x: FloatTensor<Self>) -> FloatTensor<Self> {
        if !storage::is_single(&[&x]) {
            return plain_squared_norm::<Self>(x);
        }
        let x = storage::contiguous(x);
        let partial: Vec<f32> = storage::elements(&x)
            .par_chunks(CHUNK)
            .map(|x| simd::dispatch(SquaredNorm { x }))
            .collect();
        let total: f64 = partial.into_iter().map(f64::from).sum();
        storage::from_vec(vec![total as f32], Shape::new([1]))
    }
}

pub(super) struct Step<'a> {
    pub(super) factors: Factors,
    pub(super) parameter: &'a mut [f32],
    pub(super) gradient: &'a [f32],
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
}

impl WithSimd for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let factors = self.factors;
        let (parameter, parameter_tail) = S::as_mut_simd_f32s(self.parameter);
        let (gradient, gradient_tail) = S::as_simd_f32s(self.gradient);
        let (first, first_tail) = S::as_mut_simd_f32s(self.first);
        let (second, second_tail) = S::as_mut_simd_f32s(self.second);
        let whole = parameter.iter_mut().zip(gradient).zip(first).zip(second);
        for (((parameter, &gradient), first), second) in whole {
            let [p, m, v] = moved(simd, factors, *parameter, gradient, *first, *second);
            (*parameter, *first, *second) = (p, m, v);
        }
        let [p, m, v] = moved(
            simd,
            factors,
            simd.partial_load_f32s(parameter_tail),
            simd.partial_load_f32s(gradient_tail),
            simd.partial_load_f32s(first_tail),
            simd.partial_load_f32s(second_tail),
        );
        simd.partial_store_f32s(parameter_tail, p);
        simd.partial_store_f32s(first_tail, m);
        simd.partial_store_f32s(second_tail, v);
    }
}

/// The new parameter, first and second moment.
#[inline(always)]
fn moved<S: Simd>(
    simd: S,
    factors: Factors,
    parameter: S::f32s,
    gradient: S::f32s,
    first: S::f32s,
    second: S::f32s,
) -> [S::f32s; 3] {
    let splat = |x| simd.splat_f32s(x);
    let gradient = simd.mul_f32s(gradient, splat(factors.gradient_scale));
    let first = simd.mul_add_e_f32s(
        gradient,
        splat(factors.complement_1),
        simd.mul_f32s(first, splat(factors.beta_1)),
    );
    let square = simd.mul_f32s(gradient, gradient);
    let second = simd.mul_add_e_f32s(
        square,
        splat(factors.complement_2),
        simd.mul_f32s(second, splat(factors.beta_2)),
    );
    let root = simd.mul_add_e_f32s(
        simd.sqrt_f32s(second),
        splat(factors.root_scale),
        splat(factors.epsilon),
    );
    let direction = simd.div_f32s(first, root);
    let parameter = simd.mul_f32s(parameter, splat(factors.decay));
    let parameter = simd.mul_add_e_f32s(direction, splat(-factors.rate), parameter);
    [parameter, first, second]
}

pub(super) struct SquaredNorm<'a> {
    pub(super) x: &'a [f32],
}

impl WithSimd for SquaredNorm<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (x, tail) = S::as_simd_f32s(self.x);
        // Four sums: one would wait for the previous addition at every step.
        let mut sums = [simd.splat_f32s(0.0); 4];
        let (fours, rest) = x.as_chunks::<4>();
        for four in fours {
            for (sum, &x) in sums.iter_mut().zip(four) {
                *sum = simd.mul_add_e_f32s(x, x, *sum);
            }
        }
        let last = simd.partial_load_f32s(tail);
        sums[0] = simd.mul_add_e_f32s(last, last, sums[0]);
        for &x in rest {
            sums[1] = simd.mul_add_e_f32s(x, x, sums[1]);
        }
        total(simd, sums)
    }
}

/// The sum of all lanes.
#[inline(always)]
pub(super) fn total<S: Simd>(simd: S, sums: [S::f32s; 4]) -> f32 {
    let sum = simd.add_f32s(
        simd.add_f32s(sums[0], sums[1]),
        simd.add_f32s(sums[2], sums[3]),
    );
    simd.reduce_sum_f32s(sum)
}
