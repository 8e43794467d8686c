//! XLNet's `config.json`.

use serde::{Deserialize, Serialize};

use crate::blocks::HiddenAct;
use crate::family::{FamilyConfig, Outline, fields};

/// XLNet has no longest sequence; a number that a length is checked against, beyond what memory holds.
const LONGEST: usize = 1_000_000;

/// The settings of an XLNet encoder, under Hugging Face's names and with Hugging Face's defaults.
///
/// Source: `XLNetConfig` of transformers. Fields that do not change the computation are ignored, among them those of
/// the memory (`mem_len`, `reuse_len`): a classifier keeps none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct XlNetConfig {
    /// Architecture family; only `xlnet` is accepted.
    pub model_type: String,
    /// Rows of the word embedding; `n_token` or 32,000 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocab_size: Option<usize>,
    /// An older name of `vocab_size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_token: Option<usize>,
    /// Width of every hidden state.
    #[serde(alias = "hidden_size")]
    pub d_model: usize,
    /// Number of transformer layers.
    #[serde(alias = "num_hidden_layers")]
    pub n_layer: usize,
    /// Attention heads of each layer; divides `d_model`.
    #[serde(alias = "num_attention_heads")]
    pub n_head: usize,
    /// Width of the feed-forward block.
    pub d_inner: usize,
    /// Width of a head; only `d_model / n_head` is accepted.
    pub d_head: Option<usize>,
    /// Activation of the feed-forward block.
    pub ff_activation: HiddenAct,
    /// Which tokens attend to which; only `bi`, all to all, is accepted.
    pub attn_type: String,
    /// Standard deviation of a freshly initialised weight.
    pub initializer_range: f64,
    /// Epsilon of every layer normalisation.
    pub layer_norm_eps: f64,
    /// Every dropout of the encoder.
    pub dropout: f64,
    /// Two directions in one batch; only `false` is accepted.
    pub bi_data: bool,
    /// Distances beyond it count as it; without a limit below 1.
    pub clamp_len: i64,
    /// Which token stands for a sequence; only `last` is accepted, and `cls_index`, which is the same without an index.
    pub summary_type: String,
    /// Whether the head has a projection.
    pub summary_use_proj: bool,
    /// Whether that projection has as many outputs as there are labels; only `false` is accepted.
    pub summary_proj_to_labels: bool,
    /// Activation after the projection; null for none.
    pub summary_activation: Option<HiddenAct>,
    /// Dropout before the projection.
    pub summary_first_dropout: f64,
    /// Dropout before the logits.
    pub summary_last_dropout: f64,
    /// Token that pads a batch to its longest sequence; `None`, JSON's null, if there is none.
    pub pad_token_id: Option<u32>,
}

impl Default for XlNetConfig {
    fn default() -> Self {
        Self {
            model_type: "xlnet".to_owned(),
            vocab_size: None,
            n_token: None,
            d_model: 1_024,
            n_layer: 24,
            n_head: 16,
            d_inner: 4_096,
            d_head: None,
            ff_activation: HiddenAct::Gelu,
            attn_type: "bi".to_owned(),
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            dropout: 0.1,
            bi_data: false,
            clamp_len: -1,
            summary_type: "last".to_owned(),
            summary_use_proj: true,
            summary_proj_to_labels: false,
            summary_activation: Some(HiddenAct::Tanh),
            summary_first_dropout: 0.0,
            summary_last_dropout: 0.1,
            pad_token_id: Some(5),
        }
    }
}

impl XlNetConfig {
    pub(super) fn words(&self) -> usize {
        self.vocab_size.or(self.n_token).unwrap_or(32_000)
    }
}

impl FamilyConfig for XlNetConfig {
    fn validate(&self) -> Result<(), String> {
        fields::at_least_one(&[
            ("vocab_size", self.words()),
            ("d_model", self.d_model),
            ("n_layer", self.n_layer),
            ("n_head", self.n_head),
            ("d_inner", self.d_inner),
        ])?;
        fields::only(
            "n_token",
            self.n_token.unwrap_or(self.words()),
            self.words(),
        )?;
        fields::size(self.num_params(), ("n_layer", self.n_layer))?;
        fields::token("pad_token_id", self.pad_token_id, self.words())?;
        fields::divides(("n_head", self.n_head), ("d_model", self.d_model))?;
        if !self.d_model.is_multiple_of(2) {
            return Err(format!(
                "d_model is {}, accepted is an even number",
                self.d_model
            ));
        }
        let head = self.d_model / self.n_head;
        fields::only("d_head", self.d_head.unwrap_or(head), head)?;
        fields::probabilities(fields::named!(
            self,
            dropout,
            summary_first_dropout,
            summary_last_dropout
        ))?;
        fields::positive(fields::named!(self, initializer_range, layer_norm_eps))?;
        fields::only_text("attn_type", &self.attn_type, "bi")?;
        fields::only("bi_data", self.bi_data, false)?;
        let to_labels = self.summary_proj_to_labels;
        fields::only("summary_proj_to_labels", to_labels, false)?;
        match self.summary_type.as_str() {
            "last" | "cls_index" => Ok(()),
            other => Err(format!(
                "summary_type is `{other}`, accepted is `last` or `cls_index`"
            )),
        }
    }

    fn outline(&self) -> Outline<'_> {
        Outline {
            model_type: &self.model_type,
            architecture: "XLNetForSequenceClassification",
            vocab_size: self.words(),
            hidden_size: self.d_model,
            num_hidden_layers: self.n_layer,
            type_vocab_size: None,
            max_length: LONGEST,
            pad_token_id: self.pad_token_id.unwrap_or(0),
            tokenizer_class: "XLNetTokenizer",
            initializer_range: self.initializer_range,
        }
    }

    fn num_params(&self) -> usize {
        // A configuration may claim more than any memory holds: wider than usize, then cut.
        let [words, hidden, inner, layers] =
            [self.words(), self.d_model, self.d_inner, self.n_layer].map(|n| n as f64);
        let norm = 2.0 * hidden;
        // Five projections, three biases and two segments.
        let attention = 5.0 * hidden * hidden + 5.0 * hidden + norm;
        let feed_forward = 2.0 * hidden * inner + inner + hidden + norm;
        ((words + 1.0) * hidden + layers * (attention + feed_forward)) as usize
    }

    fn matrix_flops(&self, length: usize) -> f64 {
        let [hidden, inner, length, layers] =
            [self.d_model, self.d_inner, length, self.n_layer].map(|n| n as f64);
        // Key and value of a token, and the projection of two distances; query, output, feed-forward block, scores of
        // contents and of twice as many distances, and their use. Of the last layer the latter for one token.
        let seen = 4.0 * hidden * hidden;
        let computed = 2.0 * hidden * (hidden + inner) + 4.0 * length * hidden;
        2.0 * (layers * length * seen + ((layers - 1.0) * length + 1.0) * computed)
    }
}
