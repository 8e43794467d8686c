//! GELU and its derivative.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use pulp::Simd;

use super::elementwise::{self, Binary, Unary};
use super::{math, storage};
use crate::gelu::{GeluBackend, plain, plain_backward};

impl GeluBackend for Flex {
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        if !storage::is_single(&[&x]) {
            return plain::<Self>(x);
        }
        elementwise::map(Gelu, x)
    }

    fn fused_gelu_backward(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        if !storage::is_single(&[&x, &grad]) {
            return plain_backward::<Self>(x, grad);
        }
        elementwise::map_pairs(GeluBackward, grad, x)
    }
}

/// `x Φ(x)`.
#[derive(Clone, Copy)]
pub(super) struct Gelu;

impl Unary for Gelu {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.mul_f32s(x, math::normal_distribution(simd, x))
    }
}

/// `grad (Φ(x) + x φ(x))`.
#[derive(Clone, Copy)]
pub(super) struct GeluBackward;

impl Binary for GeluBackward {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, grad: S::f32s, x: S::f32s) -> S::f32s {
        let slope = simd.mul_add_e_f32s(
            x,
            math::normal_density(simd, x),
            math::normal_distribution(simd, x),
        );
        simd.mul_f32s(grad, slope)
    }
}
