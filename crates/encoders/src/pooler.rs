//! The pooler: the first token's hidden state, projected.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::config::BertConfig;
use crate::linear::Linear;

/// `tanh(dense(hidden of [CLS]))`.
#[derive(Module, Debug)]
pub struct BertPooler {
    /// `[hidden, hidden]`.
    pub dense: Linear,
}

impl BertPooler {
    pub(crate) fn new(config: &BertConfig, device: &Device) -> Self {
        Self {
            dense: Linear::new(config.hidden_size, config.hidden_size, device),
        }
    }

    /// Pools the states of the first tokens.
    ///
    /// # Shapes
    /// - `first`, output: `[batch, hidden]`
    pub fn forward(&self, first: Tensor<2>) -> Tensor<2> {
        self.dense.forward(self.dense.adopt(first)).tanh()
    }
}
