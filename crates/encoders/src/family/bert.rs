//! BERT (Devlin et al., 2019, arXiv:1810.04805).

mod config;
mod masked_lm;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::{Family, Stages};
use crate::blocks::{Dropouts, Embeddings, Encoder, Linear, Pooler};
use crate::input::{EncoderInput, Layout, Tokens};
use crate::names::{Names, RENAMED};
use crate::pooling::ClassifierPooling;
use crate::roles::Role;

pub use config::BertConfig;
pub use masked_lm::{
    BertBody, BertForMaskedLM, MaskedLmHead, MaskedLmPredictions, MaskedLmTransform,
};

/// The parts of [`BertModel`].
const PARTS: &[&str] = &["embeddings", "encoder", "pooler"];
/// A buffer that older versions of transformers saved.
const POSITION_IDS: &str = "bert.embeddings.position_ids";

/// The encoder without a head, as transformers' `BertModel`.
#[derive(Module, Debug)]
pub(crate) struct BertModel {
    embeddings: Embeddings,
    encoder: Encoder,
    /// None where the mean of all tokens stands for a sequence.
    pooler: Option<Pooler>,
}

/// A linear classifier over the pooled output, as transformers' `BertForSequenceClassification`, or over the mean of all
/// tokens, as many sentence encoders are trained.
#[derive(Module, Debug)]
pub(crate) struct BertForSequenceClassification {
    bert: BertModel,
    classifier: Linear,
    dropout: f64,
    #[module(skip)]
    pooling: ClassifierPooling,
}

impl Family for BertForSequenceClassification {
    type Config = BertConfig;

    const MODEL_TYPES: &'static [&'static str] = &["bert"];

    const NAMES: Names = Names {
        base: "bert",
        parts: PARTS,
        renamed: RENAMED,
        heads: &["classifier"],
        head_layers: &["classifier"],
        optional: &["bert.pooler.dense"],
        other_heads: &["qa_outputs"],
        left_aside: &["cls.predictions.", "cls.seq_relationship.", POSITION_IDS],
    };

    fn new(config: &BertConfig, labels: usize, device: &Device) -> Self {
        let settings = config.settings();
        Self {
            bert: BertModel {
                embeddings: Embeddings::new(&settings, device),
                encoder: Encoder::new(&settings, device),
                pooler: config
                    .classifier_pooling
                    .is_cls()
                    .then(|| Pooler::new(&settings, device)),
            },
            classifier: Linear::new(config.hidden_size, labels, device),
            dropout: config.classifier_dropout(),
            pooling: config.classifier_pooling,
        }
    }

    fn role(path: &str) -> Option<Role> {
        Role::in_blocks(path, Self::NAMES.heads)
    }

    fn fresh_layer(&mut self, path: &str) -> Option<&mut Linear> {
        match path {
            "classifier" => Some(&mut self.classifier),
            "bert.pooler.dense" => self.bert.pooler.as_mut().map(|pooler| &mut pooler.dense),
            _ => None,
        }
    }
}

impl Stages for BertForSequenceClassification {
    fn embedding_width(&self) -> usize {
        self.bert.embeddings.width()
    }

    fn embed(
        &self,
        input: &EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        self.bert
            .embeddings
            .forward_perturbed(input, perturbation, dropouts)
    }

    fn depth(&self) -> usize {
        self.bert.encoder.layer.len()
    }

    fn layer(
        &self,
        index: usize,
        hidden: Tensor<3>,
        input: &EncoderInput,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        self.bert.encoder.layer[index].forward(hidden, &input.layout, tokens, dropouts)
    }

    fn summary(&self, hidden: Tensor<3>, layout: &Layout) -> Tensor<2> {
        self.pooling.summary(hidden, layout)
    }

    fn summarised(&self) -> Tokens {
        self.pooling.tokens()
    }

    fn logits(&self, summary: Tensor<2>, dropouts: &mut Dropouts) -> Tensor<2> {
        let pooled = match &self.bert.pooler {
            Some(pooler) => pooler.forward(summary),
            None => self.classifier.adopt(summary),
        };
        self.classifier
            .forward(fused::dropout(pooled, dropouts.next(self.dropout)))
    }
}
