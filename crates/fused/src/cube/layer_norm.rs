//! Layer normalisation: one cube takes a row at a time.

use burn::backend::Cube;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::dropout::{Mask, arguments, groups_of_row, multiplier_at, words_of_row};
use super::fusion::register;
use super::launch::{self, contiguous, cube_per_row, empty, has_kernel, sum_of_cube, units};
use crate::key::Dropout;
use crate::layer_norm::{LayerNormBackend, plain, plain_backward};

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
            let Gradients { x, gamma, beta, .. } = gradients(x, gamma, grad, epsilon, None);
            vec![x, gamma, beta]
        };
        let inputs = vec![x, gamma, grad];
        let gradients = register("fused.layer_norm_backward", inputs, outputs, run);
        let [x, gamma, beta] = gradients.try_into().expect("three outputs");
        (x, gamma, beta)
    }
}

/// Rows of single or half precision, and parameters of one type, which may be single precision beside half.
pub(super) fn have_kernel(x: &FloatTensor<Cube>, parameters: &[&FloatTensor<Cube>]) -> bool {
    let dtype = parameters[0].dtype;
    has_kernel(x)
        && launch::element(dtype).is_some()
        && parameters.iter().all(|parameter| parameter.dtype == dtype)
}

pub(super) fn element(tensor: &CubeTensor) -> ElemType {
    launch::element(tensor.dtype).expect("only these have a kernel")
}

/// Rows and width.
pub(super) fn dims(x: &CubeTensor, gamma: &CubeTensor) -> [usize; 2] {
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

/// What precedes the normalisation at the end of a residual block.
pub(super) struct Preceding {
    pub(super) dropout: Option<Dropout>,
    /// The type of the bias.
    pub(super) of_bias: DType,
}

/// The gradients of a normalisation, and of what precedes it: of the affine map's result, which without dropout is that of `x`, and of
/// its bias.
pub(super) struct Gradients {
    pub(super) x: CubeTensor,
    pub(super) gamma: CubeTensor,
    pub(super) beta: CubeTensor,
    pub(super) projected: Option<CubeTensor>,
    pub(super) bias: Option<CubeTensor>,
}

pub(super) fn gradients(
    x: CubeTensor,
    gamma: CubeTensor,
    grad: CubeTensor,
    epsilon: f64,
    preceding: Option<&Preceding>,
) -> Gradients {
    let [rows, width] = dims(&x, &gamma);
    let (of_x, of_parameters) = (element(&x), element(&gamma));
    let rows_at_once = ROWS.max(rows.div_ceil(MOST_CUBES));
    let cubes = rows.div_ceil(rows_at_once);
    let like_x = || empty(&x, x.meta.shape().clone(), x.dtype);
    let vector = |dtype| empty(&x, Shape::new([width]), dtype);
    let x_grad = like_x();
    let dropout = preceding.and_then(|preceding| preceding.dropout);
    let projected = dropout.map(|_| like_x());
    let groups = dropout.map_or(0, |_| {
        groups_of_row(width).expect("only these have a kernel")
    });
    // For each cube the gradients of gamma, then those of beta, then those of the bias.
    let vectors = 2 + usize::from(preceding.is_some());
    let parts = empty(&x, Shape::new([cubes * vectors * width]), DType::F32);
    let [gamma_grad, beta_grad] = [(); 2].map(|()| vector(gamma.dtype));
    let bias = preceding.map(|preceding| vector(preceding.of_bias));
    let of_bias = bias.as_ref().map_or(of_parameters, element);
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
        projected
            .iter()
            .map(|x| x.clone().into_buffer_arg())
            .collect(),
        dropout.iter().map(arguments).collect(),
        parts.clone().into_buffer_arg(),
        rows as u32,
        width as u32,
        rows_at_once as u32,
        epsilon as f32,
        vectors,
        groups,
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
        bias.iter().map(|x| x.clone().into_buffer_arg()).collect(),
        cubes as u32,
        width as u32,
        of_parameters,
        of_bias,
    );
    Gradients {
        x: x_grad,
        gamma: gamma_grad,
        beta: beta_grad,
        projected,
        bias,
    }
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
pub(super) fn normalize_row<E: Float, P: Float>(
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

/// Each cube takes `rows_at_once` rows, one after the other, and each unit the same columns of all of them. There are as many tensors
/// in `projected` as in `masks`, one or none; a bias has the third of `vectors`.
#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn differentiate<E: Float, P: Float>(
    x: &[E],
    gamma: &[P],
    grad: &[E],
    x_grad: &mut [E],
    mut projected: Sequence<Box<[E]>>,
    masks: Sequence<Mask>,
    parts: &mut [f32],
    rows: u32,
    width: u32,
    rows_at_once: u32,
    epsilon: f32,
    #[comptime] vectors: usize,
    #[comptime] groups: usize,
    #[comptime] units: usize,
    #[define(E)] _of_x: ElemType,
    #[define(P)] _of_parameters: ElemType,
) {
    let width = width as usize;
    let unit = UNIT_POS as usize;
    let count = f32::cast_from(width as u32);
    let of_gamma = CUBE_POS * vectors * width;
    let of_beta = of_gamma + width;
    let of_bias = of_beta + width;
    // Each unit what it adds to: a barrier of a cube orders no other memory than the cube's own.
    for at in range_stepped(unit, width, units) {
        #[unroll]
        for vector in 0..vectors {
            parts[of_gamma + vector * width + at] = 0.0;
        }
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
        // Each unit reads only what it wrote.
        #[unroll]
        for i in 0..masks.len() {
            let words = words_of_row(masks.index(i), start as u32, groups, units);
            let projected = projected.index_mut(i);
            for at in range_stepped(unit, width, units) {
                let multiplier = multiplier_at(masks.index(i), &words, start as u32, at as u32);
                let kept = E::cast_from(f32::cast_from(x_grad[start + at]) * multiplier);
                projected[start + at] = kept;
                parts[of_bias + at] += f32::cast_from(kept);
            }
            // The next call may have the same memory.
            sync_cube();
        }
        if comptime!(vectors == 3 && groups == 0) {
            for at in range_stepped(unit, width, units) {
                parts[of_bias + at] += f32::cast_from(x_grad[start + at]);
            }
        }
    }
}

/// Each unit adds the parts of one column in their order. `bias_grad` has one tensor or none.
#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn sum_of_parts<P: Float, B: Float>(
    parts: &[f32],
    gamma_grad: &mut [P],
    beta_grad: &mut [P],
    mut bias_grad: Sequence<Box<[B]>>,
    cubes: u32,
    width: u32,
    #[define(P)] _of_parameters: ElemType,
    #[define(B)] _of_bias: ElemType,
) {
    let width = width as usize;
    let at = ABSOLUTE_POS;
    let vectors = comptime!(2 + bias_grad.len());
    if at < width {
        let mut of_gamma = 0.0f32;
        let mut of_beta = 0.0f32;
        let mut of_bias = 0.0f32;
        for cube in 0..cubes as usize {
            let start = cube * vectors * width;
            of_gamma += parts[start + at];
            of_beta += parts[start + width + at];
            #[unroll]
            for _ in 0..bias_grad.len() {
                of_bias += parts[start + 2 * width + at];
            }
        }
        gamma_grad[at] = P::cast_from(of_gamma);
        beta_grad[at] = P::cast_from(of_beta);
        #[unroll]
        for i in 0..bias_grad.len() {
            bias_grad.index_mut(i)[at] = B::cast_from(of_bias);
        }
    }
}
