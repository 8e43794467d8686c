//! XLNet (Yang et al., 2019, arXiv:1906.08237), its content stream.

mod attention;
mod config;

use burn::module::{Module, Param};
use burn::nn::{Embedding, EmbeddingConfig, Initializer};
use burn::tensor::{Device, Tensor};

use self::attention::RelativeAttention;
use super::{Family, Stages};
use crate::blocks::{Dropouts, HiddenAct, LayerNorm, Linear};
use crate::input::{EncoderInput, Layout, Tokens};
use crate::names::Names;
use crate::roles::{Projection, Role};

pub use config::XlNetConfig;

/// The encoder, as transformers' `XLNetModel`.
#[derive(Module, Debug)]
pub(crate) struct XlNetModel {
    word_embedding: Embedding,
    /// Of the stream of pretraining's queries; a classifier does not use it.
    mask_emb: Param<Tensor<3>>,
    layer: Vec<XlNetLayer>,
    dropout: f64,
}

/// Attention, then feed-forward, each with residual and normalisation after it.
#[derive(Module, Debug)]
struct XlNetLayer {
    rel_attn: RelativeAttention,
    ff: FeedForward,
}

#[derive(Module, Debug)]
struct FeedForward {
    layer_norm: LayerNorm,
    layer_1: Linear,
    layer_2: Linear,
    #[module(skip)]
    activation: HiddenAct,
    dropout: f64,
}

/// `dropout(activation(summary(dropout(last token))))`.
#[derive(Module, Debug)]
struct SequenceSummary {
    /// `None` without a projection.
    summary: Option<Linear>,
    #[module(skip)]
    activation: Option<HiddenAct>,
    first_dropout: f64,
    last_dropout: f64,
}

/// A classifier of the last token, as transformers' `XLNetForSequenceClassification`.
#[derive(Module, Debug)]
pub(crate) struct XlNetForSequenceClassification {
    transformer: XlNetModel,
    sequence_summary: SequenceSummary,
    logits_proj: Linear,
}

impl FeedForward {
    fn new(config: &XlNetConfig, device: &Device) -> Self {
        let (hidden, inner) = (config.d_model, config.d_inner);
        Self {
            layer_norm: LayerNorm::new(hidden, config.layer_norm_eps, device),
            layer_1: Linear::new(hidden, inner, device),
            layer_2: Linear::new(inner, hidden, device),
            activation: config.ff_activation,
            dropout: config.dropout,
        }
    }

    fn forward(&self, x: Tensor<3>, dropouts: &mut Dropouts) -> Tensor<3> {
        let [residual, x] = fused::branches(self.layer_1.adopt(x));
        let wide = self.activation.after(&self.layer_1, x);
        let wide = fused::dropout(wide, dropouts.next(self.dropout));
        let dropout = dropouts.next(self.dropout);
        self.layer_2
            .forward_residual(wide, residual, &self.layer_norm, dropout)
    }
}

impl Family for XlNetForSequenceClassification {
    type Config = XlNetConfig;

    const MODEL_TYPES: &'static [&'static str] = &["xlnet"];

    const NAMES: Names = Names {
        base: "transformer",
        parts: &["word_embedding", "mask_emb", "layer"],
        renamed: &[],
        heads: &["sequence_summary", "logits_proj"],
        head_layers: &["sequence_summary.summary", "logits_proj"],
        optional: &[],
        other_heads: &[
            "qa_outputs",
            "start_logits",
            "end_logits",
            "answer_class",
            "classifier",
        ],
        left_aside: &["lm_loss."],
    };

    fn new(config: &XlNetConfig, labels: usize, device: &Device) -> Self {
        let hidden = config.d_model;
        let layers = 0..config.n_layer;
        Self {
            transformer: XlNetModel {
                word_embedding: EmbeddingConfig::new(config.words(), hidden).init(device),
                mask_emb: Initializer::Zeros.init([1, 1, hidden], device),
                layer: layers
                    .map(|_| XlNetLayer {
                        rel_attn: RelativeAttention::new(config, device),
                        ff: FeedForward::new(config, device),
                    })
                    .collect(),
                dropout: config.dropout,
            },
            sequence_summary: SequenceSummary {
                summary: config
                    .summary_use_proj
                    .then(|| Linear::new(hidden, hidden, device)),
                activation: config.summary_activation,
                first_dropout: config.summary_first_dropout,
                last_dropout: config.summary_last_dropout,
            },
            logits_proj: Linear::new(hidden, labels, device),
        }
    }

    fn role(path: &str) -> Option<Role> {
        let (layer, parameter) = path.rsplit_once('.')?;
        if path.starts_with("sequence_summary.") || path.starts_with("logits_proj.") {
            return Some(Role::Head);
        }
        Some(match (layer.rsplit('.').next()?, parameter) {
            ("word_embedding", "weight") => Role::TokenEmbedding,
            (_, "mask_emb" | "seg_embed") => Role::Embedding,
            ("rel_attn", "q") => Role::Weight(Projection::Query),
            ("rel_attn", "k") => Role::Weight(Projection::Key),
            ("rel_attn", "v") => Role::Weight(Projection::Value),
            ("rel_attn", "o" | "r") => Role::Weight(Projection::Dense),
            ("rel_attn", "r_r_bias" | "r_s_bias" | "r_w_bias") => Role::Bias(Projection::Query),
            ("layer_norm", _) => Role::Norm,
            ("layer_1" | "layer_2", "weight") => Role::Weight(Projection::Dense),
            ("layer_1" | "layer_2", "bias") => Role::Bias(Projection::Dense),
            _ => return None,
        })
    }

    fn fresh_layer(&mut self, path: &str) -> Option<&mut Linear> {
        match path {
            "sequence_summary.summary" => self.sequence_summary.summary.as_mut(),
            "logits_proj" => Some(&mut self.logits_proj),
            _ => None,
        }
    }
}

impl Stages for XlNetForSequenceClassification {
    fn embedding_width(&self) -> usize {
        let [_, width] = self.transformer.word_embedding.weight.dims();
        width
    }

    fn embed(
        &self,
        input: &EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let table = self.transformer.word_embedding.weight.val();
        let mut words = fused::embedding(table, input.words());
        if let Some(perturbation) = perturbation {
            words = words + perturbation;
        }
        fused::dropout(words, dropouts.next(self.transformer.dropout))
    }

    fn depth(&self) -> usize {
        self.transformer.layer.len()
    }

    fn layer(
        &self,
        index: usize,
        hidden: Tensor<3>,
        input: &EncoderInput,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let XlNetLayer { rel_attn, ff } = &self.transformer.layer[index];
        ff.forward(rel_attn.forward(hidden, input, tokens, dropouts), dropouts)
    }

    /// transformers pads on the left, so that the last place of every sequence is its last token.
    fn summary(&self, hidden: Tensor<3>, layout: &Layout) -> Tensor<2> {
        layout.last(hidden).flatten(0, 1)
    }

    fn summarised(&self) -> Tokens {
        Tokens::Last
    }

    fn logits(&self, summary: Tensor<2>, dropouts: &mut Dropouts) -> Tensor<2> {
        let SequenceSummary {
            summary: projection,
            activation,
            first_dropout,
            last_dropout,
        } = &self.sequence_summary;
        let mut state = self.logits_proj.adopt(summary);
        // That of the encoder's output, of which this is all that is read.
        for dropout in [self.transformer.dropout, *first_dropout] {
            state = fused::dropout(state, dropouts.next(dropout));
        }
        if let Some(projection) = projection {
            state = projection.forward(state);
        }
        if let Some(activation) = activation {
            state = activation.of(state);
        }
        self.logits_proj
            .forward(fused::dropout(state, dropouts.next(*last_dropout)))
    }
}
