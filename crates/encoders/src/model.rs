//! The encoder without a head.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::config::BertConfig;
use crate::dropout::Dropouts;
use crate::embeddings::BertEmbeddings;
use crate::encoder::BertEncoder;
use crate::input::EncoderInput;
use crate::pooler::BertPooler;

/// BERT (Devlin et al., 2019, arXiv:1810.04805) as transformers' `BertModel` computes it.
#[derive(Module, Debug)]
pub struct BertModel {
    /// Words, positions, token types.
    pub embeddings: BertEmbeddings,
    /// The layers.
    pub encoder: BertEncoder,
    /// Summary of the sequence for a classification head.
    pub pooler: BertPooler,
}

/// What a [`BertModel`] computes for a batch.
#[derive(Clone, Debug)]
pub struct BertModelOutput {
    /// The embeddings and each layer's result: `num_hidden_layers + 1` tensors `[batch, length, hidden]`.
    pub hidden_states: Vec<Tensor<3>>,
    /// `[batch, hidden]`.
    pub pooled: Tensor<2>,
}

impl BertModel {
    pub(crate) fn new(config: &BertConfig, device: &Device) -> Self {
        Self {
            embeddings: BertEmbeddings::new(config, device),
            encoder: BertEncoder::new(config, device),
            pooler: BertPooler::new(config, device),
        }
    }

    /// Computes the pooled output, `[batch, hidden]`.
    pub fn forward(&self, input: EncoderInput, dropouts: &mut Dropouts) -> Tensor<2> {
        self.run(input, None, dropouts, |_| {})
    }

    /// [`forward`](Self::forward) with `[batch, length, hidden]` added to the word embeddings.
    pub fn forward_perturbed(
        &self,
        input: EncoderInput,
        perturbation: Tensor<3>,
        dropouts: &mut Dropouts,
    ) -> Tensor<2> {
        self.run(input, Some(perturbation), dropouts, |_| {})
    }

    /// Computes the pooled output and keeps every hidden state on the way.
    pub fn forward_with_hidden_states(
        &self,
        input: EncoderInput,
        dropouts: &mut Dropouts,
    ) -> BertModelOutput {
        let mut hidden_states = Vec::with_capacity(self.encoder.layer.len() + 1);
        let pooled = self.run(input, None, dropouts, |hidden| {
            hidden_states.push(hidden.clone())
        });
        BertModelOutput {
            hidden_states,
            pooled,
        }
    }

    fn run(
        &self,
        input: EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
        mut seen: impl FnMut(&Tensor<3>),
    ) -> Tensor<2> {
        let embedded = self.embeddings.forward_perturbed(
            input.input_ids,
            input.token_type_ids,
            perturbation,
            dropouts,
        );
        seen(&embedded);
        let hidden = self
            .encoder
            .forward(embedded, input.attention_mask, dropouts, seen);
        self.pooler.forward(hidden)
    }
}
