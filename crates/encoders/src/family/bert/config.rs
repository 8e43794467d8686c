//! BERT's `config.json`.

use serde::{Deserialize, Serialize};

use crate::blocks::{FirstPosition, HiddenAct, Settings};
use crate::error::EncoderError;
use crate::family::fields::LikeBert;
use crate::family::{FamilyConfig, Outline, fields};
use crate::pooling::ClassifierPooling;

/// The settings of a BERT encoder, under Hugging Face's names and with Hugging Face's defaults.
///
/// Source: `BertConfig` of transformers. Fields that do not change the computation are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BertConfig {
    /// Architecture family; only `bert` is accepted.
    pub model_type: String,
    /// Rows of the word embedding.
    #[serde(default = "default::vocab_size")]
    pub vocab_size: usize,
    /// Width of every hidden state.
    #[serde(default = "default::hidden_size")]
    pub hidden_size: usize,
    /// Number of transformer layers.
    #[serde(default = "default::layers")]
    pub num_hidden_layers: usize,
    /// Attention heads of each layer; divides `hidden_size`.
    #[serde(default = "default::heads")]
    pub num_attention_heads: usize,
    /// Width of the feed-forward block.
    #[serde(default = "default::intermediate_size")]
    pub intermediate_size: usize,
    /// Activation of the feed-forward block.
    #[serde(default)]
    pub hidden_act: HiddenAct,
    /// Dropout after the embeddings and after each block's output projection.
    #[serde(default = "default::dropout")]
    pub hidden_dropout_prob: f64,
    /// Dropout of the attention probabilities.
    #[serde(default = "default::dropout")]
    pub attention_probs_dropout_prob: f64,
    /// Dropout before the classification head; `hidden_dropout_prob` if absent.
    #[serde(default)]
    pub classifier_dropout: Option<f64>,
    /// What the classifier reads: the first token through the pooler, as transformers' does, or the mean of all tokens
    /// without one. transformers knows the field for other families alone, and ignores it here.
    #[serde(
        default,
        deserialize_with = "ClassifierPooling::deserialize_or_cls",
        skip_serializing_if = "ClassifierPooling::is_cls"
    )]
    pub classifier_pooling: ClassifierPooling,
    /// Rows of the position embedding: the longest sequence, in tokens.
    #[serde(default = "default::positions")]
    pub max_position_embeddings: usize,
    /// Rows of the token type embedding.
    #[serde(default = "default::types")]
    pub type_vocab_size: usize,
    /// Standard deviation of a freshly initialised weight.
    #[serde(default = "default::initializer_range")]
    pub initializer_range: f64,
    /// Epsilon of every layer normalisation.
    #[serde(default = "default::layer_norm_eps")]
    pub layer_norm_eps: f64,
    /// Token that pads a batch to its longest sequence; `None`, JSON's null, if there is none.
    #[serde(default = "default::pad_token_id")]
    pub pad_token_id: Option<u32>,
    /// How positions enter; only `absolute` is accepted.
    #[serde(default = "default::position_embedding_type")]
    pub position_embedding_type: String,
    /// Causal attention; only `false` is accepted.
    #[serde(default)]
    pub is_decoder: bool,
}

impl BertConfig {
    /// Dropout before the classification head.
    pub fn classifier_dropout(&self) -> f64 {
        self.classifier_dropout.unwrap_or(self.hidden_dropout_prob)
    }

    /// Width of one attention head.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    /// Checks a configuration that was not read from a file.
    ///
    /// # Errors
    /// [`EncoderError::Setting`] with the first field that this crate cannot run.
    pub fn check(&self) -> Result<(), EncoderError> {
        self.validate().map_err(EncoderError::Setting)
    }

    /// The sizes and rates of its blocks.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            words: self.vocab_size,
            positions: self.max_position_embeddings,
            first_position: FirstPosition::Zero,
            token_types: self.type_vocab_size,
            embedding: self.hidden_size,
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            activation: self.hidden_act,
            dropout: self.hidden_dropout_prob,
            attention_dropout: self.attention_probs_dropout_prob,
            epsilon: self.layer_norm_eps,
        }
    }
}

impl FamilyConfig for BertConfig {
    fn validate(&self) -> Result<(), String> {
        fields::only_text("model_type", &self.model_type, "bert")?;
        fields::at_least_one(fields::named!(
            self,
            vocab_size,
            hidden_size,
            num_hidden_layers,
            num_attention_heads,
            intermediate_size,
            max_position_embeddings,
            type_vocab_size
        ))?;
        let layers = ("num_hidden_layers", self.num_hidden_layers);
        fields::size(self.num_params(), layers)?;
        fields::token("pad_token_id", self.pad_token_id, self.vocab_size)?;
        let others = LikeBert {
            classifier_dropout: self.classifier_dropout(),
            initializer_range: self.initializer_range,
            position_embedding_type: &self.position_embedding_type,
            is_decoder: self.is_decoder,
        };
        fields::like_bert(&self.settings(), &others)
    }

    fn outline(&self) -> Outline<'_> {
        Outline {
            model_type: &self.model_type,
            // A reader that does not know the mean must not take the folder for a classifier with a pooler.
            architecture: match self.classifier_pooling {
                ClassifierPooling::Cls => "BertForSequenceClassification",
                ClassifierPooling::Mean => "BertModel",
            },
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            num_hidden_layers: self.num_hidden_layers,
            type_vocab_size: Some(self.type_vocab_size),
            max_length: self.max_position_embeddings,
            pad_token_id: self.pad_token_id.unwrap_or(0),
            tokenizer_class: "BertTokenizer",
            initializer_range: self.initializer_range,
        }
    }

    fn pooling(&self) -> Option<ClassifierPooling> {
        Some(self.classifier_pooling)
    }

    fn set_pooling(&mut self, pooling: ClassifierPooling) {
        self.classifier_pooling = pooling;
    }

    fn has_optional(&self) -> bool {
        self.classifier_pooling.is_cls()
    }

    fn without_class(&self) -> Option<&'static str> {
        let is_mean = self.classifier_pooling == ClassifierPooling::Mean;
        is_mean.then_some(
            "transformers has no class for this classifier, which reads the mean of all tokens; \
             `AutoModelForSequenceClassification` would draw a pooler at random. `AutoModel.from_pretrained(FOLDER, \
             add_pooling_layer=False)` is the encoder; the logits are the mean of its `last_hidden_state` over the attention \
             mask, times `classifier.weight` transposed, plus `classifier.bias`, both in the file of the weights.",
        )
    }

    /// Parameters of the encoder with its pooler, if it has one, without a head.
    fn num_params(&self) -> usize {
        let (settings, hidden) = (self.settings(), self.hidden_size as f64);
        let pooler = match self.classifier_pooling {
            ClassifierPooling::Cls => hidden * hidden + hidden,
            ClassifierPooling::Mean => 0.0,
        };
        (settings.embedding_params() + settings.layer_params() + pooler) as usize
    }

    /// Floating-point operations of the encoder's matrix products in a classifier's forward pass over a
    /// sequence of `length` tokens; a training step does three times as many.
    fn matrix_flops(&self, length: usize) -> f64 {
        let last = self.classifier_pooling.count(length);
        self.settings().layer_flops(length, last)
    }
}

/// The defaults of transformers' `BertConfig`.
mod default {
    pub(super) fn vocab_size() -> usize {
        30_522
    }
    pub(super) fn hidden_size() -> usize {
        768
    }
    pub(super) fn layers() -> usize {
        12
    }
    pub(super) fn heads() -> usize {
        12
    }
    pub(super) fn intermediate_size() -> usize {
        3_072
    }
    pub(super) fn dropout() -> f64 {
        0.1
    }
    pub(super) fn positions() -> usize {
        512
    }
    pub(super) fn types() -> usize {
        2
    }
    pub(super) fn pad_token_id() -> Option<u32> {
        Some(0)
    }
    pub(super) fn initializer_range() -> f64 {
        0.02
    }
    pub(super) fn layer_norm_eps() -> f64 {
        1e-12
    }
    pub(super) fn position_embedding_type() -> String {
        "absolute".to_owned()
    }
}
