//! Parts of the last dimension, cut and laid side by side.

use burn::backend::Cube;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::fusion::register;
use super::launch::{UNITS, contiguous, cubes, element, empty, has_kernel, tensors_at_once, units};
use crate::parts::{JoinBackend, PartsBackend, plain, slices};
use crate::together::TensorList;

impl PartsBackend for Cube {
    fn cut(x: FloatTensor<Self>, parts: usize) -> TensorList<Self> {
        if !has_kernel(&x) {
            return slices::<Self>(x, parts);
        }
        let part = (of_width(&x.shape, |width| width / parts), x.dtype);
        let run = move |tensors| {
            let [x] = contiguous(tensors);
            cut(x, parts)
        };
        TensorList(register("fused.cut", vec![x], vec![part; parts], run))
    }

    fn joined(tensors: TensorList<Self>) -> FloatTensor<Self> {
        let places = tensors.0.len();
        Self::side_by_side(tensors.0.into_iter().enumerate().collect(), places)
    }
}

impl JoinBackend for Cube {
    fn side_by_side(parts: Vec<(usize, FloatTensor<Self>)>, places: usize) -> FloatTensor<Self> {
        let (_, like) = &parts[0];
        let is_small = like.shape.num_elements() <= i32::MAX as usize / places;
        let are_alike = parts.iter().all(|(_, part)| part.dtype == like.dtype);
        if parts.len() < places || !has_kernel(like) || !is_small || !are_alike {
            return plain::<Self>(parts, places);
        }
        let whole = (of_width(&like.shape, |width| width * places), like.dtype);
        let parts = parts.into_iter().map(|(_, part)| part).collect();
        register("fused.side_by_side", parts, vec![whole], join).remove(0)
    }
}

fn of_width(shape: &Shape, width: impl Fn(usize) -> usize) -> Shape {
    let mut shape = shape.clone();
    let last = shape.num_dims() - 1;
    shape[last] = width(shape[last]);
    shape
}

fn cut(whole: CubeTensor, places: usize) -> Vec<CubeTensor> {
    let shape = of_width(whole.meta.shape(), |width| width / places);
    let parts = (0..places).map(|_| empty(&whole, shape.clone(), whole.dtype));
    let parts: Vec<CubeTensor> = parts.collect();
    launch(&whole, &parts, false);
    parts
}

fn join(parts: Vec<CubeTensor>) -> Vec<CubeTensor> {
    let parts: Vec<CubeTensor> = parts.into_iter().map(into_contiguous).collect();
    let shape = of_width(parts[0].meta.shape(), |width| width * parts.len());
    let whole = empty(&parts[0], shape, parts[0].dtype);
    launch(&whole, &parts, true);
    vec![whole]
}

/// From the whole to its parts, or from the parts to the whole.
fn launch(whole: &CubeTensor, parts: &[CubeTensor], joins: bool) {
    let of_tensors = element(whole.dtype).expect("only these have a kernel");
    let client = &whole.client;
    let units = units(client, UNITS);
    let width = parts[0].meta.shape().last().copied().unwrap_or(1);
    let at_once = tensors_at_once(client, 1);
    for (index, group) in parts.chunks(at_once).enumerate() {
        move_parts::launch(
            client,
            CubeCount::Static(cubes(group.iter(), units), 1, 1),
            CubeDim::new_1d(units),
            whole.clone().into_buffer_arg(),
            group.iter().map(|x| x.clone().into_buffer_arg()).collect(),
            width as u32,
            parts.len() as u32,
            (index * at_once) as u32,
            joins,
            units as usize,
            of_tensors,
        );
    }
}

/// `first` is the place of the first of `parts` among all `places` of the whole.
#[cube(launch)]
#[allow(clippy::too_many_arguments)] // The operands and their places.
fn move_parts<E: Float>(
    whole: &mut [E],
    mut parts: Sequence<Box<[E]>>,
    width: u32,
    places: u32,
    first: u32,
    #[comptime] joins: bool,
    #[comptime] units: usize,
    #[define(E)] _of_tensors: ElemType,
) {
    #[unroll]
    for i in 0..parts.len() {
        let part = parts.index_mut(i);
        for at in range_stepped(ABSOLUTE_POS, part.len(), CUBE_COUNT * units) {
            let row = at as u32 / width;
            let column = at as u32 % width;
            let of_whole = ((row * places + first + i as u32) * width + column) as usize;
            if joins {
                whole[of_whole] = part[at];
            } else {
                part[at] = whole[of_whole];
            }
        }
    }
}
