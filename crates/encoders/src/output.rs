//! The block that ends attention and feed-forward: projection, dropout, residual, normalisation.

use burn::module::Module;
use burn::nn::{LayerNorm, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use crate::config::BertConfig;
use crate::dropout::Dropouts;
use crate::embeddings::layer_norm;

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
            dense: LinearConfig::new(input, config.hidden_size).init(device),
            layer_norm: layer_norm(config, device),
            dropout: config.hidden_dropout_prob,
        }
    }

    /// Projects, drops out, adds the residual, normalises.
    ///
    /// # Shapes
    /// - `x`: `[batch, length, input]`
    /// - `residual`, output: `[batch, length, hidden]`
    pub fn forward(&self, x: Tensor<3>, residual: Tensor<3>, dropouts: &mut Dropouts) -> Tensor<3> {
        let x = dropouts.apply(self.dense.forward(x), self.dropout);
        self.layer_norm.forward(x + residual)
    }
}
