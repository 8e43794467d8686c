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

    /// Pools the first token of each sequence.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, length, hidden]`
    /// - output: `[batch, hidden]`
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<2> {
        let [batch, _, width] = hidden.dims();
        let first = hidden.slice([0..batch, 0..1]).reshape([batch, width]);
        self.dense.forward(first).tanh()
    }
}
