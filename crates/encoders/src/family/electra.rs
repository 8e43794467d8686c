//! ELECTRA (Clark et al., 2020, arXiv:2003.10555).

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

/// The settings of an ELECTRA encoder, under Hugging Face's names and with Hugging Face's defaults.
///
/// Source: `ElectraConfig` of transformers. Fields that do not change the computation are ignored, among them
/// those of `summary_`: the classifier has no sequence summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ElectraConfig {
    /// Architecture family; only `electra` is accepted.
    pub model_type: String,
    /// Rows of the word embedding.
    pub vocab_size: usize,
    /// Width of the embeddings, which are projected to `hidden_size` if it differs.
    pub embedding_size: usize,
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
    /// Rows of the position embedding: the longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// Rows of the token type embedding.
    pub type_vocab_size: usize,
    /// Standard deviation of a freshly initialised weight.
    pub initializer_range: f64,
    /// Epsilon of every layer normalisation.
    pub layer_norm_eps: f64,
    /// Token that pads a batch to its longest sequence; `None`, JSON's null, if there is none.
    pub pad_token_id: Option<u32>,
    /// How positions enter; only `absolute` is accepted.
    pub position_embedding_type: String,
    /// Causal attention; only `false` is accepted.
    pub is_decoder: bool,
}

impl Default for ElectraConfig {
    fn default() -> Self {
        Self {
            model_type: "electra".to_owned(),
            vocab_size: 30_522,
            embedding_size: 128,
            hidden_size: 256,
            num_hidden_layers: 12,
            num_attention_heads: 4,
            intermediate_size: 1_024,
            hidden_act: HiddenAct::Gelu,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            classifier_dropout: None,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            pad_token_id: Some(0),
            position_embedding_type: "absolute".to_owned(),
            is_decoder: false,
        }
    }
}

impl ElectraConfig {
    fn classifier_dropout(&self) -> f64 {
        self.classifier_dropout.unwrap_or(self.hidden_dropout_prob)
    }

    fn is_projected(&self) -> bool {
        self.embedding_size != self.hidden_size
    }

    fn settings(&self) -> Settings {
        Settings {
            words: self.vocab_size,
            positions: self.max_position_embeddings,
            first_position: FirstPosition::Zero,
            token_types: self.type_vocab_size,
            embedding: self.embedding_size,
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

impl FamilyConfig for ElectraConfig {
    fn validate(&self) -> Result<(), String> {
        fields::at_least_one(fields::named!(
            self,
            vocab_size,
            embedding_size,
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
            architecture: "ElectraForSequenceClassification",
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            num_hidden_layers: self.num_hidden_layers,
            type_vocab_size: Some(self.type_vocab_size),
            max_length: self.max_position_embeddings,
            pad_token_id: self.pad_token_id.unwrap_or(0),
            tokenizer_class: "ElectraTokenizer",
            initializer_range: self.initializer_range,
        }
    }

    fn num_params(&self) -> usize {
        let settings = self.settings();
        let [narrow, wide] = [self.embedding_size, self.hidden_size].map(|n| n as f64);
        let projection = match self.is_projected() {
            true => narrow * wide + wide,
            false => 0.0,
        };
        (settings.embedding_params() + projection + settings.layer_params()) as usize
    }

    fn matrix_flops(&self, length: usize) -> f64 {
        let projection = match self.is_projected() {
            true => 2.0 * (length * self.embedding_size) as f64 * self.hidden_size as f64,
            false => 0.0,
        };
        projection + self.settings().layer_flops(length, 1)
    }
}

/// The encoder, as transformers' `ElectraModel`.
#[derive(Module, Debug)]
pub(crate) struct ElectraModel {
    embeddings: Embeddings,
    /// Where the embeddings are not as wide as the hidden states.
    embeddings_project: Option<Linear>,
    encoder: Encoder,
}

/// A classifier of the first token, as transformers' `ElectraForSequenceClassification`.
#[derive(Module, Debug)]
pub(crate) struct ElectraForSequenceClassification {
    electra: ElectraModel,
    classifier: ClassificationHead,
}

impl Family for ElectraForSequenceClassification {
    type Config = ElectraConfig;

    const MODEL_TYPES: &'static [&'static str] = &["electra"];

    const NAMES: Names = Names {
        base: "electra",
        parts: &["embeddings", "embeddings_project", "encoder"],
        renamed: RENAMED,
        heads: &["classifier"],
        head_layers: &["classifier.dense", "classifier.out_proj"],
        optional: &[],
        other_heads: &["qa_outputs"],
        left_aside: &[
            "discriminator_predictions.",
            "generator_predictions.",
            "generator_lm_head.",
            "electra.embeddings.position_ids",
        ],
    };

    fn new(config: &ElectraConfig, labels: usize, device: &Device) -> Self {
        let settings = config.settings();
        let dropout = config.classifier_dropout();
        let (narrow, wide) = (config.embedding_size, config.hidden_size);
        let is_projected = config.is_projected();
        Self {
            electra: ElectraModel {
                embeddings: Embeddings::new(&settings, device),
                embeddings_project: is_projected.then(|| Linear::new(narrow, wide, device)),
                encoder: Encoder::new(&settings, device),
            },
            classifier: ClassificationHead::new(wide, labels, HiddenAct::Gelu, dropout, device),
        }
    }

    fn role(path: &str) -> Option<Role> {
        Role::in_blocks(path, Self::NAMES.heads)
    }

    fn fresh_layer(&mut self, path: &str) -> Option<&mut Linear> {
        self.classifier.layer_mut(path.strip_prefix("classifier.")?)
    }
}

impl Stages for ElectraForSequenceClassification {
    fn embedding_width(&self) -> usize {
        self.electra.embeddings.width()
    }

    fn embed(
        &self,
        input: &EncoderInput,
        perturbation: Option<Tensor<3>>,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        let embeddings = &self.electra.embeddings;
        let embedded = embeddings.forward_perturbed(input, perturbation, dropouts);
        match &self.electra.embeddings_project {
            None => embedded,
            Some(projection) => projection.forward(projection.adopt(embedded)),
        }
    }

    fn depth(&self) -> usize {
        self.electra.encoder.layer.len()
    }

    fn layer(
        &self,
        index: usize,
        hidden: Tensor<3>,
        input: &EncoderInput,
        tokens: Tokens,
        dropouts: &mut Dropouts,
    ) -> Tensor<3> {
        self.electra.encoder.layer[index].forward(hidden, &input.layout, tokens, dropouts)
    }

    fn logits(&self, summary: Tensor<2>, dropouts: &mut Dropouts) -> Tensor<2> {
        self.classifier.forward(summary, dropouts)
    }
}
