//! Dropout whose mask is computed, never stored.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{AutodiffBackend, Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData};

use crate::half::{rounded, widened};
use crate::key::Dropout;
use crate::mask::{self, Places};

/// Drops elements of `x` and rescales the others; without a dropout, returns `x`.
///
/// Element `i` in row-major order takes place `i` of the mask (see [`Dropout`]).
///
/// # Shapes
///
/// `x` and the result: any, the same.
pub fn dropout<const D: usize>(x: Tensor<D>, dropout: Option<Dropout>) -> Tensor<D> {
    match dropout {
        None => x,
        Some(dropout) => Tensor::from_dispatch(<Dispatch as DropoutBackend>::fused_dropout(
            x.into_dispatch(),
            dropout,
        )),
    }
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff,
    Fusion: cfg(feature = "cube")
)]
pub(crate) trait DropoutBackend: Backend {
    /// The mask as multipliers, 0 or the rescaling factor, in single precision, on the device of `like`.
    #[fusion(dtype = burn::tensor::DType::F32, shape = places.shape().clone())]
    fn dropout_mask(
        like: &FloatTensor<Self>,
        places: Places,
        dropout: Dropout,
    ) -> FloatTensor<Self> {
        host_mask::<Self>(like, &places, &dropout)
    }

    /// Multiplies by the mask. The backward pass is the same multiplication.
    #[fusion(dtype = x, shape = x)]
    fn fused_dropout(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        plain::<Self>(x, dropout)
    }
}

#[cfg(feature = "ndarray")]
impl DropoutBackend for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl DropoutBackend for burn::backend::LibTorch {}

/// Burn's primitives.
pub(crate) fn plain<B: Backend + DropoutBackend>(
    x: FloatTensor<B>,
    dropout: Dropout,
) -> FloatTensor<B> {
    let dtype = x.dtype();
    let x = widened::<B>(x);
    let mask = B::dropout_mask(&x, Places::in_order(x.shape()), dropout);
    // To double precision where `x` has it.
    let mask = rounded::<B>(mask, x.dtype());
    rounded::<B>(B::float_mul(x, mask), dtype)
}

/// The mask of [`DropoutBackend::dropout_mask`] made on the host and uploaded.
pub(crate) fn host_mask<B: Backend>(
    like: &FloatTensor<B>,
    places: &Places,
    dropout: &Dropout,
) -> FloatTensor<B> {
    let values = mask::values(dropout, places);
    let mask = TensorData::new(values, places.shape().clone());
    B::float_from_data(mask, &like.device())
}

impl<B: Backend + DropoutBackend, C: CheckpointStrategy> DropoutBackend for Autodiff<B, C> {
    /// A constant.
    fn dropout_mask(
        like: &FloatTensor<Self>,
        places: Places,
        dropout: Dropout,
    ) -> FloatTensor<Self> {
        let (like, _) = like.clone().into_parts();
        <Self as AutodiffBackend>::from_inner(B::dropout_mask(&like, places, dropout))
    }

    fn fused_dropout(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct DropoutBackward;

        impl<B: Backend + DropoutBackend> Backward<B, 1> for DropoutBackward {
            type State = Dropout;

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                if let [Some(x)] = ops.parents {
                    grads.register::<B>(x.id, B::fused_dropout(grad, ops.state));
                }
            }
        }

        let (x, node) = x.into_parts();
        let output = B::fused_dropout(x, dropout);
        match DropoutBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(dropout, output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}
