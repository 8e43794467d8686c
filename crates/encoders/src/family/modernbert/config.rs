//! ModernBERT's `config.json`.

use serde::{Deserialize, Serialize};

use crate::blocks::{HiddenAct, Initial};
use crate::family::{FamilyConfig, Outline, fields};
use crate::pooling::ClassifierPooling;

/// Which tokens a layer's attention reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// All of them.
    FullAttention,
    /// Those within a window.
    SlidingAttention,
}

/// Rotary positions of each kind of layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RopeParameters {
    /// Of layers that reach all tokens.
    pub full_attention: Option<Rope>,
    /// Of layers with a window.
    pub sliding_attention: Option<Rope>,
}

/// Rotary positions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rope {
    /// Only `default` is accepted.
    pub rope_type: String,
    /// The base of the wave lengths.
    pub rope_theta: Option<f64>,
}

impl Default for Rope {
    fn default() -> Self {
        Self {
            rope_type: "default".to_owned(),
            rope_theta: None,
        }
    }
}

/// The settings of a ModernBERT encoder, under Hugging Face's names and with Hugging Face's defaults.
///
/// Source: `ModernBertConfig` of transformers. Fields that do not change the computation are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModernBertConfig {
    /// Architecture family; only `modernbert` is accepted.
    pub model_type: String,
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Width of every hidden state.
    pub hidden_size: usize,
    /// Width of the feed-forward block.
    pub intermediate_size: usize,
    /// Number of transformer layers.
    pub num_hidden_layers: usize,
    /// Attention heads of each layer; divides `hidden_size` into even parts.
    pub num_attention_heads: usize,
    /// Activation of the feed-forward block.
    pub hidden_activation: HiddenAct,
    /// The longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// Standard deviation of a freshly initialised weight.
    pub initializer_range: f64,
    /// Where the normal distribution of fresh weights is cut, in standard deviations; null for 3.
    pub initializer_cutoff_factor: Option<f64>,
    /// Epsilon of every layer normalisation.
    pub norm_eps: f64,
    /// Whether normalisations have a shift.
    pub norm_bias: bool,
    /// Token that pads a batch to its longest sequence; `None`, JSON's null, if there is none.
    pub pad_token_id: Option<u32>,
    /// Whether the projections of attention have a bias.
    pub attention_bias: bool,
    /// Dropout of the attention probabilities and after attention.
    pub attention_dropout: f64,
    /// What each layer's attention reaches; if absent, everything in every `global_attn_every_n_layers`-th layer, from
    /// the first.
    pub layer_types: Option<Vec<AttentionKind>>,
    /// How often a layer reaches everything, where `layer_types` is absent.
    pub global_attn_every_n_layers: usize,
    /// Rotary positions.
    pub rope_parameters: Option<RopeParameters>,
    /// The base of the wave lengths of layers that reach everything, where `rope_parameters` does not say.
    pub global_rope_theta: Option<f64>,
    /// The base of the wave lengths of layers with a window, where `rope_parameters` does not say.
    pub local_rope_theta: Option<f64>,
    /// Other rotary positions; only null is accepted.
    pub rope_scaling: Option<serde_json::Value>,
    /// Tokens in a window: half of them before a token and half after.
    pub local_attention: usize,
    /// Dropout after the embeddings.
    pub embedding_dropout: f64,
    /// Whether the projections of the feed-forward block have a bias.
    pub mlp_bias: bool,
    /// Dropout in the feed-forward block.
    pub mlp_dropout: f64,
    /// What the classifier reads.
    pub classifier_pooling: ClassifierPooling,
    /// Dropout before the classifier.
    pub classifier_dropout: f64,
    /// Whether the head's projection has a bias.
    pub classifier_bias: bool,
    /// Activation of the head.
    pub classifier_activation: HiddenAct,
    /// Width of one head of the rotary positions; only `hidden_size / num_attention_heads` is accepted.
    pub head_dim: Option<usize>,
}

impl Default for ModernBertConfig {
    fn default() -> Self {
        Self {
            model_type: "modernbert".to_owned(),
            vocab_size: 50_368,
            hidden_size: 768,
            intermediate_size: 1_152,
            num_hidden_layers: 22,
            num_attention_heads: 12,
            hidden_activation: HiddenAct::Gelu,
            max_position_embeddings: 8_192,
            initializer_range: 0.02,
            initializer_cutoff_factor: Some(2.0),
            norm_eps: 1e-5,
            norm_bias: false,
            pad_token_id: Some(50_283),
            attention_bias: false,
            attention_dropout: 0.0,
            layer_types: None,
            global_attn_every_n_layers: 3,
            rope_parameters: None,
            global_rope_theta: None,
            local_rope_theta: None,
            rope_scaling: None,
            local_attention: 128,
            embedding_dropout: 0.0,
            mlp_bias: false,
            mlp_dropout: 0.0,
            classifier_pooling: ClassifierPooling::Cls,
            classifier_dropout: 0.0,
            classifier_bias: false,
            classifier_activation: HiddenAct::Gelu,
            head_dim: None,
        }
    }
}

impl ModernBertConfig {
    /// What a layer's attention reaches.
    pub(super) fn attention_of(&self, layer: usize) -> AttentionKind {
        match &self.layer_types {
            Some(kinds) => kinds[layer],
            None if layer.is_multiple_of(self.global_attn_every_n_layers) => {
                AttentionKind::FullAttention
            }
            None => AttentionKind::SlidingAttention,
        }
    }

    fn rope(&self, kind: AttentionKind) -> Option<&Rope> {
        let parameters = self.rope_parameters.as_ref()?;
        match kind {
            AttentionKind::FullAttention => parameters.full_attention.as_ref(),
            AttentionKind::SlidingAttention => parameters.sliding_attention.as_ref(),
        }
    }

    /// The base of the wave lengths of rotary positions.
    pub(super) fn theta(&self, kind: AttentionKind) -> f64 {
        let (older, usual) = match kind {
            AttentionKind::FullAttention => (self.global_rope_theta, 160_000.0),
            AttentionKind::SlidingAttention => (self.local_rope_theta, 10_000.0),
        };
        let theta = self.rope(kind).and_then(|rope| rope.rope_theta);
        theta.or(older).unwrap_or(usual)
    }
}

impl FamilyConfig for ModernBertConfig {
    fn validate(&self) -> Result<(), String> {
        fields::at_least_one(fields::named!(
            self,
            vocab_size,
            hidden_size,
            intermediate_size,
            num_hidden_layers,
            num_attention_heads,
            max_position_embeddings,
            global_attn_every_n_layers
        ))?;
        let layers = self.num_hidden_layers;
        fields::size(self.num_params(), ("num_hidden_layers", layers))?;
        fields::positions("max_position_embeddings", self.max_position_embeddings)?;
        fields::token("pad_token_id", self.pad_token_id, self.vocab_size)?;
        let heads = ("num_attention_heads", self.num_attention_heads);
        fields::divides(heads, ("hidden_size", self.hidden_size))?;
        let head = self.hidden_size / self.num_attention_heads;
        if !head.is_multiple_of(2) {
            return Err(format!(
                "num_attention_heads is {}, which makes heads of width {head}, accepted is an even width",
                self.num_attention_heads
            ));
        }
        fields::only("head_dim", self.head_dim.unwrap_or(head), head)?;
        fields::probabilities(fields::named!(
            self,
            attention_dropout,
            embedding_dropout,
            mlp_dropout,
            classifier_dropout
        ))?;
        fields::positive(&[
            ("initializer_range", self.initializer_range),
            (
                "initializer_cutoff_factor",
                self.initializer_cutoff_factor.unwrap_or(3.0),
            ),
            ("norm_eps", self.norm_eps),
        ])?;
        if let Some(kinds) = &self.layer_types
            && kinds.len() != layers
        {
            return Err(format!(
                "layer_types has {} entries, accepted are {layers}, as many as num_hidden_layers",
                kinds.len()
            ));
        }
        for kind in [
            AttentionKind::FullAttention,
            AttentionKind::SlidingAttention,
        ] {
            if let Some(rope) = self.rope(kind) {
                fields::only_text("rope_parameters: rope_type", &rope.rope_type, "default")?;
            }
            fields::positive(&[("rope_theta", self.theta(kind))])?;
        }
        match &self.rope_scaling {
            None => Ok(()),
            Some(scaling) => Err(format!("rope_scaling is {scaling}, accepted is null")),
        }
    }

    fn outline(&self) -> Outline<'_> {
        Outline {
            model_type: &self.model_type,
            architecture: "ModernBertForSequenceClassification",
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            num_hidden_layers: self.num_hidden_layers,
            type_vocab_size: None,
            max_length: self.max_position_embeddings,
            pad_token_id: self.pad_token_id.unwrap_or(0),
            tokenizer_class: "PreTrainedTokenizer",
            initializer_range: self.initializer_range,
        }
    }

    fn initial(&self, layer: &str) -> Initial {
        let std = match layer {
            "classifier" => (self.hidden_size as f64).powf(-0.5),
            // What a layer puts out is scaled down by the number of layers.
            _ => self.initializer_range / (2.0 * self.num_hidden_layers as f64).sqrt(),
        };
        Initial {
            std,
            cutoff: Some(self.initializer_cutoff_factor.unwrap_or(3.0)),
        }
    }

    fn pooling(&self) -> Option<ClassifierPooling> {
        Some(self.classifier_pooling)
    }

    fn set_pooling(&mut self, pooling: ClassifierPooling) {
        self.classifier_pooling = pooling;
    }

    fn num_params(&self) -> usize {
        // A configuration may claim more than any memory holds: wider than usize, then cut.
        let [words, hidden, inner, layers] = [
            self.vocab_size,
            self.hidden_size,
            self.intermediate_size,
            self.num_hidden_layers,
        ]
        .map(|n| n as f64);
        let with = |has_bias: bool| if has_bias { 1.0 } else { 0.0 };
        let norm = hidden * (1.0 + with(self.norm_bias));
        let attention = 4.0 * hidden * (hidden + with(self.attention_bias));
        let mlp = 3.0 * hidden * inner + with(self.mlp_bias) * (2.0 * inner + hidden);
        let head = hidden * (hidden + with(self.classifier_bias)) + norm;
        // Two normalisations in every layer but the first, of the embeddings and at the end.
        let norms = (2.0 * layers + 1.0) * norm;
        (words * hidden + layers * (attention + mlp) + norms + head) as usize
    }

    fn matrix_flops(&self, length: usize) -> f64 {
        let last = self.classifier_pooling.count(length);
        let [hidden, inner, length, layers] = [
            self.hidden_size,
            self.intermediate_size,
            length,
            self.num_hidden_layers,
        ]
        .map(|n| n as f64);
        // Key and value of a token; query, output, feed-forward block, scores and their use.
        let seen = 2.0 * hidden * hidden;
        let computed = 2.0 * hidden * hidden + 3.0 * hidden * inner + 2.0 * length * hidden;
        let last = last as f64;
        2.0 * (layers * length * seen + ((layers - 1.0) * length + last) * computed)
    }
}
