//! DistilBERT (Sanh et al., 2019, arXiv:1910.01108).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{Family, FamilyConfig, Outline, Stages, fields};
use crate::blocks::{
    Dropouts, Embeddings, FirstPosition, Heads, HiddenAct, LayerNorm, Linear, Settings,
};
use crate::input::{EncoderInput, Layout, Tokens};
use crate::names::{Names, RENAMED};
use crate::roles::{Projection, Role};

/// Of every normalisation; the configuration has no field for it.
const EPSILON: f64 = 1e-12;

/// The settings of a DistilBERT encoder, under Hugging Face's names and with Hugging Face's defaults.
///
/// Source: `DistilBertConfig` of transformers. Fields that do not change the computation are ignored, among them
/// `sinusoidal_pos_embds`, which concerns initial values: a checkpoint holds its position embeddings either way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DistilBertConfig {
    /// Architecture family; only `distilbert` is accepted.
    pub model_type: String,
    /// Rows of the word embedding.
    pub vocab_size: usize,
    /// Rows of the position embedding: the longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// Number of transformer layers.
    #[serde(alias = "num_hidden_layers")]
    pub n_layers: usize,
    /// Attention heads of each layer; divides `dim`.
    #[serde(alias = "num_attention_heads")]
    pub n_heads: usize,
    /// Width of every hidden state.
    #[serde(alias = "hidden_size")]
    pub dim: usize,
    /// Width of the feed-forward block.
    pub hidden_dim: usize,
    /// Dropout after the embeddings and after the feed-forward block.
    pub dropout: f64,
    /// Dropout of the attention probabilities.
    pub attention_dropout: f64,
    /// Activation of the feed-forward block.
    pub activation: HiddenAct,
    /// Standard deviation of a freshly initialised weight.
    pub initializer_range: f64,
    /// Dropout in the classification head.
    pub seq_classif_dropout: f64,
    /// Token that pads a batch to its longest sequence; `None`, JSON's null, if there is none.
    pub pad_token_id: Option<u32>,
}

impl Default for DistilBertConfig {
    fn default() -> Self {
        Self {
            model_type: "distilbert".to_owned(),
            vocab_size: 30_522,
            max_position_embeddings: 512,
            n_layers: 6,
            n_heads: 12,
            dim: 768,
            hidden_dim: 3_072,
            dropout: 0.1,
            attention_dropout: 0.1,
            activation: HiddenAct::Gelu,
            initializer_range: 0.02,
            seq_classif_dropout: 0.2,
            pad_token_id: Some(0),
        }
    }
}

impl DistilBertConfig {
    fn settings(&self) -> Settings {
        Settings {
            words: self.vocab_size,
            positions: self.max_position_embeddings,
            first_position: FirstPosition::Zero,
            token_types: 0,
            embedding: self.dim,
            hidden: self.dim,
            intermediate: self.hidden_dim,
            layers: self.n_layers,
            heads: self.n_heads,
            activation: self.activation,
            dropout: self.dropout,
            attention_dropout: self.attention_dropout,
            epsilon: EPSILON,
        }
    }
}

impl FamilyConfig for DistilBertConfig {
    fn validate(&self) -> Result<(), String> {
        fields::at_least_one(fields::named!(
            self,
            vocab_size,
            max_position_embeddings,
            n_layers,
            n_heads,
            dim,
            hidden_dim
        ))?;
        fields::size(self.num_params(), ("n_layers", self.n_layers))?;
        fields::token("pad_token_id", self.pad_token_id, self.vocab_size)?;
        fields::divides(("n_heads", self.n_heads), ("dim", self.dim))?;
        fields::probabilities(fields::named!(
            self,
            dropout,
            attention_dropout,
            seq_classif_dropout
        ))?;
        fields::positive(fields::named!(self, initializer_range))
    }

    fn outline(&self) -> Outline<'_> {
        Outline {
            model_type: &self.model_type,
            architecture: "DistilBertForSequenceClassification",
            vocab_size: self.vocab_size,
            hidden_size: self.dim,
            num_hidden_layers: self.n_layers,
            type_vocab_size: None,
            max_length: self.max_position_embeddings,
            pad_token_id: self.pad_token_id.unwrap_or(0),
            tokenizer_class: "DistilBertTokenizer",
            initializer_range: self.initializer_range,
        }
    }

    fn num_params(&self) -> usize {
        let settings = self.settings();
        (settings.embedding_params() + settings.layer_params()) as usize
    }

    fn matrix_flops(&self, length: usize) -> f64 {
        self.settings().layer_flops(length, 1)
    }
}

/// The encoder, as transformers' `DistilBertModel`.
#[derive(Module, Debug)]
pub(crate) struct DistilBertModel {
    embeddings: Embeddings,
    transformer: Transformer,
}

#[derive(Module, Debug)]
struct Transformer {
    layer: Vec<TransformerBlock>,
}

/// Attention, then feed-forward, each with residual and normalisation after it.
#[derive(Module, Debug)]
struct TransformerBlock {
    attention: MultiHeadSelfAttention,
    sa_layer_norm: LayerNorm,
    ffn: FeedForward,
    output_layer_norm: LayerNorm,
}

#[derive(Module, Debug)]
struct MultiHeadSelfAttention {
    q_lin: Linear,
    k_lin: Linear,
    v_lin: Linear,
    out_lin: Linear,
    #[module(skip)]
    heads: Heads,
}

#[derive(Module, Debug)]
struct FeedForward {
    lin1: Linear,
    lin2: Linear,
    #[module(skip)]
    activation: HiddenAct,
    dropout: f64,
}

impl TransformerBlock {
    fn new(settings: &Settings, device: &Device) -> Self {
        let (dim, inner) = (settings.hidden, settings.intermediate);
        let square = || Linear::new(dim, dim, device);
        let norm = || LayerNorm::new(dim, settings.epsilon, device);
        Self {
            attention: MultiHeadSelfAttention {
                q_lin: square(),
                k_lin: square(),
                v_lin: square(),
                out_lin: square(),
                heads: settings.into(),
            },
            sa_layer_norm: norm(),
            ffn: FeedForward {
                lin1: Linear::new(dim, inner, device),
                lin2: Linear::new(inner, dim, device),
                activation: settings.activation,
                dropout: settings.dropout,
            },
            output_layer_norm: norm(),
        }
    }

    fn forward(
        &self,
        hidden: Tensor<3>,
        layout: &Layout,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let Self { attention, ffn, .. } = self;
        let hidden = attention.q_lin.adopt(hidden);
        let layers = [&attention.q_lin, &attention.k_lin, &attention.v_lin];
        let heads = attention.heads;
        let (residual, context) = heads.attended(layers, hidden, layout, tokens, dropouts);
        let attended =
            attention
                .out_lin
                .forward_residual(context, residual, &self.sa_layer_norm, None);

        let [residual, attended] = fused::branches(attended);
        let wide = ffn.activation.after(&ffn.lin1, attended);
        let dropout = dropouts.next(ffn.dropout);
        ffn.lin2
            .forward_residual(wide, residual, &self.output_layer_norm, dropout)
    }
}

/// A classifier of the first token, as transformers' `DistilBertForSequenceClassification`.
#[derive(Module, Debug)]
pub(crate) struct DistilBertForSequenceClassification {
    distilbert: DistilBertModel,
    pre_classifier: Linear,
    classifier: Linear,
    dropout: f64,
}

impl Family for DistilBertForSequenceClassification {
    type Config = DistilBertConfig;

    const MODEL_TYPES: &'static [&'static str] = &["distilbert"];

    const NAMES: Names = Names {
        base: "distilbert",
        parts: &["embeddings", "transformer"],
        renamed: RENAMED,
        heads: &["pre_classifier", "classifier"],
        head_layers: &["pre_classifier", "classifier"],
        optional: &[],
        other_heads: &["qa_outputs"],
        left_aside: &[
            "vocab_transform.",
            "vocab_layer_norm.",
            "vocab_projector.",
            "distilbert.embeddings.position_ids",
        ],
    };

    fn new(config: &DistilBertConfig, labels: usize, device: &Device) -> Self {
        let settings = config.settings();
        let layers = 0..settings.layers;
        Self {
            distilbert: DistilBertModel {
                embeddings: Embeddings::new(&settings, device),
                transformer: Transformer {
                    layer: layers
                        .map(|_| TransformerBlock::new(&settings, device))
                        .collect(),
                },
            },
            pre_classifier: Linear::new(config.dim, config.dim, device),
            classifier: Linear::new(config.dim, labels, device),
            dropout: config.seq_classif_dropout,
        }
    }

    fn role(path: &str) -> Option<Role> {
        let (layer, parameter) = path.rsplit_once('.')?;
        let projection = match layer.rsplit('.').next()? {
            "q_lin" => Projection::Query,
            "k_lin" => Projection::Key,
            "v_lin" => Projection::Value,
            "out_lin" | "lin1" | "lin2" => Projection::Dense,
            "sa_layer_norm" | "output_layer_norm" => return Some(Role::Norm),
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
            "pre_classifier" => Some(&mut self.pre_classifier),
            "classifier" => Some(&mut self.classifier),
            _ => None,
        }
    }
}

impl Stages for DistilBertForSequenceClassification {
    fn embedding_width(&self) -> usize {
        self.distilbert.embeddings.width()
    }

    fn embed(
        &self,
        input: &EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        self.distilbert
            .embeddings
            .forward_perturbed(input, perturbation, dropouts)
    }

    fn depth(&self) -> usize {
        self.distilbert.transformer.layer.len()
    }

    fn layer(
        &self,
        index: usize,
        hidden: Tensor<3>,
        input: &EncoderInput,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        self.distilbert.transformer.layer[index].forward(hidden, &input.layout, tokens, dropouts)
    }

    fn logits(&self, summary: Tensor<2>, dropouts: &mut Dropouts) -> Tensor<2> {
        let first = self.pre_classifier.adopt(summary);
        let first = HiddenAct::Relu.after(&self.pre_classifier, first);
        self.classifier
            .forward(fused::dropout(first, dropouts.next(self.dropout)))
    }
}
