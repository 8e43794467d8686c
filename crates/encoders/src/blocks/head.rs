//! A classification head of two linear layers.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::activation::HiddenAct;
use super::dropout::Dropouts;
use super::linear::Linear;

/// `out_proj(dropout(activation(dense(dropout(first token)))))`.
#[derive(Module, Debug)]
pub struct ClassificationHead {
    /// `[hidden, hidden]`.
    pub dense: Linear,
    /// `[hidden, labels]`.
    pub out_proj: Linear,
    #[module(skip)]
    activation: HiddenAct,
    dropout: f64,
}

impl ClassificationHead {
    pub(crate) fn new(
        hidden: usize,
        labels: usize,
        activation: HiddenAct,
        dropout: f64,
        device: &Device,
    ) -> Self {
        Self {
            dense: Linear::new(hidden, hidden, device),
            out_proj: Linear::new(hidden, labels, device),
            activation,
            dropout,
        }
    }

    /// Computes the logits from the states of the first tokens.
    ///
    /// # Shapes
    /// - `first`: `[batch, hidden]`
    /// - output: `[batch, labels]`
    pub fn forward(&self, first: Tensor<2>, dropouts: &mut Dropouts) -> Tensor<2> {
        let first = fused::dropout(self.dense.adopt(first), dropouts.next(self.dropout));
        let wide = self.activation.after(&self.dense, first);
        self.out_proj
            .forward(fused::dropout(wide, dropouts.next(self.dropout)))
    }

    /// The linear layer of a name.
    pub(crate) fn layer_mut(&mut self, name: &str) -> Option<&mut Linear> {
        match name {
            "dense" => Some(&mut self.dense),
            "out_proj" => Some(&mut self.out_proj),
            _ => None,
        }
    }
}
