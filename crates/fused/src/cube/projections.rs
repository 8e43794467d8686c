//! Several affine maps of one tensor: one product, then a kernel that cuts it, into heads too, and adds the biases; and back, one that
//! lays the gradients side by side and adds them up.

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
use super::linear::weight_gradient;
use super::product;
use crate::parts::JoinBackend;
use crate::projections::{
    ProjectedBackward, ProjectionGradients, ProjectionsBackend, plain, plain_backward, together,
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
        heads: Option<usize>,
    ) -> TensorList<Self> {
        let places = biases.0.len();
        let [inputs, outputs] = weight.shape.dims();
        let elements = x.shape.num_elements() / inputs.max(1) * outputs;
        let can = (1..=i32::MAX as usize).contains(&elements)
            && element(x.dtype).is_some()
            && weight.dtype == x.dtype
            && biases.0.iter().all(|bias| bias.dtype == x.dtype);
        if !can {
            return plain::<Self>(x, weight, biases, heads);
        }
        let part = Part::of(&with_width(&x.shape, outputs), biases.0[0].shape[0], heads);
        let outputs = vec![(part.shape.clone(), x.dtype); places];
        let mut inputs = vec![x, weight];
        inputs.extend(biases.0);
        let run = move |tensors| projected_with_biases(tensors, &part);
        TensorList(register("fused.projections", inputs, outputs, run))
    }
}

impl ProjectedBackward for Cube {
    fn projected_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        parts: Vec<(usize, FloatTensor<Self>)>,
        places: usize,
        heads: Option<usize>,
    ) -> ProjectionGradients<Self> {
        if !have_kernel(&parts, places) {
            return plain_backward::<Self>(x, weight, parts, places, heads);
        }
        let Joined { whole, biases } = joined(parts, heads);
        ProjectionGradients {
            weight: weight_gradient(x, whole.clone()),
            // Last, so that Burn can fuse it with the sum of branches that comes next.
            x: Self::linear_x_backward(weight, whole),
            biases,
        }
    }

    fn projected_x_backward(
        weight: FloatTensor<Self>,
        parts: Vec<(usize, FloatTensor<Self>)>,
        places: usize,
        heads: Option<usize>,
    ) -> FloatTensor<Self> {
        let whole = match heads.is_some() && have_kernel(&parts, places) {
            true => joined(parts, heads).whole,
            false => Self::side_by_side(together::<Self>(parts, heads), places),
        };
        Self::linear_x_backward(weight, whole)
    }
}

/// Whether all parts have a gradient, and the kernel can have them.
fn have_kernel(parts: &[(usize, FloatTensor<Cube>)], places: usize) -> bool {
    let (_, like) = &parts[0];
    let is_small = like.shape.num_elements() <= i32::MAX as usize / places;
    let are_alike = parts.iter().all(|(_, part)| part.dtype == like.dtype);
    parts.len() == places && has_kernel(like) && is_small && are_alike
}

/// Gradients of all parts side by side, and their sums over all rows.
struct Joined {
    whole: FloatTensor<Cube>,
    biases: Vec<FloatTensor<Cube>>,
}

fn joined(parts: Vec<(usize, FloatTensor<Cube>)>, heads: Option<usize>) -> Joined {
    let (places, (_, like)) = (parts.len(), &parts[0]);
    let dtype = like.dtype;
    let part = Part {
        shape: like.shape.clone(),
        is_by_head: heads.is_some(),
    };
    let width = part.width();
    let mut outputs = vec![(part.whole(places), dtype)];
    outputs.extend(vec![(Shape::new([width]), dtype); places]);
    let parts = parts.into_iter().map(|(_, part)| part).collect();
    let run = move |tensors| join_and_add(tensors, &part);
    let mut all = register("fused.projections_backward", parts, outputs, run).into_iter();
    Joined {
        whole: all.next().expect("the gradients side by side"),
        biases: all.collect(),
    }
}

/// One of the results: `[.., width]`, or `[batch, heads, sequence, d]`.
#[derive(Clone)]
struct Part {
    shape: Shape,
    is_by_head: bool,
}

impl Part {
    /// Of a product `[.., places * width]`.
    fn of(product: &Shape, width: usize, heads: Option<usize>) -> Self {
        let shape = match heads {
            None => with_width(product, width),
            Some(heads) => {
                let [batch, sequence, _] = product.dims();
                Shape::new([batch, heads, sequence, width / heads])
            }
        };
        Self {
            shape,
            is_by_head: heads.is_some(),
        }
    }

    /// How many parts of the width stand apart, in sequences of how many rows: without heads, it is one sequence.
    fn heads_and_sequence(&self) -> [usize; 2] {
        match self.is_by_head {
            true => [self.shape[1], self.shape[2]],
            false => [1, self.shape.num_elements() / self.last().max(1)],
        }
    }

    fn last(&self) -> usize {
        self.shape[self.shape.num_dims() - 1]
    }

    fn width(&self) -> usize {
        self.heads_and_sequence()[0] * self.last()
    }

    /// The shape of so many side by side.
    fn whole(&self, places: usize) -> Shape {
        match self.is_by_head {
            true => Shape::new([self.shape[0], self.shape[2], places * self.width()]),
            false => with_width(&self.shape, places * self.width()),
        }
    }
}

fn with_width(shape: &Shape, width: usize) -> Shape {
    let mut shape = shape.clone();
    let last = shape.num_dims() - 1;
    shape[last] = width;
    shape
}

/// Of `x`, the weight and the biases.
fn projected_with_biases(tensors: Vec<CubeTensor>, part: &Part) -> Vec<CubeTensor> {
    let mut tensors = tensors.into_iter();
    let [x, weight] = [(); 2].map(|()| tensors.next().expect("x and the weight"));
    let product = product::linear(x, weight);
    let biases: Vec<CubeTensor> = tensors.map(into_contiguous).collect();
    let of_all = element(product.dtype).expect("only these have a kernel");
    let parts = biases
        .iter()
        .map(|_| empty(&product, part.shape.clone(), product.dtype));
    let parts: Vec<CubeTensor> = parts.collect();
    let [heads, sequence] = part.heads_and_sequence();
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
        heads as u32,
        sequence as u32,
        part.last() as u32,
        units as usize,
        of_all,
    );
    parts
}

/// The whole, then the sum of each part over all rows.
fn join_and_add(parts: Vec<CubeTensor>, part: &Part) -> Vec<CubeTensor> {
    let parts: Vec<CubeTensor> = parts.into_iter().map(into_contiguous).collect();
    let (like, places) = (&parts[0], parts.len());
    let of_parts = element(like.dtype).expect("only these have a kernel");
    let width = part.width();
    let [heads, sequence] = part.heads_and_sequence();
    let rows = like.meta.num_elements() / width;
    let rows_at_once = ROWS.max(rows.div_ceil(MOST_CUBES));
    let cubes = rows.div_ceil(rows_at_once);
    let whole = empty(like, part.whole(places), like.dtype);
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
        heads as u32,
        sequence as u32,
        part.last() as u32,
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

/// From the whole to its parts, plus the bias of each; parts are `[.., heads, sequence, d]`.
#[cube(launch)]
#[allow(clippy::too_many_arguments)] // The operands and their places.
fn cut_and_shift<E: Float>(
    whole: &[E],
    biases: Sequence<Box<[E]>>,
    mut parts: Sequence<Box<[E]>>,
    heads: u32,
    sequence: u32,
    d: u32,
    #[comptime] units: usize,
    #[define(E)] _of_all: ElemType,
) {
    let places = comptime!(biases.len() as u32);
    #[unroll]
    for i in 0..parts.len() {
        let bias = biases.index(i);
        let part = parts.index_mut(i);
        for at in range_stepped(ABSOLUTE_POS, part.len(), CUBE_COUNT * units) {
            let row_of_head = at as u32 / d;
            let row_of_all = row_of_head / sequence;
            let row = row_of_all / heads * sequence + row_of_head % sequence;
            let column = row_of_all % heads * d + at as u32 % d;
            let of_whole = (row * places + i as u32) * (heads * d) + column;
            let shifted =
                f32::cast_from(whole[of_whole as usize]) + f32::cast_from(bias[column as usize]);
            part[at] = E::cast_from(shifted);
        }
    }
}

/// Each cube takes `rows_at_once` rows, one after the other, and each unit the same columns of all of them. Parts are those of
/// [`cut_and_shift`].
#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn join_and_add_rows<E: Float>(
    parts: Sequence<Box<[E]>>,
    whole: &mut [E],
    partial: &mut [f32],
    rows: u32,
    heads: u32,
    sequence: u32,
    d: u32,
    rows_at_once: u32,
    #[comptime] units: usize,
    #[define(E)] _of_parts: ElemType,
) {
    let width = (heads * d) as usize;
    let places = comptime!(parts.len());
    let first = CUBE_POS as u32 * rows_at_once;
    let end = min(first + rows_at_once, rows);
    #[unroll]
    for i in 0..parts.len() {
        let part = parts.index(i);
        for column in range_stepped(UNIT_POS as usize, width, units) {
            let (head, of_head) = (column as u32 / d, column as u32 % d);
            let mut sum = 0.0f32;
            for row in first..end {
                let row_of_head = (row / sequence * heads + head) * sequence + row % sequence;
                let own = part[(row_of_head * d + of_head) as usize];
                whole[(row as usize * places + i) * width + column] = own;
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
