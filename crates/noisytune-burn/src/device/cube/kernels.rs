//! The kernels.

use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Shape};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, cubecl};
use chacha8_lanes::BLOCK_WORDS;
use chacha8_lanes::cube::{Key, KeyLaunch, block};
use cubecl::ir::{ElemType, FloatKind};
use cubecl::prelude::*;
use cubecl::{CubeCount, calculate_cube_count_elemwise};

use super::NoiseBackend;

const BLOCK: usize = super::BLOCK;
const GROUP: u32 = chacha8_lanes::GROUP as u32;
const LANES: u32 = chacha8_lanes::LANES as u32;

/// Draws are odd multiples of this.
const STEP: f32 = 1.0 / (1 << 25) as f32;
/// Units that measure a block. Each reads every 64th of its elements, so that neighbouring units read neighbouring
/// elements.
const RUNS: usize = 64;
const RUN: u32 = (BLOCK / RUNS) as u32;

impl NoiseBackend for CubeBackend {
    fn block_sums(values: FloatTensor<Self>) -> FloatTensor<Self> {
        let values = into_contiguous(values);
        let count = values.meta.num_elements();
        let blocks = count.div_ceil(BLOCK);
        let dtype = element(values.dtype);
        let runs = row(&values, 3 * blocks * RUNS, DType::F32);
        let out = row(&values, 3 * blocks, DType::F32);
        let client = values.client.clone();
        let (cubes, units) = launch_size(&values, blocks * RUNS);
        measure_runs::launch(
            &client,
            cubes,
            units,
            values.into_buffer_arg(),
            runs.clone().into_buffer_arg(),
            count as u32,
            (blocks * RUNS) as u32,
            dtype,
        );
        let (cubes, units) = launch_size(&out, blocks);
        merge_runs::launch(
            &client,
            cubes,
            units,
            runs.into_buffer_arg(),
            out.clone().into_buffer_arg(),
            count as u32,
            blocks as u32,
        );
        out
    }

    fn add_noise(
        values: FloatTensor<Self>,
        key: [u32; 8],
        scale: f32,
        unit: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let values = into_contiguous(values);
        let count = values.meta.num_elements();
        let units = count.div_ceil(BLOCK) * super::UNITS_PER_BLOCK;
        let dtype = element(values.dtype);
        let out = row(&values, count, values.dtype);
        let squares = row(&values, units, DType::F32);
        let client = values.client.clone();
        let (cubes, cube_dim) = launch_size(&values, units);
        let [k0, k1, k2, k3, k4, k5, k6, k7] = key;
        add_noise_kernel::launch(
            &client,
            cubes,
            cube_dim,
            values.into_buffer_arg(),
            out.clone().into_buffer_arg(),
            squares.clone().into_buffer_arg(),
            KeyLaunch::new(k0, k1, k2, k3, k4, k5, k6, k7),
            count as u32,
            scale,
            unit,
            0,
            dtype,
        );
        (out, squares)
    }
}

/// An uninitialised row on the device of `like`.
fn row(like: &CubeTensor, count: usize, dtype: DType) -> CubeTensor {
    let (client, device) = (like.client.clone(), like.device.clone());
    empty_device_contiguous_dtype(client, device, Shape::new([count]), dtype)
}

fn element(dtype: DType) -> ElemType {
    ElemType::Float(match dtype {
        DType::F16 => FloatKind::F16,
        DType::BF16 => FloatKind::BF16,
        _ => FloatKind::F32,
    })
}

fn launch_size(tensor: &CubeTensor, units: usize) -> (CubeCount, CubeDim) {
    let cube_dim = CubeDim::new(&tensor.client, units);
    let cubes = calculate_cube_count_elemwise(&tensor.client, units, cube_dim);
    (cubes, cube_dim)
}

/// Mean, largest deviation d, and sum of squares over d², of each run of elements, in three rows of `runs`.
#[cube(launch)]
fn measure_runs<E: Float>(
    values: &[E],
    out: &mut [f32],
    count: u32,
    runs: u32,
    #[define(E)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS as u32;
    if unit < runs {
        let block = unit / RUNS as u32 * BLOCK as u32;
        let start = block + unit % RUNS as u32;
        let length = run_length(count - block, unit % RUNS as u32);
        // A run without elements takes no part in what follows.
        let mut mean = 0.0f32;
        let mut largest = f32::new(f32::MIN_POSITIVE);
        let mut squares = 0.0f32;
        if length > 0 {
            // Distances to the first element, so that equal elements have no spread at all.
            let first = f32::cast_from(values[start as usize]);
            let mut sum = 0.0f32;
            for i in 0..length {
                sum += f32::cast_from(values[(start + i * RUNS as u32) as usize]) - first;
            }
            let distance = sum / f32::cast_from(length);
            for i in 0..length {
                let value = f32::cast_from(values[(start + i * RUNS as u32) as usize]);
                largest = max(largest, ((value - first) - distance).abs());
            }
            // Squares of small or large deviations would leave the range of f32.
            for i in 0..length {
                let value = f32::cast_from(values[(start + i * RUNS as u32) as usize]);
                let deviation = ((value - first) - distance) / largest;
                squares += deviation * deviation;
            }
            mean = first + distance;
        }
        out[unit as usize] = mean;
        out[(runs + unit) as usize] = largest;
        out[(2 * runs + unit) as usize] = squares;
    }
}

/// Elements in a run of a block with `rest` elements left, or a whole block.
#[cube]
fn run_length(rest: u32, run: u32) -> u32 {
    let elements = min(rest, BLOCK as u32);
    // The elements `run, run + RUNS, ..` below `elements`.
    min((elements + (RUNS as u32 - 1) - run) / RUNS as u32, RUN)
}

/// The same for each block, from its runs.
#[cube(launch)]
fn merge_runs(runs: &[f32], out: &mut [f32], count: u32, blocks: u32) {
    let block = ABSOLUTE_POS as u32;
    if block < blocks {
        let all = blocks * RUNS as u32;
        let start = block * RUNS as u32;
        let rest = count - block * BLOCK as u32;
        let elements = min(rest, BLOCK as u32);
        let first = runs[start as usize];
        let mut sum = 0.0f32;
        for run in 0..RUNS as u32 {
            let length = f32::cast_from(run_length(rest, run));
            sum += length * (runs[(start + run) as usize] - first);
        }
        let distance = sum / f32::cast_from(elements);
        let mut largest = f32::new(f32::MIN_POSITIVE);
        for run in 0..RUNS as u32 {
            if run_length(rest, run) > 0 {
                let away = (runs[(start + run) as usize] - first) - distance;
                largest = max(largest, max(runs[(all + start + run) as usize], away.abs()));
            }
        }
        let mut squares = 0.0f32;
        for run in 0..RUNS as u32 {
            let length = run_length(rest, run);
            if length > 0 {
                let away = ((runs[(start + run) as usize] - first) - distance) / largest;
                let unit = runs[(all + start + run) as usize] / largest;
                let own = runs[(2 * all + start + run) as usize] * unit * unit;
                squares += own + f32::cast_from(length) * away * away;
            }
        }
        out[block as usize] = first + distance;
        out[(blocks + block) as usize] = largest;
        out[(2 * blocks + block) as usize] = squares;
    }
}

/// Each unit makes the sixteen draws of one ChaCha block; `zero` is 0.
#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn add_noise_kernel<E: Float>(
    values: &[E],
    out: &mut [E],
    squares: &mut [f32],
    key: Key,
    count: u32,
    scale: f32,
    size: f32,
    zero: u32,
    #[define(E)] _dtype: ElemType,
) {
    let unit = ABSOLUTE_POS as u32;
    if (unit as usize) < squares.len() {
        let start = unit / LANES * GROUP + unit % LANES;
        let mut sum = 0.0f32;
        if start < count {
            let words = block(&key, unit);
            #[unroll]
            for word in 0..BLOCK_WORDS {
                let place = start + LANES * word as u32;
                if place < count {
                    // (⌊word / 2⁸⌋ + 1/2) / 2²⁴ - 1/2, exactly.
                    let odd = i32::cast_from((words[word] >> 8) << 1) + 1 - (1 << 24);
                    let draw = f32::cast_from(odd) * STEP;
                    // Through integers, so that no compiler fuses product and sum into one rounding: the host
                    // rounds twice.
                    let product = u32::reinterpret(draw * scale) ^ zero;
                    let value = values[place as usize];
                    let before = f32::cast_from(value);
                    let after = E::cast_from(before + f32::reinterpret(product));
                    let change = (f32::cast_from(after) - before) / size;
                    sum += change * change;
                    out[place as usize] = after;
                }
            }
        }
        squares[unit as usize] = sum;
    }
}
