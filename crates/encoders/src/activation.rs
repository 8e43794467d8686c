//! The activation of the feed-forward block.

use burn::tensor::{Tensor, activation};

use crate::config::HiddenAct;

impl HiddenAct {
    /// Applies the activation to every element.
    pub(crate) fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => activation::gelu(x),
            Self::Relu => activation::relu(x),
        }
    }
}
