//! Multi-head self-attention.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::config::BertConfig;
use crate::dropout::Dropouts;
use crate::input::{Layout, Tokens};
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
    /// - `hidden`: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
    /// - output: the same, or of the first tokens `[batch, 1, hidden]`, `[1, batch, hidden]`
    pub fn forward(
        &self,
        hidden: Tensor<3>,
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let queries = match tokens {
            Tokens::All => hidden.clone(),
            Tokens::First => layout.first(hidden.clone()),
        };
        let context =
            self.self_attention
                .forward(queries.clone(), hidden, layout, tokens, dropouts);
        self.output.forward(context, queries, dropouts)
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
    /// - `queries`, output: `hidden`, or its first tokens
    /// - `hidden`: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
    pub fn forward(
        &self,
        queries: Tensor<3>,
        hidden: Tensor<3>,
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let query = self.query.forward(queries);
        let key = self.key.forward(hidden.clone());
        let value = self.value.forward(hidden);
        let dropout = dropouts.next(self.dropout);
        layout.attend(tokens, [query, key, value], self.heads, dropout)
    }
}
