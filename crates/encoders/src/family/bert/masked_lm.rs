//! The encoder with the decoder that predicts masked words.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Int, Tensor};

use super::{BertConfig, PARTS, POSITION_IDS};
use crate::blocks::{Dropouts, Embeddings, Encoder, HiddenAct, LayerNorm, Linear};
use crate::error::EncoderError;
use crate::initial;
use crate::input::EncoderInput;
use crate::names::{Names, RENAMED};

/// BERT's masked language model, as transformers' `BertForMaskedLM`.
///
/// The decoder has no weight of its own: it is the word embedding, whose gradient is the sum of both
/// uses.
#[derive(Module, Debug)]
pub struct BertForMaskedLM {
    /// The encoder, without a pooler.
    pub bert: BertBody,
    /// What predicts words from hidden states.
    pub cls: MaskedLmHead,
}

/// Embeddings and layers.
#[derive(Module, Debug)]
pub struct BertBody {
    /// Words, positions, token types.
    pub embeddings: Embeddings,
    /// The layers.
    pub encoder: Encoder,
}

/// The heads of pretraining (`cls` in the checkpoint): this one alone.
#[derive(Module, Debug)]
pub struct MaskedLmHead {
    /// Predictions of masked words.
    pub predictions: MaskedLmPredictions,
}

/// Scores a transformed hidden state against every word.
#[derive(Module, Debug)]
pub struct MaskedLmPredictions {
    /// Before the decoder.
    pub transform: MaskedLmTransform,
    /// Of the decoder, `[vocab_size]`.
    pub bias: Param<Tensor<1>>,
}

/// `LayerNorm(activation(dense(x)))`.
#[derive(Module, Debug)]
pub struct MaskedLmTransform {
    /// `[hidden, hidden]`.
    pub dense: Linear,
    /// Over the hidden dimension.
    pub layer_norm: LayerNorm,
    #[module(skip)]
    activation: HiddenAct,
}

impl BertForMaskedLM {
    pub(crate) const NAMES: Names = Names {
        base: "bert",
        parts: PARTS,
        renamed: RENAMED,
        heads: &["cls"],
        head_layers: &[],
        optional: &[],
        other_heads: &[],
        left_aside: &[
            "cls.predictions.decoder.",
            "cls.seq_relationship.",
            "bert.pooler.",
            POSITION_IDS,
        ],
    };

    /// Lays out the module; no parameter has a value until it is loaded or initialised.
    pub(crate) fn new(config: &BertConfig, device: &Device) -> Self {
        let settings = config.settings();
        let transform = MaskedLmTransform {
            dense: Linear::new(config.hidden_size, config.hidden_size, device),
            layer_norm: LayerNorm::new(config.hidden_size, config.layer_norm_eps, device),
            activation: config.hidden_act,
        };
        Self {
            bert: BertBody {
                embeddings: Embeddings::new(&settings, device),
                encoder: Encoder::new(&settings, device),
            },
            cls: MaskedLmHead {
                predictions: MaskedLmPredictions {
                    transform,
                    bias: Initializer::Zeros.init([config.vocab_size], device),
                },
            },
        }
    }

    /// Starts a new model: weights N(0, `initializer_range`), biases 0, normalisations the identity.
    ///
    /// Each parameter's draws are keyed by the seed and its path, so they are the same on every device.
    ///
    /// # Errors
    /// [`EncoderError::Setting`] if the configuration is not one that this crate can run.
    pub fn fresh(config: &BertConfig, seed: u64, device: &Device) -> Result<Self, EncoderError> {
        config.check()?;
        let model = Self::new(config, device);
        Ok(initial::drawn(model, config.initializer_range, seed))
    }

    /// Computes the logits of the words at chosen places.
    ///
    /// Only these go through the decoder, whose output is as wide as the vocabulary.
    ///
    /// # Shapes
    /// - `places`: `[count]`, each an index into the tokens of `input` in row-major order
    /// - output: `[count, vocab_size]`
    ///
    /// # Panics
    /// When a place is not below the number of tokens, padding included.
    pub fn forward(
        &self,
        input: EncoderInput,
        places: Tensor<1, Int>,
        dropouts: &mut Dropouts,
    ) -> Tensor<2> {
        let hidden = self.bert.forward(input, dropouts);
        let [batch, length, width] = hidden.dims();
        let [count] = places.dims();
        // As a table look-up, whose gradient the fused operation sums in parallel.
        let chosen = fused::embedding(
            hidden.reshape([batch * length, width]),
            places.reshape([1, count]),
        );
        let words = self.bert.embeddings.word_embeddings.weight.val();
        let transformed = self.cls.predictions.transform.forward(chosen);
        let decoder = words.transpose();
        let logits = fused::linear(transformed, decoder, self.cls.predictions.bias.val());
        let [_, _, vocabulary] = logits.dims();
        logits.reshape([count, vocabulary])
    }
}

impl BertBody {
    /// Computes the last hidden state.
    ///
    /// # Shapes
    /// - output: `[batch, length, hidden]`, or `[1, tokens, hidden]` where the input is packed
    pub fn forward(&self, input: EncoderInput, dropouts: &mut Dropouts) -> Tensor<3> {
        let embedded = self.embeddings.forward(&input, dropouts);
        self.encoder.forward(embedded, &input.layout, dropouts)
    }
}

impl MaskedLmTransform {
    /// Projects, activates, normalises.
    ///
    /// # Shapes
    /// - `x`, output: `[..., hidden]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.layer_norm
            .forward(self.activation.after(&self.dense, x))
    }
}
