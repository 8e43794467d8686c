//! DeBERTa-v2 and v3 (He et al., 2021, arXiv:2006.03654 and arXiv:2111.09543).

mod attention;
mod config;

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig};
use burn::tensor::{Device, Tensor};

use self::attention::DisentangledSelfAttention;
use super::{Family, Stages};
use crate::blocks::{
    Dropouts, Embeddings, HiddenAct, Intermediate, LayerNorm, Linear, Output, Settings,
};
use crate::input::{AttentionStates, EncoderInput, Layout, Tokens};
use crate::names::{Names, RENAMED};
use crate::roles::{Projection, Role};

pub use config::{DebertaV2Config, PositionTerm, PositionTerms};

/// The encoder, as transformers' `DebertaV2Model`.
#[derive(Module, Debug)]
pub(crate) struct DebertaModel {
    embeddings: Embeddings,
    encoder: DebertaEncoder,
}

#[derive(Module, Debug)]
struct DebertaEncoder {
    layer: Vec<DebertaLayer>,
    /// Of distances, `[2 * span, hidden]`.
    rel_embeddings: Option<Embedding>,
    /// Of `rel_embeddings`.
    layer_norm: Option<LayerNorm>,
}

/// Attention, then feed-forward, each with residual and normalisation after it.
#[derive(Module, Debug)]
struct DebertaLayer {
    attention: DebertaAttention,
    intermediate: Intermediate,
    output: Output,
}

#[derive(Module, Debug)]
struct DebertaAttention {
    self_attention: DisentangledSelfAttention,
    output: Output,
}

/// `activation(dense(dropout(first token)))`.
#[derive(Module, Debug)]
struct ContextPooler {
    dense: Linear,
    #[module(skip)]
    activation: HiddenAct,
    dropout: f64,
}

/// A linear classifier over the pooled first token, as transformers' `DebertaV2ForSequenceClassification`.
#[derive(Module, Debug)]
pub(crate) struct DebertaForSequenceClassification {
    deberta: DebertaModel,
    pooler: ContextPooler,
    classifier: Linear,
    dropout: f64,
}

impl DebertaLayer {
    fn new(config: &DebertaV2Config, settings: &Settings, device: &Device) -> Self {
        Self {
            attention: DebertaAttention {
                self_attention: DisentangledSelfAttention::new(config, device),
                output: Output::new(settings.hidden, settings, device),
            },
            intermediate: Intermediate::new(settings, device),
            output: Output::new(settings.intermediate, settings, device),
        }
    }

    fn forward(
        &self,
        hidden: Tensor<3>,
        distances: Option<Tensor<2>>,
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let attention = &self.attention.self_attention;
        let hidden = attention.query_proj.adopt(hidden);
        let AttentionStates {
            residual,
            queries,
            keys,
            values,
        } = layout.for_attention(tokens, hidden);
        let inputs = [queries, keys, values];
        let context = attention.forward(inputs, distances, layout, tokens, dropouts);
        let attended = self.attention.output.forward(context, residual, dropouts);
        let [residual, attended] = fused::branches(attended);
        let wide = self.intermediate.forward(attended);
        self.output.forward(wide, residual, dropouts)
    }
}

impl Family for DebertaForSequenceClassification {
    type Config = DebertaV2Config;

    const MODEL_TYPES: &'static [&'static str] = &["deberta-v2"];

    const NAMES: Names = Names {
        base: "deberta",
        parts: &["embeddings", "encoder"],
        renamed: RENAMED,
        heads: &["classifier"],
        head_layers: &["classifier"],
        optional: &["pooler.dense"],
        other_heads: &["qa_outputs"],
        left_aside: &[
            "cls.predictions.",
            "lm_predictions.",
            "mask_predictions.",
            "deberta.embeddings.position_ids",
            // Of v3, which saved them although its embeddings have no positions.
            "deberta.embeddings.position_embeddings.",
        ],
    };

    fn new(config: &DebertaV2Config, labels: usize, device: &Device) -> Self {
        let settings = config.settings();
        let hidden = config.hidden_size;
        let layers = 0..settings.layers;
        let span = config.span();
        let is_normed = config.norms_distances();
        Self {
            deberta: DebertaModel {
                embeddings: Embeddings::new(&settings, device),
                encoder: DebertaEncoder {
                    layer: layers
                        .map(|_| DebertaLayer::new(config, &settings, device))
                        .collect(),
                    rel_embeddings: config
                        .relative_attention
                        .then(|| EmbeddingConfig::new(2 * span, hidden).init(device)),
                    layer_norm: is_normed
                        .then(|| LayerNorm::new(hidden, config.layer_norm_eps, device)),
                },
            },
            pooler: ContextPooler {
                dense: Linear::new(hidden, hidden, device),
                activation: config.pooler_hidden_act,
                dropout: config.pooler_dropout,
            },
            classifier: Linear::new(hidden, labels, device),
            dropout: config.cls_dropout.unwrap_or(config.hidden_dropout_prob),
        }
    }

    fn role(path: &str) -> Option<Role> {
        let (layer, parameter) = path.rsplit_once('.')?;
        let projection = match layer.rsplit('.').next()? {
            "rel_embeddings" => return Some(Role::Embedding),
            "query_proj" => Projection::Query,
            "key_proj" => Projection::Key,
            "value_proj" => Projection::Value,
            "pos_key_proj" | "pos_query_proj" => Projection::Dense,
            _ => return Role::in_blocks(path, Self::NAMES.heads),
        };
        match parameter {
            "weight" => Some(Role::Weight(projection)),
            "bias" => Some(Role::Bias(projection)),
            _ => None,
        }
    }

    fn fresh_layer(&mut self, path: &str) -> Option<&mut Linear> {
        match path {
            "classifier" => Some(&mut self.classifier),
            "pooler.dense" => Some(&mut self.pooler.dense),
            _ => None,
        }
    }
}

impl Stages for DebertaForSequenceClassification {
    fn embedding_width(&self) -> usize {
        self.deberta.embeddings.width()
    }

    fn embed(
        &self,
        input: &EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        self.deberta
            .embeddings
            .forward_perturbed(input, perturbation, dropouts)
    }

    fn depth(&self) -> usize {
        self.deberta.encoder.layer.len()
    }

    fn layer(
        &self,
        index: usize,
        hidden: Tensor<3>,
        input: &EncoderInput,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let encoder = &self.deberta.encoder;
        let distances = encoder.rel_embeddings.as_ref().map(|table| {
            let table = table.weight.val();
            match &encoder.layer_norm {
                Some(norm) => norm.forward(table),
                None => table,
            }
        });
        encoder.layer[index].forward(hidden, distances, &input.layout, tokens, dropouts)
    }

    fn logits(&self, summary: Tensor<2>, dropouts: &mut Dropouts) -> Tensor<2> {
        let ContextPooler {
            dense,
            activation,
            dropout,
        } = &self.pooler;
        let first = fused::dropout(dense.adopt(summary), dropouts.next(*dropout));
        let pooled = activation.after(dense, first);
        self.classifier
            .forward(fused::dropout(pooled, dropouts.next(self.dropout)))
    }
}
