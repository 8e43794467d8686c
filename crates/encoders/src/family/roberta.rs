//! RoBERTa (Liu et al., 2019, arXiv:1907.11692) and XLM-R (Conneau et al., 2020, arXiv:1911.02116).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::fields::LikeBert;
use super::{Family, FamilyConfig, Outline, Stages, fields};
use crate::blocks::{
    ClassificationHead, Dropouts, Embeddings, Encoder, FirstPosition, HiddenAct, Linear, Settings,
};
use crate::input::{EncoderInput, Tokens};
use crate::names::{Names, RENAMED};
use crate::roles::Role;

const ROBERTA: &str = "roberta";
const XLM_ROBERTA: &str = "xlm-roberta";

/// The settings of a RoBERTa or XLM-R encoder, under Hugging Face's names and with Hugging Face's defaults.
///
/// Source: `RobertaConfig` and `XLMRobertaConfig` of transformers. Fields that do not change the computation are
/// ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RobertaConfig {
    /// Architecture family; `roberta` or `xlm-roberta`.
    pub model_type: String,
    /// Rows of the word embedding; if absent 50,265 for RoBERTa and 30,522 for XLM-R.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vocab_size: Option<usize>,
    /// Width of every hidden state.
    pub hidden_size: usize,
    /// Number of transformer layers.
    pub num_hidden_layers: usize,
    /// Attention heads of each layer; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width of the feed-forward block.
    pub intermediate_size: usize,
    /// Activation of the feed-forward block.
    pub hidden_act: HiddenAct,
    /// Dropout after the embeddings and after each block's output projection.
    pub hidden_dropout_prob: f64,
    /// Dropout of the attention probabilities.
    pub attention_probs_dropout_prob: f64,
    /// Dropout in the classification head; `hidden_dropout_prob` if absent.
    pub classifier_dropout: Option<f64>,
    /// Rows of the position embedding. Positions count from `pad_token_id + 1`, so the longest sequence has
    /// that many tokens fewer.
    pub max_position_embeddings: usize,
    /// Rows of the token type embedding.
    pub type_vocab_size: usize,
    /// Standard deviation of a freshly initialised weight.
    pub initializer_range: f64,
    /// Epsilon of every layer normalisation.
    pub layer_norm_eps: f64,
    /// Token that pads a batch to its longest sequence, and from which positions count.
    pub pad_token_id: u32,
    /// How positions enter; only `absolute` is accepted.
    pub position_embedding_type: String,
    /// Causal attention; only `false` is accepted.
    pub is_decoder: bool,
}

impl Default for RobertaConfig {
    fn default() -> Self {
        Self {
            model_type: ROBERTA.to_owned(),
            vocab_size: None,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3_072,
            hidden_act: HiddenAct::Gelu,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            classifier_dropout: None,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            pad_token_id: 1,
            position_embedding_type: "absolute".to_owned(),
            is_decoder: false,
        }
    }
}

impl RobertaConfig {
    fn classifier_dropout(&self) -> f64 {
        self.classifier_dropout.unwrap_or(self.hidden_dropout_prob)
    }

    fn is_xlm(&self) -> bool {
        self.model_type == XLM_ROBERTA
    }

    fn words(&self) -> usize {
        let usual = if self.is_xlm() { 30_522 } else { 50_265 };
        self.vocab_size.unwrap_or(usual)
    }

    /// The longest sequence, in tokens.
    fn longest(&self) -> usize {
        let before = self.pad_token_id as usize + 1;
        self.max_position_embeddings.saturating_sub(before)
    }

    fn settings(&self) -> Settings {
        Settings {
            words: self.words(),
            positions: self.max_position_embeddings,
            first_position: FirstPosition::AfterPadding(self.pad_token_id),
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

impl FamilyConfig for RobertaConfig {
    fn validate(&self) -> Result<(), String> {
        fields::at_least_one(&[
            ("vocab_size", self.words()),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("type_vocab_size", self.type_vocab_size),
        ])?;
        let layers = ("num_hidden_layers", self.num_hidden_layers);
        fields::size(self.num_params(), layers)?;
        fields::token("pad_token_id", Some(self.pad_token_id), self.words())?;
        if self.longest() == 0 {
            return Err(format!(
                "max_position_embeddings is {}, accepted is more than {}: positions count from pad_token_id + 1",
                self.max_position_embeddings,
                self.pad_token_id as usize + 1
            ));
        }
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
            architecture: match self.is_xlm() {
                true => "XLMRobertaForSequenceClassification",
                false => "RobertaForSequenceClassification",
            },
            vocab_size: self.words(),
            hidden_size: self.hidden_size,
            num_hidden_layers: self.num_hidden_layers,
            type_vocab_size: Some(self.type_vocab_size),
            max_length: self.longest(),
            pad_token_id: self.pad_token_id,
            tokenizer_class: match self.is_xlm() {
                true => "XLMRobertaTokenizer",
                false => "RobertaTokenizer",
            },
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

/// The encoder without a pooler, as transformers' `RobertaModel`.
#[derive(Module, Debug)]
pub(crate) struct RobertaModel {
    embeddings: Embeddings,
    encoder: Encoder,
}

/// A classifier of the first token, as transformers' `RobertaForSequenceClassification`.
#[derive(Module, Debug)]
pub(crate) struct RobertaForSequenceClassification {
    roberta: RobertaModel,
    classifier: ClassificationHead,
}

impl Family for RobertaForSequenceClassification {
    type Config = RobertaConfig;

    const MODEL_TYPES: &'static [&'static str] = &[ROBERTA, XLM_ROBERTA];

    const NAMES: Names = Names {
        base: "roberta",
        parts: &["embeddings", "encoder", "pooler"],
        renamed: RENAMED,
        heads: &["classifier"],
        head_layers: &["classifier.dense", "classifier.out_proj"],
        optional: &[],
        other_heads: &["qa_outputs"],
        left_aside: &[
            "lm_head.",
            "roberta.pooler.",
            "roberta.embeddings.position_ids",
        ],
    };

    fn new(config: &RobertaConfig, labels: usize, device: &Device) -> Self {
        let settings = config.settings();
        let dropout = config.classifier_dropout();
        Self {
            roberta: RobertaModel {
                embeddings: Embeddings::new(&settings, device),
                encoder: Encoder::new(&settings, device),
            },
            classifier: ClassificationHead::new(
                config.hidden_size,
                labels,
                HiddenAct::Tanh,
                dropout,
                device,
            ),
        }
    }

    fn role(path: &str) -> Option<Role> {
        Role::in_blocks(path, Self::NAMES.heads)
    }

    fn fresh_layer(&mut self, path: &str) -> Option<&mut Linear> {
        self.classifier.layer_mut(path.strip_prefix("classifier.")?)
    }
}

impl Stages for RobertaForSequenceClassification {
    fn embedding_width(&self) -> usize {
        self.roberta.embeddings.width()
    }

    fn embed(
        &self,
        input: &EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        self.roberta
            .embeddings
            .forward_perturbed(input, perturbation, dropouts)
    }

    fn depth(&self) -> usize {
        self.roberta.encoder.layer.len()
    }

    fn layer(
        &self,
        index: usize,
        hidden: Tensor<3>,
        input: &EncoderInput,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        self.roberta.encoder.layer[index].forward(hidden, &input.layout, tokens, dropouts)
    }

    fn logits(&self, summary: Tensor<2>, dropouts: &mut Dropouts) -> Tensor<2> {
        self.classifier.forward(summary, dropouts)
    }
}
