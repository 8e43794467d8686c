//! The exact GELU.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use crate::half::{rounded, widened};

/// The Gaussian error linear unit `x Φ(x)`, with the exact normal distribution function `Φ`.
///
/// [Hendrycks and Gimpel, 2016](https://arxiv.org/abs/1606.08415). The kernel's error is below
/// 1e-6 relative to `max(1, |x|)`.
///
/// # Shapes
///
/// `x` and the result: any, the same.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as GeluBackend>::fused_gelu(x.into_dispatch()))
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait GeluBackend: Backend {
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        plain::<Self>(x)
    }

    fn fused_gelu_backward(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        plain_backward::<Self>(x, grad)
    }
}

#[cfg(feature = "ndarray")]
impl GeluBackend for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl GeluBackend for burn::backend::LibTorch {}

/// Burn's primitives.
pub(crate) fn plain<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let dtype = x.dtype();
    rounded::<B>(B::gelu(widened::<B>(x)), dtype)
}

/// Burn's primitives: `grad (Φ(x) + x φ(x))`. The derivative that Burn's autodiff takes is that of the approximation by
/// tanh, up to 1e-3 off that of the exact GELU.
pub(crate) fn plain_backward<B: Backend>(
    x: FloatTensor<B>,
    grad: FloatTensor<B>,
) -> FloatTensor<B> {
    let dtype = x.dtype();
    let [x, grad] = [x, grad].map(widened::<B>);
    let scaled = |x, factor: f64| B::float_mul_scalar(x, factor.into());
    let erf = B::float_erf(scaled(x.clone(), FRAC_1_SQRT_2));
    let distribution = scaled(B::float_add_scalar(erf, 1f32.into()), 0.5);
    let exponent = scaled(B::float_mul(x.clone(), x.clone()), -0.5);
    let density = scaled(B::float_exp(exponent), FRAC_1_SQRT_2 * FRAC_2_SQRT_PI / 2.0);
    let slope = B::float_add(distribution, B::float_mul(x, density));
    rounded::<B>(B::float_mul(grad, slope), dtype)
}

impl<B: Backend + GeluBackend, C: CheckpointStrategy> GeluBackend for Autodiff<B, C> {
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct GeluBackward;

        impl<B: Backend + GeluBackend> Backward<B, 1> for GeluBackward {
            type State = FloatTensor<B>;

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                if let [Some(x)] = ops.parents {
                    grads.register::<B>(x.id, B::fused_gelu_backward(ops.state, grad));
                }
            }
        }

        let (x, node) = x.into_parts();
        match GeluBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(x.clone(), B::fused_gelu(x)),
            OpsKind::UnTracked(prep) => prep.finish(B::fused_gelu(x)),
        }
    }
}
