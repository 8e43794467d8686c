//! Word, position and token type embeddings.

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{Device, Tensor};

use super::dropout::Dropouts;
use super::norm::LayerNorm;
use super::settings::Settings;
use crate::input::EncoderInput;

/// Sum of word, position and token type embeddings, normalised.
#[derive(Module, Debug)]
pub struct Embeddings {
    /// `[vocab_size, hidden]`.
    pub word_embeddings: Embedding,
    /// `[max_position_embeddings, hidden]`.
    pub position_embeddings: Embedding,
    /// `[type_vocab_size, hidden]`.
    pub token_type_embeddings: Embedding,
    /// Over the hidden dimension.
    pub layer_norm: LayerNorm,
    dropout: f64,
}

impl Embeddings {
    pub(crate) fn new(settings: &Settings, device: &Device) -> Self {
        let table = |rows| EmbeddingConfig::new(rows, settings.hidden).init(device);
        Self {
            word_embeddings: table(settings.words),
            position_embeddings: table(settings.positions),
            token_type_embeddings: table(settings.token_types),
            layer_norm: LayerNorm::new(settings, device),
            dropout: settings.dropout,
        }
    }

    /// Embeds tokens at their positions in their sequences.
    ///
    /// # Shapes
    /// - output: `[batch, length, hidden]`, or `[1, tokens, hidden]` where the input is packed
    pub fn forward(&self, input: &EncoderInput, dropouts: &mut Dropouts) -> Tensor<3> {
        self.forward_perturbed(input, None, dropouts)
    }

    /// [`forward`](Self::forward) with something added to what the word embeddings look up, as a
    /// forward hook of transformers' `get_input_embeddings()` can.
    ///
    /// # Shapes
    /// - `perturbation`: as the output
    pub fn forward_perturbed(
        &self,
        input: &EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let ids = input.input_ids.clone();
        let positions = input.layout.positions(&ids.device());
        let look_up = |table: &Embedding, ids| fused::embedding(table.weight.val(), ids);
        let mut words = look_up(&self.word_embeddings, ids);
        if let Some(perturbation) = perturbation {
            words = words + perturbation;
        }
        let sum = words
            + look_up(&self.token_type_embeddings, input.token_type_ids.clone())
            + look_up(&self.position_embeddings, positions);
        fused::dropout(self.layer_norm.forward(sum), dropouts.next(self.dropout))
    }
}
