//! Dropout whose mask is computed, never stored.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{AutodiffBackend, Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData};

use crate::half::{rounded, widened};
use crate::mask::{self, Places};

/// Identifies a dropout mask: equal keys give equal masks, on every backend and any number of threads.
///
/// The mask is a pure function of these three numbers and of the element's index; [`Dropout`]
/// specifies it bit by bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DropoutKey {
    /// The run's seed.
    pub seed: u64,
    /// The optimizer step, or any counter that changes from one forward pass to the next.
    pub step: u64,
    /// The place in the model, unique per dropout layer.
    pub site: u32,
}

/// An active dropout: a probability in steps of 1/65536 and the key of its mask.
///
/// Elements are dropped with probability [`Dropout::probability`], and the others are divided by the
/// probability of being kept after rounding, so that the expectation is exact.
///
/// # The mask
///
/// A ChaCha8 keystream (stream 0, block counter from 0) under the 32-byte key
/// `seed ‖ step ‖ site ‖ 0…`, little-endian. Sixteen blocks serve 512 elements: of block
/// `16 g + lane`, word `w`, the low half decides element `512 g + 32 w + lane` and the high half
/// element `512 g + 32 w + 16 + lane`. An element is kept when its 16 bits are at least
/// `65536 · probability`. The order suits processors that compute sixteen blocks at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dropout {
    pub(crate) threshold: u16,
    pub(crate) key: DropoutKey,
}

/// A probability that [`Dropout::new`] refuses.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("dropout probability {probability}: expected at least 0 and less than 1")]
pub struct DropoutError {
    /// The refused value.
    pub probability: f64,
}

impl Dropout {
    /// Rounds `probability` to a multiple of 1/65536 below 1; `None` when that is 0 and nothing is dropped.
    ///
    /// # Errors
    ///
    /// [`DropoutError`] when `probability` is negative, 1 or more, or NaN.
    pub fn new(probability: f64, key: DropoutKey) -> Result<Option<Self>, DropoutError> {
        if !(0.0..1.0).contains(&probability) {
            return Err(DropoutError { probability });
        }
        let threshold = (probability * 65536.0).round().min(65535.0) as u16;
        Ok((threshold > 0).then_some(Self { threshold, key }))
    }

    /// The probability of dropping an element, a multiple of 1/65536.
    pub fn probability(&self) -> f64 {
        f64::from(self.threshold) / 65536.0
    }

    /// The key of the mask.
    pub fn key(&self) -> DropoutKey {
        self.key
    }

    /// What a kept element is multiplied by.
    pub(crate) fn scale(&self) -> f32 {
        (65536.0 / (65536.0 - f64::from(self.threshold))) as f32
    }
}

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
    #[fusion(default)]
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
