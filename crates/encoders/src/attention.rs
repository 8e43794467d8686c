//! Multi-head self-attention.

use burn::module::Module;
use burn::tensor::{Bool, Device, Tensor};

use crate::config::BertConfig;
use crate::dropout::Dropouts;
use crate::linear::Linear;
use crate::output::BertOutput;

/// Self-attention with its output block.
#[derive(Module, Debug)]
pub struct BertAttention {
    /// Query, key and value projections (`attention.self` in the checkpoint).
    pub self_attention: BertSelfAttention,
    /// Projection, residual and normalisation.
    pub output: BertOutput,
}

/// Scaled dot-product attention over all heads.
#[derive(Module, Debug)]
pub struct BertSelfAttention {
    /// `[hidden, hidden]`.
    pub query: Linear,
    /// `[hidden, hidden]`.
    pub key: Linear,
    /// `[hidden, hidden]`.
    pub value: Linear,
    heads: usize,
    dropout: f64,
}

impl BertAttention {
    pub(crate) fn new(config: &BertConfig, device: &Device) -> Self {
        Self {
            self_attention: BertSelfAttention::new(config, device),
            output: BertOutput::new(config.hidden_size, config, device),
        }
    }

    /// Attends and adds the result to the input.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, length, hidden]`
    /// - `attention_mask`: `[batch, length]`, true at real tokens
    /// - output: `[batch, length, hidden]`
    pub fn forward(
        &self,
        hidden: Tensor<3>,
        attention_mask: Tensor<2, Bool>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let context = self
            .self_attention
            .forward(hidden.clone(), attention_mask, dropouts);
        self.output.forward(context, hidden, dropouts)
    }
}

impl BertSelfAttention {
    fn new(config: &BertConfig, device: &Device) -> Self {
        let projection = || Linear::new(config.hidden_size, config.hidden_size, device);
        Self {
            query: projection(),
            key: projection(),
            value: projection(),
            heads: config.num_attention_heads,
            dropout: config.attention_probs_dropout_prob,
        }
    }

    /// Mixes the values of all real tokens, per head.
    ///
    /// # Shapes
    /// - `hidden`: `[batch, length, hidden]`
    /// - `attention_mask`: `[batch, length]`, true at real tokens
    /// - output: `[batch, length, hidden]`
    pub fn forward(
        &self,
        hidden: Tensor<3>,
        attention_mask: Tensor<2, Bool>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let query = self.query.forward(hidden.clone());
        let key = self.key.forward(hidden.clone());
        let value = self.value.forward(hidden);
        let dropout = dropouts.next(self.dropout);
        fused::attention(query, key, value, self.heads, Some(attention_mask), dropout)
    }
}
