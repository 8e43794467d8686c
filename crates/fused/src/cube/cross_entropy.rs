//! Cross-entropy: one cube takes a row of logits, and one more their mean.

use burn::backend::Cube;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::tensor::{DType, FloatDType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::fusion::register;
use super::launch::{
    contiguous, cube_per_row, divided_sum, element, empty, has_kernel, int_element,
    largest_of_cube, sum_of_cube, units,
};
use crate::cross_entropy::{CrossEntropyBackend, plain, plain_backward};

impl CrossEntropyBackend for Cube {
    fn fused_cross_entropy_parts(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        if !have_kernel(&logits, &targets) {
            return plain::<Self>(logits, targets);
        }
        let outputs = vec![
            (Shape::new([1]), DType::F32),
            (logits.shape.clone(), DType::F32),
        ];
        let inputs = vec![logits, targets];
        let parts = register("fused.cross_entropy", inputs, outputs, |tensors| {
            let [logits, targets] = contiguous(tensors);
            parts(logits, targets).into()
        });
        let [loss, probabilities] = parts.try_into().expect("two outputs");
        (loss, probabilities)
    }

    fn fused_cross_entropy_backward(
        probabilities: FloatTensor<Self>,
        targets: IntTensor<Self>,
        grad: FloatTensor<Self>,
        dtype: FloatDType,
    ) -> FloatTensor<Self> {
        let out = DType::from(dtype);
        if !have_kernel(&probabilities, &targets)
            || element(out).is_none()
            || grad.dtype != DType::F32
        {
            return plain_backward::<Self>(probabilities, targets, grad, dtype);
        }
        let outputs = vec![(probabilities.shape.clone(), out)];
        let inputs = vec![probabilities, targets, grad];
        let id = "fused.cross_entropy_backward";
        let mut grads = register(id, inputs, outputs, move |tensors| {
            let [probabilities, targets, grad] = contiguous(tensors);
            vec![gradient(probabilities, targets, grad, out)]
        });
        grads.remove(0)
    }
}

fn have_kernel(logits: &FloatTensor<Cube>, targets: &IntTensor<Cube>) -> bool {
    has_kernel(logits) && int_element(targets.dtype).is_some()
}

/// Loss and probabilities.
fn parts(logits: CubeTensor, targets: CubeTensor) -> [CubeTensor; 2] {
    let [rows, classes] = logits.meta.shape().dims();
    let of_logits = element(logits.dtype).expect("only these have a kernel");
    let of_targets = int_element(targets.dtype).expect("only these have a kernel");
    let probabilities = empty(&logits, logits.meta.shape().clone(), DType::F32);
    let losses = empty(&logits, Shape::new([rows]), DType::F32);
    let client = logits.client.clone();
    let of_row = units(&client, classes);
    losses_of_rows::launch(
        &client,
        cube_per_row(&client, rows),
        CubeDim::new_1d(of_row),
        logits.into_buffer_arg(),
        targets.into_buffer_arg(),
        probabilities.clone().into_buffer_arg(),
        losses.clone().into_buffer_arg(),
        rows as u32,
        classes as u32,
        of_row as usize,
        of_logits,
        of_targets,
    );
    let loss = divided_sum(losses, rows as u32);
    [loss, probabilities]
}

fn gradient(
    probabilities: CubeTensor,
    targets: CubeTensor,
    grad: CubeTensor,
    dtype: DType,
) -> CubeTensor {
    let [rows, classes] = probabilities.meta.shape().dims();
    let of_targets = int_element(targets.dtype).expect("only these have a kernel");
    let out = empty(&probabilities, probabilities.meta.shape().clone(), dtype);
    let client = probabilities.client.clone();
    let cube_dim = CubeDim::new(&client, rows * classes);
    differentiate::launch(
        &client,
        calculate_cube_count_elemwise(&client, rows * classes, cube_dim),
        cube_dim,
        probabilities.into_buffer_arg(),
        targets.into_buffer_arg(),
        grad.into_buffer_arg(),
        out.clone().into_buffer_arg(),
        rows as u32,
        classes as u32,
        element(dtype).expect("only these have a kernel"),
        of_targets,
    );
    out
}

#[cube(launch)]
#[allow(clippy::too_many_arguments)] // The operands and the row's place.
fn losses_of_rows<E: Float, I: Int>(
    logits: &[E],
    targets: &[I],
    probabilities: &mut [f32],
    losses: &mut [f32],
    rows: u32,
    classes: u32,
    #[comptime] units: usize,
    #[define(E)] _of_logits: ElemType,
    #[define(I)] _of_targets: ElemType,
) {
    if CUBE_POS < rows as usize {
        let unit = UNIT_POS as usize;
        let start = CUBE_POS * classes as usize;
        let end = start + classes as usize;
        let mut largest = f32::new(f32::NEG_INFINITY);
        for at in range_stepped(start + unit, end, units) {
            let logit = f32::cast_from(logits[at]);
            if logit > largest {
                largest = logit;
            }
        }
        let largest = largest_of_cube(largest, units);
        let target = start + usize::cast_from(targets[CUBE_POS]);
        let mut sum = 0.0f32;
        let mut of_target = 0.0f32;
        for at in range_stepped(start + unit, end, units) {
            let below = f32::cast_from(logits[at]) - largest;
            // The exponential of some devices makes a number of NaN.
            let power = select(below.is_nan(), below, below.exp());
            probabilities[at] = power;
            sum += power;
            if at == target {
                of_target = below;
            }
        }
        let sum = sum_of_cube(sum, units);
        let of_target = sum_of_cube(of_target, units);
        for at in range_stepped(start + unit, end, units) {
            let power = probabilities[at];
            probabilities[at] = power / sum;
        }
        if unit == 0 {
            // So does the logarithm.
            let loss = sum.ln() - of_target;
            losses[CUBE_POS] = select(sum.is_nan(), sum, loss);
        }
    }
}

#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn differentiate<E: Float, I: Int>(
    probabilities: &[f32],
    targets: &[I],
    grad: &[f32],
    out: &mut [E],
    rows: u32,
    classes: u32,
    #[define(E)] _of_out: ElemType,
    #[define(I)] _of_targets: ElemType,
) {
    let at = ABSOLUTE_POS;
    if at < out.len() {
        let row = at / classes as usize;
        let mut difference = probabilities[at];
        if at - row * classes as usize == usize::cast_from(targets[row]) {
            difference -= 1.0;
        }
        out[at] = E::cast_from(difference * (grad[0] / f32::cast_from(rows)));
    }
}
