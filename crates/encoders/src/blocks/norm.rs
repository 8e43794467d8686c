//! Layer normalisation.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};
use fused::Norm;

/// Layer normalisation over the hidden dimension, with the checkpoint's epsilon.
///
/// Burn's own keeps its epsilon private, and the fused operations need it. burn-store goes by the name of this
/// type to recognise a normalisation in a PyTorch checkpoint.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Scale, `[hidden]`.
    pub gamma: Param<Tensor<1>>,
    /// Shift, `[hidden]`, where the family has one.
    pub beta: Option<Param<Tensor<1>>>,
    epsilon: f64,
}

impl LayerNorm {
    pub(crate) fn new(width: usize, epsilon: f64, device: &Device) -> Self {
        Self::with_shift(true, width, epsilon, device)
    }

    pub(crate) fn with_shift(has_shift: bool, width: usize, epsilon: f64, device: &Device) -> Self {
        Self {
            gamma: Initializer::Ones.init([width], device),
            beta: has_shift.then(|| Initializer::Zeros.init([width], device)),
            epsilon,
        }
    }

    /// The shift, or zeros.
    fn beta(&self) -> Tensor<1> {
        match &self.beta {
            Some(beta) => beta.val(),
            None => self.gamma.val().detach().zeros_like(),
        }
    }

    /// Normalises the last dimension.
    ///
    /// # Shapes
    /// - `x`, output: `[..., hidden]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        fused::layer_norm(x, self.gamma.val(), self.beta(), self.epsilon)
    }

    /// As an operand of the end of a residual block.
    pub(crate) fn operand(&self) -> Norm {
        Norm {
            gamma: self.gamma.val(),
            beta: self.beta(),
            epsilon: self.epsilon,
        }
    }
}
