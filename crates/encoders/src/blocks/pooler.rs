//! The pooler: the first token's hidden state, projected.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::linear::Linear;
use super::settings::Settings;

/// `tanh(dense(hidden of [CLS]))`.
#[derive(Module, Debug)]
pub struct Pooler {
    /// `[hidden, hidden]`.
    pub dense: Linear,
}

impl Pooler {
    pub(crate) fn new(settings: &Settings, device: &Device) -> Self {
        Self {
            dense: Linear::new(settings.hidden, settings.hidden, device),
        }
    }

    /// Projects the states of the first tokens.
    ///
    /// # Shapes
    /// - `first`, output: `[batch, hidden]`
    pub fn forward(&self, first: Tensor<2>) -> Tensor<2> {
        self.dense.forward(self.dense.adopt(first)).tanh()
    }
}
