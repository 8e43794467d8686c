//! The gated GELU and its derivative, row by row.

use std::mem::MaybeUninit;

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::elementwise::{CHUNK, write_tail};
use super::storage::{self, Unwritten};
use super::{math, simd};
use crate::geglu::{GegluBackend, plain, plain_backward};

impl GegluBackend for Flex {
    fn fused_geglu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        if !storage::is_single(&[&x]) {
            return plain::<Self>(x);
        }
        let x = storage::contiguous(x);
        let mut shape = x.layout().shape().to_vec();
        let width = shape.pop().expect("x has a last dimension") / 2;
        shape.push(width);
        let rows = rows_of_a_task(width);
        let mut out = Unwritten::new(Shape::from(shape));
        out.slots()
            .par_chunks_mut(rows * width.max(1))
            .zip(storage::elements(&x).par_chunks(rows * 2 * width.max(1)))
            .for_each(|(out, x)| simd::dispatch(Forward { width, x, out }));
        // SAFETY: the chunks cover the output, and `Forward` writes every element of each.
        unsafe { out.finish() }
    }

    fn fused_geglu_backward(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        if !storage::is_single(&[&x, &grad]) {
            return plain_backward::<Self>(x, grad);
        }
        let (x, grad) = (storage::contiguous(x), storage::contiguous(grad));
        let shape = x.layout().shape().clone();
        let width = shape.last().expect("x has a last dimension") / 2;
        let rows = rows_of_a_task(width);
        let mut out = Unwritten::new(shape);
        out.slots()
            .par_chunks_mut(rows * 2 * width.max(1))
            .zip(storage::elements(&x).par_chunks(rows * 2 * width.max(1)))
            .zip(storage::elements(&grad).par_chunks(rows * width.max(1)))
            .for_each(|((out, x), grad)| {
                simd::dispatch(Derivative {
                    width,
                    x,
                    grad,
                    out,
                })
            });
        // SAFETY: the chunks cover the output, and `Derivative` writes every element of each.
        unsafe { out.finish() }
    }
}

/// Rows of `2 * width` elements that make a task.
fn rows_of_a_task(width: usize) -> usize {
    (CHUNK / (2 * width).max(1)).max(1)
}

/// `gelu(a) b` of each row `a b`.
struct Forward<'a> {
    width: usize,
    x: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.width.max(1);
        let rows = self.x.chunks_exact(2 * width);
        for (x, out) in rows.zip(self.out.chunks_exact_mut(width)) {
            let (a, b) = x.split_at(width);
            let (a, a_tail) = S::as_simd_f32s(a);
            let (b, b_tail) = S::as_simd_f32s(b);
            let (out, out_tail) = S::as_uninit_mut_simd_f32s(out);
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                out.write(gated(simd, a, b));
            }
            if !a_tail.is_empty() {
                let [a, b] = [a_tail, b_tail].map(|tail| simd.partial_load_f32s(tail));
                write_tail(simd, gated(simd, a, b), out_tail);
            }
        }
    }
}

#[inline(always)]
fn gated<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
    let gelu = simd.mul_f32s(a, math::normal_distribution(simd, a));
    simd.mul_f32s(gelu, b)
}

/// `gelu'(a) b grad` and `gelu(a) grad` of each row `a b`, side by side.
struct Derivative<'a> {
    width: usize,
    x: &'a [f32],
    grad: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for Derivative<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.width.max(1);
        let rows = self.x.chunks_exact(2 * width);
        let grads = self.grad.chunks_exact(width);
        for ((x, grad), out) in rows.zip(grads).zip(self.out.chunks_exact_mut(2 * width)) {
            let (a, b) = x.split_at(width);
            let (of_a, of_b) = out.split_at_mut(width);
            let (a, a_tail) = S::as_simd_f32s(a);
            let (b, b_tail) = S::as_simd_f32s(b);
            let (grad, grad_tail) = S::as_simd_f32s(grad);
            let (of_a, of_a_tail) = S::as_uninit_mut_simd_f32s(of_a);
            let (of_b, of_b_tail) = S::as_uninit_mut_simd_f32s(of_b);
            let outputs = of_a.iter_mut().zip(of_b);
            for (((of_a, of_b), (&a, &b)), &grad) in outputs.zip(a.iter().zip(b)).zip(grad) {
                let slopes = slopes(simd, a, b, grad);
                of_a.write(slopes[0]);
                of_b.write(slopes[1]);
            }
            if !a_tail.is_empty() {
                let [a, b, grad] =
                    [a_tail, b_tail, grad_tail].map(|tail| simd.partial_load_f32s(tail));
                let slopes = slopes(simd, a, b, grad);
                write_tail(simd, slopes[0], of_a_tail);
                write_tail(simd, slopes[1], of_b_tail);
            }
        }
    }
}

#[inline(always)]
fn slopes<S: Simd>(simd: S, a: S::f32s, b: S::f32s, grad: S::f32s) -> [S::f32s; 2] {
    let distribution = math::normal_distribution(simd, a);
    let slope = simd.mul_add_e_f32s(a, math::normal_density(simd, a), distribution);
    let of_a = simd.mul_f32s(simd.mul_f32s(grad, b), slope);
    let of_b = simd.mul_f32s(simd.mul_f32s(a, distribution), grad);
    [of_a, of_b]
}
