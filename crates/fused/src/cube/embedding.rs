//! The gradient of a table whose rows were looked up. Cubes take some columns of a row, look for it among the indices, and add what
//! came from each place in their order. Burn's own has no more units than a row has elements, and each walks all places.

use burn::backend::Cube;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::fusion::register;
use super::launch::{
    UNITS, contiguous, cube_per_row, element, empty, has_kernel, int_element, units,
};
use crate::embedding::{EmbeddingBackend, plain_backward};

/// Units below which Burn's own takes fewer steps: a cube on CubeCL's CPU has as many units as there are cores, and waits in threads.
const FEWEST_UNITS: u32 = 32;

impl EmbeddingBackend for Cube {
    fn fused_embedding_backward(
        weight: FloatTensor<Self>,
        indices: IntTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let can = has_kernel(&weight) && has_kernel(&grad) && int_element(indices.dtype).is_some();
        if !can {
            return plain_backward::<Self>(weight, indices, grad);
        }
        let (shape, dtype) = (weight.shape.clone(), weight.dtype);
        let outputs = vec![(shape.clone(), dtype)];
        let id = "fused.embedding_backward";
        let mut grads = register(id, vec![indices, grad], outputs, move |tensors| {
            let [indices, grad] = contiguous(tensors);
            let out = empty(&grad, shape.clone(), dtype);
            if units(&out.client, UNITS) < FEWEST_UNITS {
                return vec![plain_backward::<CubeBackend>(out, indices, grad)];
            }
            add(indices, grad, &out);
            vec![out]
        });
        grads.remove(0)
    }
}

fn add(indices: CubeTensor, grad: CubeTensor, out: &CubeTensor) {
    let [rows, width] = out.meta.shape().dims();
    let of_grad = element(grad.dtype).expect("only these have a kernel");
    let of_out = element(out.dtype).expect("only these have a kernel");
    let of_indices = int_element(indices.dtype).expect("only these have a kernel");
    let client = out.client.clone();
    let units = units(&client, width);
    // So many cubes share a row, of which each unit has one column.
    let cubes = width.div_ceil(units as usize);
    add_where_looked_up::launch(
        &client,
        cube_per_row(&client, rows * cubes),
        CubeDim::new_1d(units),
        indices.into_buffer_arg(),
        grad.into_buffer_arg(),
        out.clone().into_buffer_arg(),
        rows as u32,
        width as u32,
        cubes as u32,
        units as usize,
        of_grad,
        of_out,
        of_indices,
    );
}

#[cube(launch)]
#[allow(clippy::too_many_arguments)] // The operands and the row's place.
fn add_where_looked_up<E: Float, O: Float, I: Int>(
    indices: &[I],
    grad: &[E],
    out: &mut [O],
    rows: u32,
    width: u32,
    cubes: u32,
    #[comptime] units: usize,
    #[define(E)] _of_grad: ElemType,
    #[define(O)] _of_out: ElemType,
    #[define(I)] _of_indices: ElemType,
) {
    let row = CUBE_POS as u32 / cubes;
    if row < rows {
        let unit = UNIT_POS as usize;
        let column = (CUBE_POS as u32 % cubes) as usize * units + unit;
        let width = width as usize;
        let places = indices.len();
        let mut is_here = Shared::<[u32]>::new_slice(units);
        let any = Shared::<[Atomic<u32>]>::new_slice(1usize);
        let mut sum = 0.0f32;
        for first in range_stepped(0, places, units) {
            if unit == 0 {
                any[0].store(0u32);
            }
            sync_cube();
            let place = first + unit;
            let mut here = 0u32;
            if place < places && indices[place] == I::cast_from(row) {
                here = 1;
                any[0].store(1u32);
            }
            is_here[unit] = here;
            sync_cube();
            // Most rows are nowhere.
            if any[0].load() != 0 && column < width {
                for other in 0..min(units, places - first) {
                    if is_here[other] != 0 {
                        sum += f32::cast_from(grad[(first + other) * width + column]);
                    }
                }
            }
            sync_cube();
        }
        if column < width {
            out[row as usize * width + column] = O::cast_from(sum);
        }
    }
}
