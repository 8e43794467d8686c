//! Layer normalisation.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};
use fused::Dropout;

/// Layer normalisation over the hidden dimension, with the checkpoint's epsilon.
///
/// Burn's own keeps its epsilon private, and the fused operations need it. burn-store goes by the name of this
/// type to recognise a normalisation in a PyTorch checkpoint.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Scale, `[hidden]`.
    pub gamma: Param<Tensor<1>>,
    /// Shift, `[hidden]`.
    pub beta: Param<Tensor<1>>,
    epsilon: f64,
}

impl LayerNorm {
    pub(crate) fn new(width: usize, epsilon: f64, device: &Device) -> Self {
        Self {
            gamma: Initializer::Ones.init([width], device),
            beta: Initializer::Zeros.init([width], device),
            epsilon,
        }
    }

    /// Normalises the last dimension.
    ///
    /// # Shapes
    /// - `x`, output: `[..., hidden]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        fused::layer_norm(x, self.gamma.val(), self.beta.val(), self.epsilon)
    }

    /// Normalises `dropout(x) + residual`.
    ///
    /// # Shapes
    /// - `x`, `residual`, output: `[..., hidden]`
    pub fn forward_residual<const D: usize>(
        &self,
        x: Tensor<D>,
        residual: Tensor<D>,
        dropout: Option<Dropout>,
    ) -> Tensor<D> {
        fused::dropout_add_layer_norm(
            x,
            residual,
            self.gamma.val(),
            self.beta.val(),
            self.epsilon,
            dropout,
        )
    }
}
