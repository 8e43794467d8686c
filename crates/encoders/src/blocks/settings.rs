//! The sizes and rates of an encoder's blocks.

use super::activation::HiddenAct;

/// What the blocks of an encoder are built from; a family fills it from its configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Rows of the word embedding.
    pub(crate) words: usize,
    /// Rows of the position embedding.
    pub(crate) positions: usize,
    /// Rows of the token type embedding.
    pub(crate) token_types: usize,
    /// Width of every hidden state.
    pub(crate) hidden: usize,
    /// Width of the feed-forward block.
    pub(crate) intermediate: usize,
    /// Transformer layers.
    pub(crate) layers: usize,
    /// Attention heads of each layer.
    pub(crate) heads: usize,
    /// Activation of the feed-forward block.
    pub(crate) activation: HiddenAct,
    /// Dropout after the embeddings and after each block's output projection.
    pub(crate) dropout: f64,
    /// Dropout of the attention probabilities.
    pub(crate) attention_dropout: f64,
    /// Epsilon of every layer normalisation.
    pub(crate) epsilon: f64,
}
