//! The end of a residual block: Burn's product, and one kernel for all that follows. One cube takes a row at a time.

use burn::backend::Cube;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::dropout::{Mask, arguments, groups_of_row, multiplier_at, words_of_row};
use super::fusion::register;
use super::launch::{as_registered, contiguous, cube_per_row, empty, units};
use super::layer_norm::{
    Gradients, Preceding, dims, element, gradients, have_kernel, normalize_row,
};
use super::linear::{weight_gradient, x_gradient};
use super::product;
use crate::key::Dropout;
use crate::residual::{ResidualBackend, plain_backward, plain_parts};

impl ResidualBackend for Cube {
    fn fused_residual_parts(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let can = have_kernel(&residual, &[&gamma, &beta])
            && bias.dtype == residual.dtype
            && [x.dtype, weight.dtype] == [residual.dtype; 2]
            && can_drop(&gamma.shape, dropout.as_ref());
        if !can {
            return plain_parts::<Self>(x, weight, bias, residual, gamma, beta, epsilon, dropout);
        }
        let form = (residual.shape.clone(), residual.dtype);
        let run = move |tensors: Vec<CubeTensor>| {
            let [x, weight, others @ ..] = as_registered::<6>(tensors);
            let [bias, residual, gamma, beta] = others.map(into_contiguous);
            let projected = product::linear(x, weight);
            ended([projected, residual], bias, gamma, beta, epsilon, dropout).into()
        };
        let inputs = vec![x, weight, bias, residual, gamma, beta];
        let outputs = vec![form.clone(), form];
        let parts = register("fused.residual", inputs, outputs, run);
        let [sum, output] = parts.try_into().expect("two outputs");
        (sum, output)
    }

    fn fused_residual_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        sum: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        let can = have_kernel(&sum, &[&gamma])
            && grad.dtype == sum.dtype
            && [x.dtype, weight.dtype] == [sum.dtype; 2]
            && can_drop(&gamma.shape, dropout.as_ref());
        if !can {
            return plain_backward::<Self>(x, weight, sum, gamma, grad, epsilon, dropout);
        }
        let like_sum = (sum.shape.clone(), sum.dtype);
        let of_norm = (gamma.shape.clone(), gamma.dtype);
        let of_bias = (gamma.shape.clone(), sum.dtype);
        let mut outputs = vec![like_sum.clone(), of_norm.clone(), of_norm, of_bias];
        outputs.extend(dropout.map(|_| like_sum));
        let preceding = Preceding {
            dropout,
            of_bias: sum.dtype,
        };
        let run = move |tensors: Vec<CubeTensor>| {
            let [sum, gamma, grad] = contiguous(tensors);
            let Gradients {
                x,
                gamma,
                beta,
                projected,
                bias,
            } = gradients(sum, gamma, grad, epsilon, Some(&preceding));
            let all = [Some(x), Some(gamma), Some(beta), bias, projected];
            all.into_iter().flatten().collect()
        };
        let inputs = vec![sum, gamma, grad];
        let mut all = register("fused.residual_backward", inputs, outputs, run).into_iter();
        let [residual, gamma, beta, bias] = [(); 4].map(|()| all.next().expect("four or five"));
        let projected = all.next().unwrap_or_else(|| residual.clone());
        (
            x_gradient(weight, projected.clone()),
            weight_gradient(x, projected),
            bias,
            residual,
            gamma,
            beta,
        )
    }
}

/// Whether the words that decide a row fit into the memory of a cube.
fn can_drop(row: &Shape, dropout: Option<&Dropout>) -> bool {
    dropout.is_none() || groups_of_row(row.num_elements()).is_some()
}

/// The sum and what it is normalised to.
fn ended(
    [projected, residual]: [CubeTensor; 2],
    bias: CubeTensor,
    gamma: CubeTensor,
    beta: CubeTensor,
    epsilon: f64,
    dropout: Option<Dropout>,
) -> [CubeTensor; 2] {
    let [rows, width] = dims(&residual, &gamma);
    let (of_x, of_parameters) = (element(&residual), element(&gamma));
    let shape = residual.meta.shape().clone();
    let [sum, out] = [(); 2].map(|()| empty(&residual, shape.clone(), residual.dtype));
    let groups = dropout.map_or(0, |_| {
        groups_of_row(width).expect("only these have a kernel")
    });
    let client = residual.client.clone();
    let units = units(&client, width);
    end_block::launch(
        &client,
        cube_per_row(&client, rows),
        CubeDim::new_1d(units),
        projected.into_buffer_arg(),
        bias.into_buffer_arg(),
        residual.into_buffer_arg(),
        dropout.iter().map(arguments).collect(),
        gamma.into_buffer_arg(),
        beta.into_buffer_arg(),
        sum.clone().into_buffer_arg(),
        out.clone().into_buffer_arg(),
        rows as u32,
        width as u32,
        epsilon as f32,
        groups,
        units as usize,
        of_x,
        of_parameters,
    );
    [sum, out]
}

/// `masks` has one or none.
#[cube(launch)]
#[allow(clippy::too_many_arguments)] // The operands and the row's place.
fn end_block<E: Float, P: Float>(
    projected: &[E],
    bias: &[E],
    residual: &[E],
    masks: Sequence<Mask>,
    gamma: &[P],
    beta: &[P],
    sum: &mut [E],
    out: &mut [E],
    rows: u32,
    width: u32,
    epsilon: f32,
    #[comptime] groups: usize,
    #[comptime] units: usize,
    #[define(E)] _of_x: ElemType,
    #[define(P)] _of_parameters: ElemType,
) {
    if CUBE_POS < rows as usize {
        let width = width as usize;
        let unit = UNIT_POS as usize;
        let start = CUBE_POS * width;
        if comptime!(groups == 0) {
            for at in range_stepped(unit, width, units) {
                let shifted = shifted::<E>(projected, bias, start + at, at);
                sum[start + at] = E::cast_from(shifted + f32::cast_from(residual[start + at]));
            }
        }
        #[unroll]
        for i in 0..masks.len() {
            let words = words_of_row(masks.index(i), start as u32, groups, units);
            for at in range_stepped(unit, width, units) {
                let multiplier = multiplier_at(masks.index(i), &words, start as u32, at as u32);
                let shifted = shifted::<E>(projected, bias, start + at, at);
                let kept = f32::cast_from(E::cast_from(shifted * multiplier));
                sum[start + at] = E::cast_from(kept + f32::cast_from(residual[start + at]));
            }
            // The next call may have the same memory.
            sync_cube();
        }
        // Each unit reads only what it wrote.
        let row = &sum[start..start + width];
        normalize_row::<E, P>(row, gamma, beta, out, start, width, epsilon, units);
    }
}

/// An element of the affine map's result, rounded to its type.
#[cube]
fn shifted<E: Float>(projected: &[E], bias: &[E], at: usize, column: usize) -> f32 {
    f32::cast_from(E::cast_from(
        f32::cast_from(projected[at]) + f32::cast_from(bias[column]),
    ))
}
