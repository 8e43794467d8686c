//! Several affine maps of one tensor: one product, then a kernel that cuts it and adds the biases; and back, one that lays the
//! gradients side by side and adds them up.

use burn::backend::Cube;
use burn::backend::ops::ModuleOps;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::fusion::register;
use super::launch::{UNITS, cubes, element, empty, has_kernel, units};
use crate::linear::LinearBackend;
use crate::parts::PartsBackend;
use crate::projections::{
    ProjectedBackward, ProjectionGradients, ProjectionsBackend, plain_backward,
};
use crate::together::TensorList;

/// Rows of which one cube adds the gradients, unless that makes more than [`MOST_CUBES`] cubes.
const ROWS: usize = 16;
const MOST_CUBES: usize = 256;

impl ProjectionsBackend for Cube {
    fn projected(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        biases: TensorList<Self>,
    ) -> TensorList<Self> {
        let places = biases.0.len();
        let [inputs, outputs] = weight.shape.dims();
        let elements = x.shape.num_elements() / inputs.max(1) * outputs;
        let can = (1..=i32::MAX as usize).contains(&elements)
            && element(x.dtype).is_some()
            && biases.0.iter().all(|bias| bias.dtype == x.dtype);
        if !can {
            let joined = Self::joined(biases);
            return Self::cut(Self::fused_linear(x, weight, joined), places);
        }
        let product = Self::linear(x, weight, None);
        let shape = with_width(&product.shape, biases.0[0].shape[0]);
        let outputs = vec![(shape, product.dtype); places];
        let mut inputs = vec![product];
        inputs.extend(biases.0);
        TensorList(register(
            "fused.projections",
            inputs,
            outputs,
            cut_with_biases,
        ))
    }
}

impl ProjectedBackward for Cube {
    fn projected_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        parts: Vec<(usize, FloatTensor<Self>)>,
        places: usize,
    ) -> ProjectionGradients<Self> {
        let (_, like) = &parts[0];
        let is_small = like.shape.num_elements() <= i32::MAX as usize / places;
        let are_alike = parts.iter().all(|(_, part)| part.dtype == like.dtype);
        if parts.len() < places || !has_kernel(like) || !is_small || !are_alike {
            return plain_backward::<Self>(x, weight, parts, places);
        }
        let (shape, dtype) = (like.shape.clone(), like.dtype);
        let width = shape[shape.num_dims() - 1];
        let mut outputs = vec![(with_width(&shape, width * places), dtype)];
        outputs.extend(vec![(Shape::new([width]), dtype); places]);
        let parts = parts.into_iter().map(|(_, part)| part).collect();
        let all = register("fused.projections_backward", parts, outputs, join_and_add);
        let mut all = all.into_iter();
        let whole = all.next().expect("the gradients side by side");
        ProjectionGradients {
            x: Self::linear_x_backward(weight, whole.clone()),
            weight: Self::linear_weight_backward(x, whole),
            biases: all.collect(),
        }
    }
}

fn with_width(shape: &Shape, width: usize) -> Shape {
    let mut shape = shape.clone();
    let last = shape.num_dims() - 1;
    shape[last] = width;
    shape
}

/// Of the product and the biases.
fn cut_with_biases(tensors: Vec<CubeTensor>) -> Vec<CubeTensor> {
    let mut tensors = tensors.into_iter().map(into_contiguous);
    let product = tensors.next().expect("a product");
    let biases: Vec<CubeTensor> = tensors.collect();
    let width = biases[0].meta.num_elements();
    let of_product = element(product.dtype).expect("only these have a kernel");
    let of_biases = element(biases[0].dtype).expect("only these have a kernel");
    let shape = with_width(product.meta.shape(), width);
    let parts = biases
        .iter()
        .map(|_| empty(&product, shape.clone(), product.dtype));
    let parts: Vec<CubeTensor> = parts.collect();
    let client = product.client.clone();
    let units = units(&client, UNITS);
    cut_and_shift::launch(
        &client,
        CubeCount::Static(cubes(parts.iter(), units), 1, 1),
        CubeDim::new_1d(units),
        product.into_buffer_arg(),
        biases
            .into_iter()
            .map(CubeTensor::into_buffer_arg)
            .collect(),
        parts.iter().map(|x| x.clone().into_buffer_arg()).collect(),
        width as u32,
        units as usize,
        of_product,
        of_biases,
    );
    parts
}

/// The whole, then the sum of each part over all rows.
fn join_and_add(parts: Vec<CubeTensor>) -> Vec<CubeTensor> {
    let parts: Vec<CubeTensor> = parts.into_iter().map(into_contiguous).collect();
    let (like, places) = (&parts[0], parts.len());
    let of_parts = element(like.dtype).expect("only these have a kernel");
    let width = like.meta.shape().last().copied().unwrap_or(1);
    let rows = like.meta.num_elements() / width;
    let rows_at_once = ROWS.max(rows.div_ceil(MOST_CUBES));
    let cubes = rows.div_ceil(rows_at_once);
    let whole = empty(
        like,
        with_width(like.meta.shape(), width * places),
        like.dtype,
    );
    // For each cube, the sums of each part one after the other.
    let partial = empty(like, Shape::new([cubes * places * width]), DType::F32);
    let sums = parts.iter().map(|x| empty(x, Shape::new([width]), x.dtype));
    let sums: Vec<CubeTensor> = sums.collect();
    let client = like.client.clone();
    let units = units(&client, width);
    join_and_add_rows::launch(
        &client,
        CubeCount::Static(cubes as u32, 1, 1),
        CubeDim::new_1d(units),
        parts.into_iter().map(CubeTensor::into_buffer_arg).collect(),
        whole.clone().into_buffer_arg(),
        partial.clone().into_buffer_arg(),
        rows as u32,
        width as u32,
        rows_at_once as u32,
        units as usize,
        of_parts,
    );
    let cube_dim = CubeDim::new(&client, width);
    add_partial::launch(
        &client,
        calculate_cube_count_elemwise(&client, width, cube_dim),
        cube_dim,
        partial.into_buffer_arg(),
        sums.iter().map(|x| x.clone().into_buffer_arg()).collect(),
        cubes as u32,
        width as u32,
        of_parts,
    );
    std::iter::once(whole).chain(sums).collect()
}

/// From the whole to its parts, plus the bias of each.
#[cube(launch)]
#[allow(clippy::too_many_arguments)] // The operands and their places.
fn cut_and_shift<E: Float, B: Float>(
    whole: &[E],
    biases: Sequence<Box<[B]>>,
    mut parts: Sequence<Box<[E]>>,
    width: u32,
    #[comptime] units: usize,
    #[define(E)] _of_whole: ElemType,
    #[define(B)] _of_biases: ElemType,
) {
    let places = comptime!(biases.len() as u32);
    #[unroll]
    for i in 0..parts.len() {
        let bias = biases.index(i);
        let part = parts.index_mut(i);
        for at in range_stepped(ABSOLUTE_POS, part.len(), CUBE_COUNT * units) {
            let row = at as u32 / width;
            let column = at as u32 % width;
            let of_whole = (row * places + i as u32) * width + column;
            let shifted =
                f32::cast_from(whole[of_whole as usize]) + f32::cast_from(bias[column as usize]);
            part[at] = E::cast_from(shifted);
        }
    }
}

/// Each cube takes `rows_at_once` rows, one after the other, and each unit the same columns of all of them.
#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn join_and_add_rows<E: Float>(
    parts: Sequence<Box<[E]>>,
    whole: &mut [E],
    partial: &mut [f32],
    rows: u32,
    width: u32,
    rows_at_once: u32,
    #[comptime] units: usize,
    #[define(E)] _of_parts: ElemType,
) {
    let width = width as usize;
    let places = comptime!(parts.len());
    let first = CUBE_POS * rows_at_once as usize;
    let end = min(first + rows_at_once as usize, rows as usize);
    #[unroll]
    for i in 0..parts.len() {
        let part = parts.index(i);
        for column in range_stepped(UNIT_POS as usize, width, units) {
            let mut sum = 0.0f32;
            for row in first..end {
                let own = part[row * width + column];
                whole[(row * places + i) * width + column] = own;
                sum += f32::cast_from(own);
            }
            partial[(CUBE_POS * places + i) * width + column] = sum;
        }
    }
}

/// Each unit adds the partial sums of one column in the order of the cubes.
#[cube(launch)]
fn add_partial<E: Float>(
    partial: &[f32],
    mut sums: Sequence<Box<[E]>>,
    cubes: u32,
    width: u32,
    #[define(E)] _of_sums: ElemType,
) {
    let width = width as usize;
    let at = ABSOLUTE_POS;
    let places = comptime!(sums.len());
    if at < width {
        #[unroll]
        for i in 0..sums.len() {
            let mut sum = 0.0f32;
            for cube in 0..cubes as usize {
                sum += partial[(cube * places + i) * width + at];
            }
            sums.index_mut(i)[at] = E::cast_from(sum);
        }
    }
}
