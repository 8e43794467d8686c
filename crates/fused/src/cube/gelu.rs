//! The gradient of GELU, which Burn computes in eleven operations and does not always fuse.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use burn::backend::Cube;
use burn::backend::tensor::FloatTensor;
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::fusion::register;
use super::launch::{contiguous, element, empty, has_kernel};
use crate::gelu::{GeluBackend, plain_backward};

/// `1 / sqrt(2π)`.
const DENSITY: f32 = FRAC_1_SQRT_2 * FRAC_2_SQRT_PI / 2.0;

impl GeluBackend for Cube {
    fn fused_gelu_backward(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        if !has_kernel(&x) || grad.dtype != x.dtype {
            return plain_backward::<Self>(x, grad);
        }
        let outputs = vec![(x.shape.clone(), x.dtype)];
        let run = |tensors| vec![gradient(tensors)];
        register("fused.gelu_backward", vec![x, grad], outputs, run).remove(0)
    }
}

fn gradient(tensors: Vec<CubeTensor>) -> CubeTensor {
    let [x, grad] = contiguous(tensors);
    let of_x = element(x.dtype).expect("only these have a kernel");
    let count = x.meta.num_elements();
    let out = empty(&x, x.meta.shape().clone(), x.dtype);
    let client = x.client.clone();
    let cube_dim = CubeDim::new(&client, count);
    differentiate::launch(
        &client,
        calculate_cube_count_elemwise(&client, count, cube_dim),
        cube_dim,
        x.into_buffer_arg(),
        grad.into_buffer_arg(),
        out.clone().into_buffer_arg(),
        of_x,
    );
    out
}

/// `grad (Φ(x) + x φ(x))`.
#[cube(launch)]
fn differentiate<E: Float>(x: &[E], grad: &[E], out: &mut [E], #[define(E)] _of_x: ElemType) {
    let at = ABSOLUTE_POS;
    if at < out.len() {
        let own = f32::cast_from(x[at]);
        let distribution = 0.5f32 * (1.0f32 + Erf::erf(own * FRAC_1_SQRT_2));
        let density = DENSITY * (own * own * -0.5f32).exp();
        let slope = distribution + own * density;
        out[at] = E::cast_from(f32::cast_from(grad[at]) * slope);
    }
}
