//! AdamW for many parameters at once, in place.

use burn::backend::Cube;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::fusion::register;
use super::launch::{UNITS, are_small_singles, cubes, tensors_at_once, units};
use super::squared_norm::squared_norm;
use crate::adamw::{self, AdamW, AdamWBackend, plain_of_all, plain_squared_norm_of_all};
use crate::together::TensorList;

/// Parameter, gradient, first and second moment.
const TENSORS: usize = 4;

impl AdamWBackend for Cube {
    fn fused_squared_norm_of_all(tensors: TensorList<Self>) -> FloatTensor<Self> {
        if !are_small_singles(&tensors.0) {
            return plain_squared_norm_of_all::<Self>(tensors);
        }
        let (id, outputs) = (
            "fused.squared_norm_of_all",
            vec![(Shape::new([1]), DType::F32)],
        );
        let mut sums = register(id, tensors.0, outputs, |tensors| {
            vec![squared_norm(tensors)]
        });
        sums.remove(0)
    }

    fn fused_adamw_of_all(tensors: TensorList<Self>, steps: Vec<AdamW>) -> TensorList<Self> {
        if !are_small_singles(&tensors.0) {
            return plain_of_all::<Self>(tensors, &steps);
        }
        let parameters = tensors.0.chunks(TENSORS);
        let outputs = parameters.flat_map(|parameter| {
            let form = (parameter[0].shape.clone(), DType::F32);
            vec![form; TENSORS - 1]
        });
        let outputs = outputs.collect();
        let run = move |tensors| moved(tensors, &steps);
        TensorList(register("fused.adamw_of_all", tensors.0, outputs, run))
    }
}

/// New parameters and moments, in their own buffers where nothing else owns these.
fn moved(tensors: Vec<CubeTensor>, steps: &[AdamW]) -> Vec<CubeTensor> {
    let client = tensors[0].client.clone();
    let mut tensors = tensors.into_iter().map(into_contiguous);
    let mut next = || tensors.next().expect("four tensors for each step");
    let parameters = steps.iter().map(|_| {
        let (parameter, gradient) = (owned(next()), next());
        [parameter, gradient, owned(next()), owned(next())]
    });
    let parameters: Vec<[CubeTensor; TENSORS]> = parameters.collect();
    let units = units(&client, UNITS);
    let moving: Vec<_> = parameters
        .iter()
        .zip(steps)
        .filter(|([parameter, ..], _)| parameter.meta.num_elements() > 0)
        .collect();
    for group in moving.chunks(tensors_at_once(&client, TENSORS)) {
        let cubes = cubes(group.iter().map(|(tensors, _)| &tensors[0]), units);
        let arguments = group.iter().map(|(tensors, step)| argument(tensors, step));
        take_steps::launch(
            &client,
            CubeCount::Static(cubes, 1, 1),
            CubeDim::new_1d(units),
            arguments.collect(),
            units as usize,
        );
    }
    let results = parameters.into_iter();
    let results = results.flat_map(|[parameter, _, first, second]| [parameter, first, second]);
    results.collect()
}

/// A contiguous tensor that may be written: itself or a copy, whose rows CUDA and ROCm may lay out apart from each other.
fn owned(tensor: CubeTensor) -> CubeTensor {
    match tensor.can_mut() || tensor.meta.num_elements() == 0 {
        true => tensor,
        false => into_contiguous(tensor.copy()),
    }
}

fn argument(tensors: &[CubeTensor; TENSORS], step: &AdamW) -> ParameterLaunch {
    let [parameter, gradient, first, second] =
        tensors.each_ref().map(|x| x.clone().into_buffer_arg());
    let of_step = adamw::Factors::new(*step);
    let factors = FactorsLaunch::new(
        of_step.gradient_scale,
        of_step.beta_1,
        of_step.complement_1,
        of_step.beta_2,
        of_step.complement_2,
        of_step.root_scale,
        of_step.epsilon,
        of_step.rate,
        of_step.decay,
    );
    ParameterLaunch::new(parameter, gradient, first, second, factors)
}

#[derive(CubeType, CubeLaunch)]
struct Parameter {
    values: Box<[f32]>,
    gradient: Box<[f32]>,
    first: Box<[f32]>,
    second: Box<[f32]>,
    factors: Factors,
}

/// [`adamw::Factors`] in a kernel.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
struct Factors {
    gradient_scale: f32,
    beta_1: f32,
    complement_1: f32,
    beta_2: f32,
    complement_2: f32,
    root_scale: f32,
    epsilon: f32,
    rate: f32,
    decay: f32,
}

#[cube(launch)]
fn take_steps(mut parameters: Sequence<Parameter>, #[comptime] units: usize) {
    #[unroll]
    for i in 0..parameters.len() {
        let parameter = parameters.index_mut(i);
        let length = parameter.values.len();
        for at in range_stepped(ABSOLUTE_POS, length, CUBE_COUNT * units) {
            let gradient = parameter.gradient[at] * parameter.factors.gradient_scale;
            let first = parameter.first[at] * parameter.factors.beta_1
                + gradient * parameter.factors.complement_1;
            let second = parameter.second[at] * parameter.factors.beta_2
                + gradient * gradient * parameter.factors.complement_2;
            let root = second.sqrt() * parameter.factors.root_scale + parameter.factors.epsilon;
            let kept = parameter.values[at] * parameter.factors.decay;
            parameter.values[at] = kept - first / root * parameter.factors.rate;
            parameter.first[at] = first;
            parameter.second[at] = second;
        }
    }
}
