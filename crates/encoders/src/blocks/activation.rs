//! The activation of a feed-forward block.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use super::linear::Linear;

/// Activation of the feed-forward block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HiddenAct {
    /// Gaussian error linear unit, by the error function (not the tanh approximation).
    #[default]
    Gelu,
    /// Its approximation by tanh.
    #[serde(alias = "gelu_fast")]
    GeluNew,
    /// The same approximation under PyTorch's name.
    GeluPytorchTanh,
    /// Rectified linear unit.
    Relu,
    /// Sigmoid linear unit, `x σ(x)`.
    #[serde(alias = "swish")]
    Silu,
    /// Hyperbolic tangent.
    Tanh,
}

impl HiddenAct {
    /// Projects by `dense` and activates.
    pub(crate) fn after<const D: usize>(self, dense: &Linear, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => dense.forward_gelu(x),
            other => other.of(dense.forward(x)),
        }
    }

    /// Activates the first half of the last dimension, and multiplies it by the second.
    pub(crate) fn gated<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => fused::geglu(x),
            other => {
                let inner = x.dims()[D - 1] / 2;
                let activated = other.of(x.clone().narrow(D - 1, 0, inner));
                activated * x.narrow(D - 1, inner, inner)
            }
        }
    }

    /// Activates.
    pub(crate) fn of<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => fused::gelu(x),
            Self::GeluNew | Self::GeluPytorchTanh => activation::gelu_approximate(x),
            Self::Relu => activation::relu(x),
            Self::Silu => activation::silu(x),
            Self::Tanh => x.tanh(),
        }
    }
}
