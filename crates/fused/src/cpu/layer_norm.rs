//! Layer normalisation, a chunk of rows at a time.

use std::mem::MaybeUninit;

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::elementwise::{Add, MapPairs};
use super::storage::{self, Unwritten};
use super::{dropout, rows, simd};
use crate::key::Dropout;
use crate::layer_norm::{LayerNormBackend, plain, plain_backward, plain_parts};

impl LayerNormBackend for Flex {
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        if !storage::is_single(&[&x, &gamma, &beta]) {
            return plain::<Self>(x, gamma, beta, epsilon);
        }
        let x = storage::contiguous(x);
        let (gamma, beta) = (storage::contiguous(gamma), storage::contiguous(beta));
        let row = Row {
            gamma: storage::elements(&gamma),
            epsilon: epsilon as f32,
        };
        let beta = storage::elements(&beta);
        let chunk = rows::CHUNK * row.gamma.len().max(1);
        let mut out = Unwritten::new(x.layout().shape().clone());
        out.slots()
            .par_chunks_mut(chunk)
            .zip(storage::elements(&x).par_chunks(chunk))
            .for_each(|(out, x)| simd::dispatch(Normalize { row, beta, x, out }));
        // SAFETY: the chunks cover the output and `Normalize` writes every element of each.
        unsafe { out.finish() }
    }

    fn fused_layer_norm_backward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        mut grad: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !storage::is_single(&[&x, &gamma, &grad]) {
            return plain_backward::<Self>(x, gamma, grad, epsilon);
        }
        let (x, gamma) = (storage::contiguous(x), storage::contiguous(gamma));
        let row = Row {
            gamma: storage::elements(&gamma),
            epsilon: epsilon as f32,
        };
        let width = row.gamma.len();
        let chunk = rows::CHUNK * width.max(1);
        let partial: Vec<Vec<f32>> = storage::elements_mut(&mut grad)
            .par_chunks_mut(chunk)
            .zip(storage::elements(&x).par_chunks(chunk))
            .map(|(grad, x)| {
                let mut parameter_grads = vec![0.0; 2 * width];
                let (gamma_grad, beta_grad) = parameter_grads.split_at_mut(width);
                simd::dispatch(Differentiate {
                    row,
                    x,
                    grad,
                    gamma_grad,
                    beta_grad,
                });
                parameter_grads
            })
            .collect();
        let mut gamma_grad = rows::total(&partial, 2 * width);
        let beta_grad = gamma_grad.split_off(width);
        let vector = |values| storage::from_vec(values, Shape::new([width]));
        (grad, vector(gamma_grad), vector(beta_grad))
    }

    fn fused_dropout_add_layer_norm_parts(
        mut x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        if !storage::is_single(&[&x, &residual, &gamma, &beta]) {
            return plain_parts::<Self>(x, residual, gamma, beta, epsilon, dropout);
        }
        let residual = storage::contiguous(residual);
        let (gamma, beta) = (storage::contiguous(gamma), storage::contiguous(beta));
        let row = Row {
            gamma: storage::elements(&gamma),
            epsilon: epsilon as f32,
        };
        let beta = storage::elements(&beta);
        let chunk = rows::CHUNK * row.gamma.len().max(1);
        let mut out = Unwritten::new(x.layout().shape().clone());
        out.slots()
            .par_chunks_mut(chunk)
            .zip(storage::elements_mut(&mut x).par_chunks_mut(chunk))
            .zip(storage::elements(&residual).par_chunks(chunk))
            .enumerate()
            .for_each_init(Vec::new, |scratch, (index, ((out, x), y))| {
                if let Some(dropout) = &dropout {
                    dropout::apply(dropout, index * chunk, x, scratch);
                }
                let function = Add;
                simd::dispatch(MapPairs { function, x, y });
                simd::dispatch(Normalize { row, beta, x, out });
            });
        // SAFETY: the chunks cover the output and `Normalize` writes every element of each.
        (x, unsafe { out.finish() })
    }
}

/// What the forward and the backward pass need to know about a row.
#[derive(Clone, Copy)]
struct Row<'a> {
    gamma: &'a [f32],
    epsilon: f32,
}

impl Row<'_> {
    /// The mean of a row and the reciprocal of its standard deviation, in two passes in cache: in a
    /// single one, digits would cancel where the mean is large.
    #[inline(always)]
    fn statistics<S: Simd>(self, simd: S, x: &[f32]) -> (f32, f32) {
        let count = x.len() as f32;
        let (x, tail) = S::as_simd_f32s(x);
        let mut sum = [simd.splat_f32s(0.0); 2];
        for (i, &x) in x.iter().enumerate() {
            sum[i % 2] = simd.add_f32s(sum[i % 2], x);
        }
        let sum = simd.reduce_sum_f32s(simd.add_f32s(sum[0], sum[1]));
        let mean = (sum + tail.iter().sum::<f32>()) / count;

        let centre = simd.splat_f32s(mean);
        let mut squares = [simd.splat_f32s(0.0); 2];
        for (i, &x) in x.iter().enumerate() {
            let x = simd.sub_f32s(x, centre);
            squares[i % 2] = simd.mul_add_e_f32s(x, x, squares[i % 2]);
        }
        let squares = simd.reduce_sum_f32s(simd.add_f32s(squares[0], squares[1]));
        let tail: f32 = tail.iter().map(|x| (x - mean) * (x - mean)).sum();
        (mean, 1.0 / ((squares + tail) / count + self.epsilon).sqrt())
    }
}

struct Normalize<'a> {
    row: Row<'a>,
    beta: &'a [f32],
    x: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.row.gamma.len().max(1);
        let (gamma, gamma_tail) = S::as_simd_f32s(self.row.gamma);
        let (beta, beta_tail) = S::as_simd_f32s(self.beta);
        for (x, out) in self
            .x
            .chunks_exact(width)
            .zip(self.out.chunks_exact_mut(width))
        {
            let (mean, scale) = self.row.statistics(simd, x);
            let (x, x_tail) = S::as_simd_f32s(x);
            let (out, out_tail) = S::as_uninit_mut_simd_f32s(out);
            let (means, scales) = (simd.splat_f32s(mean), simd.splat_f32s(scale));
            for (((out, &x), &gamma), &beta) in out.iter_mut().zip(x).zip(gamma).zip(beta) {
                let normal = simd.mul_f32s(simd.sub_f32s(x, means), scales);
                out.write(simd.mul_add_e_f32s(normal, gamma, beta));
            }
            for (i, (out, &x)) in out_tail.iter_mut().zip(x_tail).enumerate() {
                out.write((x - mean) * scale * gamma_tail[i] + beta_tail[i]);
            }
        }
    }
}

/// Replaces the gradient of the result with that of `x`, and adds to those of the parameters.
struct Differentiate<'a> {
    row: Row<'a>,
    x: &'a [f32],
    grad: &'a mut [f32],
    gamma_grad: &'a mut [f32],
    beta_grad: &'a mut [f32],
}

impl WithSimd for Differentiate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.row.gamma.len().max(1);
        let (gamma, gamma_tail) = S::as_simd_f32s(self.row.gamma);
        let (gamma_grad, gamma_grad_tail) = S::as_mut_simd_f32s(self.gamma_grad);
        let (beta_grad, beta_grad_tail) = S::as_mut_simd_f32s(self.beta_grad);
        for (x, grad) in self
            .x
            .chunks_exact(width)
            .zip(self.grad.chunks_exact_mut(width))
        {
            let (mean, scale) = self.row.statistics(simd, x);
            let (x, x_tail) = S::as_simd_f32s(x);
            let (grad, grad_tail) = S::as_mut_simd_f32s(grad);
            let (means, scales) = (simd.splat_f32s(mean), simd.splat_f32s(scale));

            let mut sum = simd.splat_f32s(0.0);
            let mut along = simd.splat_f32s(0.0);
            for i in 0..x.len() {
                let normal = simd.mul_f32s(simd.sub_f32s(x[i], means), scales);
                gamma_grad[i] = simd.mul_add_e_f32s(grad[i], normal, gamma_grad[i]);
                beta_grad[i] = simd.add_f32s(beta_grad[i], grad[i]);
                let inner = simd.mul_f32s(grad[i], gamma[i]);
                sum = simd.add_f32s(sum, inner);
                along = simd.mul_add_e_f32s(inner, normal, along);
            }
            let (mut sum, mut along) = (simd.reduce_sum_f32s(sum), simd.reduce_sum_f32s(along));
            for i in 0..x_tail.len() {
                let normal = (x_tail[i] - mean) * scale;
                gamma_grad_tail[i] += grad_tail[i] * normal;
                beta_grad_tail[i] += grad_tail[i];
                let inner = grad_tail[i] * gamma_tail[i];
                sum += inner;
                along += inner * normal;
            }
            let (sum, along) = (sum / width as f32, along / width as f32);

            let (sums, alongs) = (simd.splat_f32s(sum), simd.splat_f32s(along));
            for i in 0..x.len() {
                let normal = simd.mul_f32s(simd.sub_f32s(x[i], means), scales);
                let inner = simd.sub_f32s(simd.mul_f32s(grad[i], gamma[i]), sums);
                let inner = simd.sub_f32s(inner, simd.mul_f32s(normal, alongs));
                grad[i] = simd.mul_f32s(inner, scales);
            }
            for i in 0..x_tail.len() {
                let normal = (x_tail[i] - mean) * scale;
                grad_tail[i] = scale * (grad_tail[i] * gamma_tail[i] - sum - normal * along);
            }
        }
    }
}
