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
    /// The embeddings and each layer's result: `num_hidden_layers + 1` tensors `[batch, length, hidden]`, or
    /// `[1, tokens, hidden]` where the input is packed.
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
        self.pooled(input, None, dropouts)
    }

    /// [`forward`](Self::forward) with `perturbation`, of the shape of the embeddings, added to what the
    /// word embeddings look up.
    pub fn forward_perturbed(
        &self,
        input: EncoderInput,
        perturbation: Tensor<3>,
        dropouts: &mut Dropouts,
    ) -> Tensor<2> {
        self.pooled(input, Some(perturbation), dropouts)
    }

    fn pooled(
        &self,
        input: EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<2> {
        let embedded = self
            .embeddings
            .forward_perturbed(&input, perturbation, dropouts);
        let first = self
            .encoder
            .forward_first(embedded, &input.layout, dropouts);
        self.pooler.forward(first)
    }

    /// Computes the pooled output and keeps every hidden state of every token.
    ///
    /// The last layer's dropout has other masks than in [`forward`](Self::forward), which computes fewer
    /// tokens there.
    pub fn forward_with_hidden_states(
        &self,
        input: EncoderInput,
        dropouts: &mut Dropouts,
    ) -> BertModelOutput {
        let embedded = self.embeddings.forward(&input, dropouts);
        let mut hidden_states = vec![embedded.clone()];
        let seen = |hidden: &Tensor<3>| hidden_states.push(hidden.clone());
        let hidden = self
            .encoder
            .forward(embedded, &input.layout, dropouts, seen);
        let first = input.layout.first(hidden);
        BertModelOutput {
            hidden_states,
            pooled: self.pooler.forward(first.flatten(0, 1)),
        }
    }
}
