//! Multi-head self-attention.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use fused::Dropout;

use super::dropout::{Dropouts, of_part};
use super::linear::Linear;
use super::output::Output;
use super::settings::Settings;
use crate::groups::Groups;
use crate::input::{Layout, Tokens};

/// Self-attention with its output block.
#[derive(Module, Debug)]
pub struct Attention {
    /// Query, key and value projections (`attention.self` in the checkpoint).
    pub self_attention: SelfAttention,
    /// Projection, residual and normalisation.
    pub output: Output,
}

/// Scaled dot-product attention over all heads.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// `[hidden, hidden]`.
    pub query: Linear,
    /// `[hidden, hidden]`.
    pub key: Linear,
    /// `[hidden, hidden]`.
    pub value: Linear,
    #[module(skip)]
    heads: Heads,
}

/// The heads of a self-attention.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    number: usize,
    dropout: f64,
}

impl From<&Settings> for Heads {
    fn from(settings: &Settings) -> Self {
        Self::new(settings.heads, settings.attention_dropout)
    }
}

impl Heads {
    pub(crate) fn new(number: usize, dropout: f64) -> Self {
        Self { number, dropout }
    }

    pub(crate) fn number(self) -> usize {
        self.number
    }

    /// The dropout of the probabilities.
    pub(crate) fn next_dropout(self, dropouts: &mut Dropouts) -> Option<Dropout> {
        dropouts.next(self.dropout)
    }

    /// [`attend`](Self::attend) with a bias of the scaled scores, which is computed for each group from its number, its
    /// layout, and its queries and keys, each `[sequences, longest or 1, hidden]`.
    ///
    /// # Shapes
    /// - the bias: `[sequences, heads, queries, longest]`; either of the first two may be 1
    pub(crate) fn attend_biased(
        self,
        [query, key, value]: [Tensor<3>; 3],
        bias: impl Fn(usize, &Layout, [Tensor<3>; 2]) -> Tensor<4>,
        groups: &Groups,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let dropout = self.next_dropout(dropouts);
        let queries = groups.of_tokens(tokens, query);
        let [keys, values] = [key, value].map(|x| groups.padded(x));
        let states = queries.into_iter().zip(keys).zip(values);
        let contexts = states.zip(groups.layouts()).enumerate();
        let contexts = contexts.map(|(index, (((query, key), value), layout))| {
            let [query, query_of_bias] = fused::branches(query);
            let [key, key_of_bias] = fused::branches(key);
            let bias = bias(index, layout, [query_of_bias, key_of_bias]);
            let mask = layout.mask(&key.device());
            let dropout = dropout.map(|dropout| of_part(dropout, index));
            fused::biased_attention([query, key, value], bias, self.number, mask, dropout)
        });
        groups.joined(tokens, contexts.collect())
    }

    /// Mixes the values of all real tokens of a sequence, per head.
    ///
    /// # Shapes
    /// - query, output: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed, or of the first
    ///   tokens alone
    /// - key, value: of all tokens
    pub(crate) fn attend(
        self,
        projected: [Tensor<3>; 3],
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let dropout = self.next_dropout(dropouts);
        layout.attend(tokens, projected, self.number, dropout)
    }
}

impl Attention {
    pub(crate) fn new(settings: &Settings, device: &Device) -> Self {
        Self {
            self_attention: SelfAttention::new(settings, device),
            output: Output::new(settings.hidden, settings, device),
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
        let SelfAttention {
            query,
            key,
            value,
            heads,
        } = &self.self_attention;
        let layers = [query, key, value];
        let (residual, context) = heads.attended(layers, hidden, layout, tokens, dropouts);
        self.output.forward(context, residual, dropouts)
    }
}

impl SelfAttention {
    fn new(settings: &Settings, device: &Device) -> Self {
        let projection = || Linear::new(settings.hidden, settings.hidden, device);
        Self {
            query: projection(),
            key: projection(),
            value: projection(),
            heads: settings.into(),
        }
    }
}
