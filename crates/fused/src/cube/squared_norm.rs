//! The sum of squares over many tensors, always added in the same order: no atomic additions.

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::zeros;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{UNITS, cubes, divided_sum, empty, sum_of_cube, tensors_at_once, units};

/// The sum over at least one tensor, `[1]`.
pub(super) fn squared_norm(tensors: Vec<CubeTensor>) -> CubeTensor {
    let (client, device) = (tensors[0].client.clone(), tensors[0].device.clone());
    let tensors = tensors.into_iter().filter(|x| x.meta.num_elements() > 0);
    let tensors: Vec<CubeTensor> = tensors.map(into_contiguous).collect();
    let Some(like) = tensors.first() else {
        return zeros(device, Shape::new([1]), DType::F32);
    };
    let units = units(&client, UNITS);
    let groups = tensors.chunks(tensors_at_once(&client, 1));
    let groups: Vec<_> = groups
        .map(|group| (group, cubes(group.iter(), units)))
        .collect();
    let count: u32 = groups.iter().map(|(_, cubes)| cubes).sum();
    let sums = empty(like, Shape::new([count as usize]), DType::F32);
    let mut first = 0;
    for (group, cubes) in groups {
        let tensors = group.iter().map(|x| x.clone().into_buffer_arg());
        sum_of_squares::launch(
            &client,
            CubeCount::Static(cubes, 1, 1),
            CubeDim::new_1d(units),
            tensors.collect(),
            sums.clone().into_buffer_arg(),
            first,
            units as usize,
        );
        first += cubes;
    }
    divided_sum(sums, 1)
}

/// Each cube writes one sum, from place `first` on.
#[cube(launch)]
fn sum_of_squares(
    tensors: Sequence<Box<[f32]>>,
    sums: &mut [f32],
    first: u32,
    #[comptime] units: usize,
) {
    let mut sum = 0.0f32;
    #[unroll]
    for i in 0..tensors.len() {
        let tensor = tensors.index(i);
        for at in range_stepped(ABSOLUTE_POS, tensor.len(), CUBE_COUNT * units) {
            sum += tensor[at] * tensor[at];
        }
    }
    let sum = sum_of_cube(sum, units);
    if UNIT_POS == 0 {
        sums[first as usize + CUBE_POS] = sum;
    }
}
