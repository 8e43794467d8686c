//! The sizes and rates of an encoder's blocks.

use super::activation::HiddenAct;

/// What the blocks of an encoder are built from; a family fills it from its configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Rows of the word embedding.
    pub(crate) words: usize,
    /// Rows of the position embedding; 0 if there is none.
    pub(crate) positions: usize,
    /// Where positions are counted from.
    pub(crate) first_position: FirstPosition,
    /// Rows of the token type embedding; 0 if there is none.
    pub(crate) token_types: usize,
    /// Width of the embeddings.
    pub(crate) embedding: usize,
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

/// Where the positions of a sequence are counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstPosition {
    /// Every token counts, and the first is 0.
    Zero,
    /// The pad token has its own id as position, and every other token counts from the next number.
    AfterPadding(u32),
}

impl Settings {
    /// Parameters of the embeddings and of their normalisation.
    ///
    /// A configuration may claim more than any memory holds, which a `usize` cannot.
    pub(crate) fn embedding_params(&self) -> f64 {
        let [words, positions, types, width] =
            [self.words, self.positions, self.token_types, self.embedding].map(|n| n as f64);
        (words + positions + types) * width + 2.0 * width
    }

    /// Parameters of the layers.
    pub(crate) fn layer_params(&self) -> f64 {
        let [hidden, inner] = [self.hidden, self.intermediate].map(|n| n as f64);
        let norm = 2.0 * hidden;
        let square = hidden * hidden + hidden;
        let layer = 4.0 * square + 2.0 * hidden * inner + inner + hidden + 2.0 * norm;
        self.layers as f64 * layer
    }

    /// Floating-point operations of the layers' matrix products in a classifier's forward pass over a sequence of
    /// `length` tokens, of which the last layer computes `last`.
    pub(crate) fn layer_flops(&self, length: usize, last: usize) -> f64 {
        let [hidden, inner, length, last] =
            [self.hidden, self.intermediate, length, last].map(|n| n as f64);
        // Key and value of a token; query, output, feed-forward block, scores and their use.
        let seen = 2.0 * hidden * hidden;
        let computed = 2.0 * hidden * hidden + 2.0 * hidden * inner + 2.0 * length * hidden;
        let layers = self.layers as f64;
        2.0 * (layers * length * seen + ((layers - 1.0) * length + last) * computed)
    }
}
