//! Word, position and token type embeddings.

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{Device, Tensor};

use super::dropout::Dropouts;
use super::norm::LayerNorm;
use super::settings::{FirstPosition, Settings};
use crate::input::EncoderInput;

/// Sum of word, position and token type embeddings, normalised.
#[derive(Module, Debug)]
pub struct Embeddings {
    /// `[vocab_size, width]`.
    pub word_embeddings: Embedding,
    /// `[max_position_embeddings, width]`, where the family has absolute positions.
    pub position_embeddings: Option<Embedding>,
    /// `[type_vocab_size, width]`, where the family has token types.
    pub token_type_embeddings: Option<Embedding>,
    /// Over the width.
    pub layer_norm: LayerNorm,
    dropout: f64,
    #[module(skip)]
    first_position: FirstPosition,
}

impl Embeddings {
    pub(crate) fn new(settings: &Settings, device: &Device) -> Self {
        let width = settings.embedding;
        let table = |rows| EmbeddingConfig::new(rows, width).init(device);
        let (positions, types) = (settings.positions, settings.token_types);
        Self {
            word_embeddings: table(settings.words),
            position_embeddings: (positions > 0).then(|| table(positions)),
            token_type_embeddings: (types > 0).then(|| table(types)),
            layer_norm: LayerNorm::new(width, settings.epsilon, device),
            dropout: settings.dropout,
            first_position: settings.first_position,
        }
    }

    /// Width of what it looks up.
    pub(crate) fn width(&self) -> usize {
        let [_, width] = self.word_embeddings.weight.dims();
        width
    }

    /// Embeds tokens at their positions in their sequences.
    ///
    /// # Shapes
    /// - output: `[batch, length, width]`, or `[1, tokens, width]` where the input is packed
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
        let look_up = |table: &Embedding, ids| fused::embedding(table.weight.val(), ids);
        let mut words = look_up(&self.word_embeddings, input.words());
        if let Some(perturbation) = perturbation {
            words = words + perturbation;
        }
        if let Some(types) = &self.token_type_embeddings {
            words = words + look_up(types, input.token_type_ids.clone());
        }
        if let Some(table) = &self.position_embeddings {
            let positions = match self.first_position {
                FirstPosition::Zero => input.layout.positions(&ids.device()),
                FirstPosition::AfterPadding(pad) => input.layout.positions_after(pad, ids),
            };
            words = words + look_up(table, positions);
        }
        fused::dropout(self.layer_norm.forward(words), dropouts.next(self.dropout))
    }
}
