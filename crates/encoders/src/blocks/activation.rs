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
    /// Rectified linear unit.
    Relu,
}

impl HiddenAct {
    /// Projects by `dense` and activates.
    pub(crate) fn after<const D: usize>(self, dense: &Linear, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => dense.forward_gelu(x),
            Self::Relu => activation::relu(dense.forward(x)),
        }
    }
}
