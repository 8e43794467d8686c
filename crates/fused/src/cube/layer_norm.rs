//! Layer normalisation: one cube takes a row at a time.

use burn::backend::Cube;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::fusion::register;
use super::launch::{self, contiguous, cube_per_row, empty, has_kernel, sum_of_cube, units};
use crate::dropout::DropoutBackend;
use crate::key::Dropout;
use crate::layer_norm::{LayerNormBackend, plain, plain_backward, plain_parts};
use crate::mask::Places;

/// Rows that one cube takes in the backward pass, unless that makes more than [`MOST_CUBES`] cubes. Each writes its part of the
/// gradients of the parameters.
const ROWS: usize = 16;
const MOST_CUBES: usize = 256;

impl LayerNormBackend for Cube {
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        if !have_kernel(&x, &[&gamma, &beta]) {
            return plain::<Self>(x, gamma, beta, epsilon);
        }
        let outputs = vec![(x.shape.clone(), x.dtype)];
        let run = move |tensors: Vec<CubeTensor>| {
            let [x, gamma, beta] = contiguous(tensors);
            vec![normalized(x, gamma, beta, epsilon)]
        };
        register("fused.layer_norm", vec![x, gamma, beta], outputs, run).remove(0)
    }

    fn fused_layer_norm_backward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !have_kernel(&x, &[&gamma]) || grad.dtype != x.dtype {
            return plain_backward::<Self>(x, gamma, grad, epsilon);
        }
        let parameter = (gamma.shape.clone(), gamma.dtype);
        let outputs = vec![(x.shape.clone(), x.dtype), parameter.clone(), parameter];
        let run = move |tensors: Vec<CubeTensor>| {
            let [x, gamma, grad] = contiguous(tensors);
            gradients(x, gamma, grad, epsilon).into()
        };
        let inputs = vec![x, gamma, grad];
        let gradients = register("fused.layer_norm_backward", inputs, outputs, run);
        let [x, gamma, beta] = gradients.try_into().expect("three outputs");
        (x, gamma, beta)
    }

    fn fused_dropout_add_layer_norm_parts(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        if !have_kernel(&x, &[&gamma, &beta]) || residual.dtype != x.dtype {
            return plain_parts::<Self>(x, residual, gamma, beta, epsilon, dropout);
        }
        let form = (x.shape.clone(), x.dtype);
        let mask = dropout
            .map(|dropout| Self::dropout_mask(&x, Places::in_order(x.shape.clone()), dropout));
        let mut inputs = vec![x, residual, gamma, beta];
        inputs.extend(mask);
        let run = move |mut tensors: Vec<CubeTensor>| {
            let mask = (tensors.len() > 4).then(|| into_contiguous(tensors.remove(4)));
            let [x, residual, gamma, beta] = contiguous(tensors);
            added_and_normalized([x, residual], mask, gamma, beta, epsilon).into()
        };
        let outputs = vec![form.clone(), form];
        let parts = register("fused.dropout_add_layer_norm", inputs, outputs, run);
        let [sum, output] = parts.try_into().expect("two outputs");
        (sum, output)
    }
}

/// Rows of single or half precision, and parameters of one type, which may be single precision beside half.
fn have_kernel(x: &FloatTensor<Cube>, parameters: &[&FloatTensor<Cube>]) -> bool {
    let dtype = parameters[0].dtype;
    has_kernel(x)
        && launch::element(dtype).is_some()
        && parameters.iter().all(|parameter| parameter.dtype == dtype)
}

fn element(tensor: &CubeTensor) -> ElemType {
    launch::element(tensor.dtype).expect("only these have a kernel")
}

/// Rows and width.
fn dims(x: &CubeTensor, gamma: &CubeTensor) -> [usize; 2] {
    let width = gamma.meta.num_elements();
    [x.meta.num_elements() / width, width]
}

fn normalized(x: CubeTensor, gamma: CubeTensor, beta: CubeTensor, epsilon: f64) -> CubeTensor {
    let [rows, width] = dims(&x, &gamma);
    let (of_x, of_parameters) = (element(&x), element(&gamma));
    let out = empty(&x, x.meta.shape().clone(), x.dtype);
    let units = units(&x.client, width);
    let client = x.client.clone();
    normalize::launch(
        &client,
        cube_per_row(&client, rows),
        CubeDim::new_1d(units),
        x.into_buffer_arg(),
        gamma.into_buffer_arg(),
        beta.into_buffer_arg(),
        out.clone().into_buffer_arg(),
        rows as u32,
        width as u32,
        epsilon as f32,
        units as usize,
        of_x,
        of_parameters,
    );
    out
}

fn added_and_normalized(
    [x, residual]: [CubeTensor; 2],
    mask: Option<CubeTensor>,
    gamma: CubeTensor,
    beta: CubeTensor,
    epsilon: f64,
) -> [CubeTensor; 2] {
    let [rows, width] = dims(&x, &gamma);
    let (of_x, of_parameters) = (element(&x), element(&gamma));
    let [sum, out] = [(); 2].map(|()| empty(&x, x.meta.shape().clone(), x.dtype));
    let units = units(&x.client, width);
    let client = x.client.clone();
    add_and_normalize::launch(
        &client,
        cube_per_row(&client, rows),
        CubeDim::new_1d(units),
        x.into_buffer_arg(),
        residual.into_buffer_arg(),
        mask.into_iter().map(CubeTensor::into_buffer_arg).collect(),
        gamma.into_buffer_arg(),
        beta.into_buffer_arg(),
        sum.clone().into_buffer_arg(),
        out.clone().into_buffer_arg(),
        rows as u32,
        width as u32,
        epsilon as f32,
        units as usize,
        of_x,
        of_parameters,
    );
    [sum, out]
}

/// Of `x`, `gamma` and `beta`.
fn gradients(x: CubeTensor, gamma: CubeTensor, grad: CubeTensor, epsilon: f64) -> [CubeTensor; 3] {
    let [rows, width] = dims(&x, &gamma);
    let (of_x, of_parameters) = (element(&x), element(&gamma));
    let rows_at_once = ROWS.max(rows.div_ceil(MOST_CUBES));
    let cubes = rows.div_ceil(rows_at_once);
    let x_grad = empty(&x, x.meta.shape().clone(), x.dtype);
    // For each cube, the gradients of gamma, then those of beta.
    let parts = empty(&x, Shape::new([cubes * 2 * width]), DType::F32);
    let [gamma_grad, beta_grad] = [(); 2].map(|()| empty(&x, Shape::new([width]), gamma.dtype));
    let units = units(&x.client, width);
    let client = x.client.clone();
    differentiate::launch(
        &client,
        CubeCount::Static(cubes as u32, 1, 1),
        CubeDim::new_1d(units),
        x.into_buffer_arg(),
        gamma.into_buffer_arg(),
        grad.into_buffer_arg(),
        x_grad.clone().into_buffer_arg(),
        parts.clone().into_buffer_arg(),
        rows as u32,
        width as u32,
        rows_at_once as u32,
        epsilon as f32,
        units as usize,
        of_x,
        of_parameters,
    );
    let cube_dim = CubeDim::new(&client, width);
    sum_of_parts::launch(
        &client,
        calculate_cube_count_elemwise(&client, width, cube_dim),
        cube_dim,
        parts.into_buffer_arg(),
        gamma_grad.clone().into_buffer_arg(),
        beta_grad.clone().into_buffer_arg(),
        cubes as u32,
        width as u32,
        of_parameters,
    );
    [x_grad, gamma_grad, beta_grad]
}

/// The mean of a row and the reciprocal of its standard deviation, in two passes: in a single one, digits would cancel where the
/// mean is large.
#[cube]
fn statistics<E: Float>(
    row: &[E],
    width: usize,
    epsilon: f32,
    #[comptime] units: usize,
) -> (f32, f32) {
    let count = f32::cast_from(width as u32);
    let unit = UNIT_POS as usize;
    let mut sum = 0.0f32;
    for at in range_stepped(unit, width, units) {
        sum += f32::cast_from(row[at]);
    }
    let mean = sum_of_cube(sum, units) / count;
    let mut squares = 0.0f32;
    for at in range_stepped(unit, width, units) {
        let centred = f32::cast_from(row[at]) - mean;
        squares += centred * centred;
    }
    let variance = sum_of_cube(squares, units) / count;
    (mean, 1.0f32 / (variance + epsilon).sqrt())
}

/// Each unit takes every `units`th element of a row.
#[cube]
#[allow(clippy::too_many_arguments)] // The operands and the row's place.
fn normalize_row<E: Float, P: Float>(
    row: &[E],
    gamma: &[P],
    beta: &[P],
    out: &mut [E],
    start: usize,
    width: usize,
    epsilon: f32,
    #[comptime] units: usize,
) {
    let (mean, scale) = statistics::<E>(row, width, epsilon, units);
    for at in range_stepped(UNIT_POS as usize, width, units) {
        let normal = (f32::cast_from(row[at]) - mean) * scale;
        let scaled = normal * f32::cast_from(gamma[at]) + f32::cast_from(beta[at]);
        out[start + at] = E::cast_from(scaled);
    }
}

#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn normalize<E: Float, P: Float>(
    x: &[E],
    gamma: &[P],
    beta: &[P],
    out: &mut [E],
    rows: u32,
    width: u32,
    epsilon: f32,
    #[comptime] units: usize,
    #[define(E)] _of_x: ElemType,
    #[define(P)] _of_parameters: ElemType,
) {
    if CUBE_POS < rows as usize {
        let width = width as usize;
        let start = CUBE_POS * width;
        let row = &x[start..start + width];
        normalize_row::<E, P>(row, gamma, beta, out, start, width, epsilon, units);
    }
}

/// `masks` has one or none.
#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn add_and_normalize<E: Float, P: Float>(
    x: &[E],
    residual: &[E],
    masks: Sequence<Box<[f32]>>,
    gamma: &[P],
    beta: &[P],
    sum: &mut [E],
    out: &mut [E],
    rows: u32,
    width: u32,
    epsilon: f32,
    #[comptime] units: usize,
    #[define(E)] _of_x: ElemType,
    #[define(P)] _of_parameters: ElemType,
) {
    if CUBE_POS < rows as usize {
        let width = width as usize;
        let start = CUBE_POS * width;
        for at in range_stepped(start + UNIT_POS as usize, start + width, units) {
            let mut kept = f32::cast_from(x[at]);
            #[unroll]
            for i in 0..masks.len() {
                kept = f32::cast_from(E::cast_from(kept * masks.index(i)[at]));
            }
            sum[at] = E::cast_from(kept + f32::cast_from(residual[at]));
        }
        // Each unit reads only what it wrote.
        let row = &sum[start..start + width];
        normalize_row::<E, P>(row, gamma, beta, out, start, width, epsilon, units);
    }
}

/// Each cube takes `rows_at_once` rows, one after the other, and each unit the same columns of all of them.
#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn differentiate<E: Float, P: Float>(
    x: &[E],
    gamma: &[P],
    grad: &[E],
    x_grad: &mut [E],
    parts: &mut [f32],
    rows: u32,
    width: u32,
    rows_at_once: u32,
    epsilon: f32,
    #[comptime] units: usize,
    #[define(E)] _of_x: ElemType,
    #[define(P)] _of_parameters: ElemType,
) {
    let width = width as usize;
    let unit = UNIT_POS as usize;
    let count = f32::cast_from(width as u32);
    let of_gamma = CUBE_POS * 2 * width;
    let of_beta = of_gamma + width;
    for at in range_stepped(unit, width, units) {
        parts[of_gamma + at] = 0.0;
        parts[of_beta + at] = 0.0;
    }
    let first = CUBE_POS * rows_at_once as usize;
    let end = min(first + rows_at_once as usize, rows as usize);
    for row in first..end {
        let start = row * width;
        let (mean, scale) = statistics::<E>(&x[start..start + width], width, epsilon, units);
        let mut sum = 0.0f32;
        let mut along = 0.0f32;
        for at in range_stepped(unit, width, units) {
            let normal = (f32::cast_from(x[start + at]) - mean) * scale;
            let own = f32::cast_from(grad[start + at]);
            parts[of_gamma + at] += own * normal;
            parts[of_beta + at] += own;
            let inner = own * f32::cast_from(gamma[at]);
            sum += inner;
            along += inner * normal;
        }
        let mean_grad = sum_of_cube(sum, units) / count;
        let along = sum_of_cube(along, units) / count;
        for at in range_stepped(unit, width, units) {
            let normal = (f32::cast_from(x[start + at]) - mean) * scale;
            let inner = f32::cast_from(grad[start + at]) * f32::cast_from(gamma[at]);
            x_grad[start + at] = E::cast_from((inner - mean_grad - normal * along) * scale);
        }
    }
}

/// Each unit adds the parts of one column in their order.
#[cube(launch)]
fn sum_of_parts<P: Float>(
    parts: &[f32],
    gamma_grad: &mut [P],
    beta_grad: &mut [P],
    cubes: u32,
    width: u32,
    #[define(P)] _of_parameters: ElemType,
) {
    let width = width as usize;
    let at = ABSOLUTE_POS;
    if at < width {
        let mut of_gamma = 0.0f32;
        let mut of_beta = 0.0f32;
        for cube in 0..cubes as usize {
            let start = cube * 2 * width;
            of_gamma += parts[start + at];
            of_beta += parts[start + width + at];
        }
        gamma_grad[at] = P::cast_from(of_gamma);
        beta_grad[at] = P::cast_from(of_beta);
    }
}
