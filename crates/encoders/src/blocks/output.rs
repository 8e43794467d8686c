//! The block that ends attention and feed-forward: projection, dropout, residual, normalisation.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::dropout::Dropouts;
use super::linear::Linear;
use super::norm::LayerNorm;
use super::settings::Settings;

/// `LayerNorm(residual + dropout(dense(x)))`.
#[derive(Module, Debug)]
pub struct Output {
    /// `[input, hidden]`.
    pub dense: Linear,
    /// Over the hidden dimension.
    pub layer_norm: LayerNorm,
    dropout: f64,
}

impl Output {
    pub(crate) fn new(input: usize, settings: &Settings, device: &Device) -> Self {
        Self {
            dense: Linear::new(input, settings.hidden, device),
            layer_norm: LayerNorm::new(settings.hidden, settings.epsilon, device),
            dropout: settings.dropout,
        }
    }

    /// Projects, applies dropout, adds the residual and normalises.
    ///
    /// # Shapes
    /// - `x`: `[batch, length, input]`
    /// - `residual`, output: `[batch, length, hidden]`
    pub fn forward(&self, x: Tensor<3>, residual: Tensor<3>, dropouts: &mut Dropouts) -> Tensor<3> {
        let dropout = dropouts.next(self.dropout);
        self.dense
            .forward_residual(x, residual, &self.layer_norm, dropout)
    }
}
