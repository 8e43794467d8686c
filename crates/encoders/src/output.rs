//! The block that ends attention and feed-forward: projection, dropout, residual, normalisation.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::config::BertConfig;
use crate::dropout::Dropouts;
use crate::linear::Linear;
use crate::norm::LayerNorm;

/// `LayerNorm(residual + dropout(dense(x)))`.
#[derive(Module, Debug)]
pub struct BertOutput {
    /// `[input, hidden]`.
    pub dense: Linear,
    /// Over the hidden dimension.
    pub layer_norm: LayerNorm,
    dropout: f64,
}

impl BertOutput {
    pub(crate) fn new(input: usize, config: &BertConfig, device: &Device) -> Self {
        Self {
            dense: Linear::new(input, config.hidden_size, device),
            layer_norm: LayerNorm::new(config, device),
            dropout: config.hidden_dropout_prob,
        }
    }

    /// Projects, drops out, adds the residual, normalises.
    ///
    /// # Shapes
    /// - `x`: `[batch, length, input]`
    /// - `residual`, output: `[batch, length, hidden]`
    pub fn forward(&self, x: Tensor<3>, residual: Tensor<3>, dropouts: &mut Dropouts) -> Tensor<3> {
        let x = self.dense.forward(x);
        self.layer_norm
            .forward_residual(x, residual, dropouts.next(self.dropout))
    }
}
