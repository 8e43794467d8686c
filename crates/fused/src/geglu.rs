//! The gated GELU.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use crate::gelu::GeluBackend;
use crate::parts::slice;

/// `gelu(a) b`, where `a` is the first half of the last dimension and `b` the second.
///
/// GEGLU of [Shazeer, 2020](https://arxiv.org/abs/2002.05202), with the exact [`gelu`](crate::gelu).
///
/// # Shapes
///
/// - `x`: `[..., 2 * width]`
/// - result: `[..., width]`
///
/// # Panics
///
/// When the last dimension is odd.
pub fn geglu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let dims = x.dims();
    assert!(
        dims[D - 1].is_multiple_of(2),
        "geglu: x {dims:?} has an odd last dimension"
    );
    Tensor::from_dispatch(<Dispatch as GegluBackend>::fused_geglu(x.into_dispatch()))
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait GegluBackend: GeluBackend {
    fn fused_geglu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        plain::<Self>(x)
    }

    fn fused_geglu_backward(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        plain_backward::<Self>(x, grad)
    }
}

#[cfg(feature = "ndarray")]
impl GegluBackend for burn::backend::NdArray {}
#[cfg(feature = "cube")]
impl GegluBackend for burn::backend::Cube {}
#[cfg(feature = "tch")]
impl GegluBackend for burn::backend::LibTorch {}

/// Both halves of the last dimension.
fn halves<B: Backend>(x: FloatTensor<B>) -> [FloatTensor<B>; 2] {
    [0, 1].map(|half| slice::<B>(x.clone(), half, 2))
}

/// Burn's primitives.
pub(crate) fn plain<B: GeluBackend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let [a, b] = halves::<B>(x);
    B::float_mul(B::fused_gelu(a), b)
}

/// Burn's primitives: `gelu'(a) b grad` beside `gelu(a) grad`.
pub(crate) fn plain_backward<B: GeluBackend>(
    x: FloatTensor<B>,
    grad: FloatTensor<B>,
) -> FloatTensor<B> {
    let last = x.shape().len() - 1;
    let [a, b] = halves::<B>(x);
    let of_b = B::float_mul(B::fused_gelu(a.clone()), grad.clone());
    let of_a = B::fused_gelu_backward(a, B::float_mul(grad, b));
    B::float_cat(vec![of_a, of_b], last)
}

impl<B: Backend + GegluBackend, C: CheckpointStrategy> GegluBackend for Autodiff<B, C> {
    fn fused_geglu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct GegluBackward;

        impl<B: Backend + GegluBackend> Backward<B, 1> for GegluBackward {
            type State = FloatTensor<B>;

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                if let [Some(x)] = ops.parents {
                    grads.register::<B>(x.id, B::fused_geglu_backward(ops.state, grad));
                }
            }
        }

        let (x, node) = x.into_parts();
        match GegluBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(x.clone(), B::fused_geglu(x)),
            OpsKind::UnTracked(prep) => prep.finish(B::fused_geglu(x)),
        }
    }
}
