//! Casts of many tensors at once.

use burn::backend::Cube;
use burn::tensor::{DType, FloatDType};
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::fusion::register;
use super::launch::{UNITS, cubes, element, empty, has_kernel, tensors_at_once, units};
use crate::cast::{CastBackend, plain};
use crate::together::TensorList;

/// A tensor and its cast.
const TENSORS: usize = 2;

impl CastBackend for Cube {
    fn cast_all(tensors: TensorList<Self>, dtype: FloatDType) -> TensorList<Self> {
        let from = tensors.0[0].dtype;
        let to = DType::from(dtype);
        let of_one_type = |x| has_kernel(x) && x.dtype == from;
        if element(to).is_none() || !tensors.0.iter().all(of_one_type) {
            return plain::<Self>(tensors, dtype);
        }
        let outputs = tensors.0.iter().map(|x| (x.shape.clone(), to)).collect();
        let run = move |tensors| cast(tensors, to);
        TensorList(register("fused.cast_all", tensors.0, outputs, run))
    }
}

fn cast(tensors: Vec<CubeTensor>, to: DType) -> Vec<CubeTensor> {
    let tensors: Vec<CubeTensor> = tensors.into_iter().map(into_contiguous).collect();
    let of_tensors = element(tensors[0].dtype).expect("only these have a kernel");
    let of_casts = element(to).expect("only these have a kernel");
    let client = tensors[0].client.clone();
    let units = units(&client, UNITS);
    let casts = tensors.iter().map(|x| empty(x, x.meta.shape().clone(), to));
    let casts: Vec<CubeTensor> = casts.collect();
    let at_once = tensors_at_once(&client, TENSORS);
    for (from, to) in tensors.chunks(at_once).zip(casts.chunks(at_once)) {
        cast_all::launch(
            &client,
            CubeCount::Static(cubes(from.iter(), units), 1, 1),
            CubeDim::new_1d(units),
            from.iter().map(|x| x.clone().into_buffer_arg()).collect(),
            to.iter().map(|x| x.clone().into_buffer_arg()).collect(),
            units as usize,
            of_tensors,
            of_casts,
        );
    }
    casts
}

#[cube(launch)]
fn cast_all<E: Float, T: Float>(
    tensors: Sequence<Box<[E]>>,
    mut casts: Sequence<Box<[T]>>,
    #[comptime] units: usize,
    #[define(E)] _of_tensors: ElemType,
    #[define(T)] _of_casts: ElemType,
) {
    #[unroll]
    for i in 0..tensors.len() {
        let tensor = tensors.index(i);
        let cast = casts.index_mut(i);
        for at in range_stepped(ABSOLUTE_POS, cast.len(), CUBE_COUNT * units) {
            cast[at] = T::cast_from(tensor[at]);
        }
    }
}
