//! What the kernels share: how much a launch takes, the sum of a row, and the sum and the largest number of a cube.

use burn::backend::Cube;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::client::Client;
use cubecl::ir::{ElemType, FloatKind, IntKind};
use cubecl::prelude::*;

/// Units of a cube, where a device has as many: WebGPU's smallest limit.
pub(super) const UNITS: usize = 256;
/// Enough to keep the largest GPUs busy.
const MOST_CUBES: usize = 1024;

/// Whether the kernels, which count elements in 32 bits, can have a tensor. Units past the end need the upper half of the range.
fn is_small(tensor: &FloatTensor<Cube>) -> bool {
    tensor.shape.num_elements() <= i32::MAX as usize
}

/// Whether kernels that compute in single precision can have a tensor, and have something to do.
pub(super) fn has_kernel(tensor: &FloatTensor<Cube>) -> bool {
    element(tensor.dtype).is_some() && tensor.shape.num_elements() > 0 && is_small(tensor)
}

/// Whether kernels for single precision can have all these tensors.
pub(super) fn are_small_singles(tensors: &[FloatTensor<Cube>]) -> bool {
    let mut tensors = tensors.iter();
    tensors.all(|x| x.dtype == DType::F32 && is_small(x))
}

/// The elements of single and half precision, as kernels that compute in single precision name them; `None` for others.
pub(super) fn element(dtype: DType) -> Option<ElemType> {
    let kind = match dtype {
        DType::F32 => FloatKind::F32,
        DType::F16 => FloatKind::F16,
        DType::BF16 => FloatKind::BF16,
        _ => return None,
    };
    Some(ElemType::Float(kind))
}

/// The elements of indices; `None` for others.
pub(super) fn int_element(dtype: DType) -> Option<ElemType> {
    match dtype {
        DType::I32 => Some(ElemType::Int(IntKind::I32)),
        DType::I64 => Some(ElemType::Int(IntKind::I64)),
        _ => None,
    }
}

/// How many tensors a kernel takes at most if each comes with `buffers` buffers: code grows with them, and some runtimes have few
/// bindings, of which a kernel needs two for itself.
pub(super) fn tensors_at_once(client: &Client, buffers: usize) -> usize {
    let bindings = client.properties().hardware.max_bindings as usize;
    (bindings.saturating_sub(2) / buffers).clamp(1, 128 / buffers)
}

/// Units per cube for so many elements: a power of two, at most [`UNITS`].
pub(super) fn units(client: &Client, elements: usize) -> u32 {
    let most = client.properties().hardware.max_units_per_cube.max(1);
    let wanted = elements.clamp(1, UNITS).next_power_of_two() as u32;
    wanted.min(1 << most.ilog2())
}

/// Cubes for units that take turns at each of these tensors. They follow from sizes and units alone.
pub(super) fn cubes<'a>(tensors: impl Iterator<Item = &'a CubeTensor>, units: u32) -> u32 {
    let largest = tensors.map(|x| x.meta.num_elements()).max();
    let cubes = largest.unwrap_or(0).div_ceil(units as usize);
    cubes.clamp(1, MOST_CUBES) as u32
}

/// One cube per row, spread over the dimensions that a device allows: some may have no row.
pub(super) fn cube_per_row(client: &Client, rows: usize) -> CubeCount {
    calculate_cube_count_elemwise(client, rows, CubeDim::new_1d(1))
}

/// As many tensors as were registered.
pub(super) fn as_registered<const N: usize>(tensors: Vec<CubeTensor>) -> [CubeTensor; N] {
    let tensors = tensors.try_into();
    tensors.unwrap_or_else(|_| unreachable!("as many as were registered"))
}

/// [`as_registered`], contiguous.
pub(super) fn contiguous<const N: usize>(tensors: Vec<CubeTensor>) -> [CubeTensor; N] {
    as_registered(tensors).map(into_contiguous)
}

/// An uninitialised tensor on the device of `like`.
pub(super) fn empty(like: &CubeTensor, shape: Shape, dtype: DType) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape, dtype)
}

/// The sum of a row that is short enough for one cube, divided by a number, `[1]`.
pub(super) fn divided_sum(row: CubeTensor, divisor: u32) -> CubeTensor {
    let out = empty(&row, Shape::new([1]), DType::F32);
    let client = row.client.clone();
    let units = units(&client, row.meta.num_elements());
    sum_of_row::launch(
        &client,
        CubeCount::Static(1, 1, 1),
        CubeDim::new_1d(units),
        row.into_buffer_arg(),
        out.clone().into_buffer_arg(),
        divisor,
        units as usize,
    );
    out
}

#[cube(launch)]
fn sum_of_row(row: &[f32], out: &mut [f32], divisor: u32, #[comptime] units: usize) {
    let mut sum = 0.0f32;
    for at in range_stepped(UNIT_POS as usize, row.len(), units) {
        sum += row[at];
    }
    let sum = sum_of_cube(sum, units);
    if UNIT_POS == 0 {
        out[0] = sum / f32::cast_from(divisor);
    }
}

/// The largest number of a cube's units, whose number is a power of two, and of which none is NaN. All units have to call it.
#[cube]
pub(super) fn largest_of_cube(own: f32, #[comptime] units: usize) -> f32 {
    let mut numbers = Shared::<[f32]>::new_slice(units);
    let unit = UNIT_POS as usize;
    numbers[unit] = own;
    sync_cube();
    let mut half = (units / 2).runtime();
    while half > 0 {
        if unit < half && numbers[unit + half] > numbers[unit] {
            let other = numbers[unit + half];
            numbers[unit] = other;
        }
        sync_cube();
        half /= 2;
    }
    let largest = numbers[0];
    // The next call may have the same memory.
    sync_cube();
    largest
}

/// The sum over the units of a cube, whose number is a power of two, always in the same order. All units have to call it.
#[cube]
pub(super) fn sum_of_cube(own: f32, #[comptime] units: usize) -> f32 {
    let mut sums = Shared::<[f32]>::new_slice(units);
    let unit = UNIT_POS as usize;
    sums[unit] = own;
    sync_cube();
    let mut half = (units / 2).runtime();
    while half > 0 {
        if unit < half {
            let other = sums[unit + half];
            sums[unit] += other;
        }
        sync_cube();
        half /= 2;
    }
    let sum = sums[0];
    // The next call may have the same memory.
    sync_cube();
    sum
}
