//! DeBERTa-v2's `config.json`.

use serde::{Deserialize, Deserializer, Serialize};

use crate::blocks::{FirstPosition, HiddenAct, Settings};
use crate::family::{FamilyConfig, Outline, fields};

/// A term of the scores that depends on distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionTerm {
    /// The query of a token with the key of a distance.
    C2p,
    /// The key of a token with the query of a distance.
    P2c,
}

/// Terms of the scores that depend on distances: a list, or as text separated by `|`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PositionTerms(pub Vec<PositionTerm>);

impl<'de> Deserialize<'de> for PositionTerms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            List(Vec<String>),
            Text(String),
        }
        let names = match Option::<Either>::deserialize(deserializer)? {
            None => Vec::new(),
            Some(Either::List(names)) => names,
            Some(Either::Text(text)) => {
                let text = text.to_lowercase();
                text.split('|').map(|name| name.trim().to_owned()).collect()
            }
        };
        let term = |name: &String| match name.as_str() {
            "c2p" => Ok(PositionTerm::C2p),
            "p2c" => Ok(PositionTerm::P2c),
            other => Err(serde::de::Error::custom(format!(
                "`{other}`, accepted is `c2p` or `p2c`"
            ))),
        };
        names.iter().map(term).collect::<Result<_, _>>().map(Self)
    }
}

/// The settings of a DeBERTa-v2 or v3 encoder, under Hugging Face's names and with Hugging Face's defaults.
///
/// Source: `DebertaV2Config` of transformers. Fields that do not change the computation are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DebertaV2Config {
    /// Architecture family; only `deberta-v2` is accepted.
    pub model_type: String,
    /// Rows of the word embedding.
    pub vocab_size: usize,
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
    /// Dropout after the embeddings, of the distances and after each block's output projection.
    pub hidden_dropout_prob: f64,
    /// Dropout of the attention probabilities.
    pub attention_probs_dropout_prob: f64,
    /// The longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// Rows of the token type embedding; 0 if there is none.
    pub type_vocab_size: usize,
    /// Standard deviation of a freshly initialised weight.
    pub initializer_range: f64,
    /// Epsilon of every layer normalisation.
    pub layer_norm_eps: f64,
    /// Whether the embeddings of distances are there.
    pub relative_attention: bool,
    /// The longest distance; below 1 for `max_position_embeddings`.
    pub max_relative_positions: i64,
    /// Number of buckets of distances to either side; below 1 if every distance has its own.
    pub position_buckets: i64,
    /// Token that pads a batch to its longest sequence; `None`, JSON's null, if there is none.
    pub pad_token_id: Option<u32>,
    /// Whether absolute positions are added to the embeddings.
    pub position_biased_input: bool,
    /// The terms of the scores that depend on distances.
    pub pos_att_type: PositionTerms,
    /// Whether distances are projected as tokens are.
    pub share_att_key: bool,
    /// `layer_norm` if the embeddings of distances are normalised, or `none`.
    pub norm_rel_ebd: String,
    /// Dropout before the pooler.
    pub pooler_dropout: f64,
    /// Activation of the pooler.
    pub pooler_hidden_act: HiddenAct,
    /// Width of the pooler; only `hidden_size` is accepted.
    pub pooler_hidden_size: Option<usize>,
    /// Dropout before the classifier; `hidden_dropout_prob` if absent.
    pub cls_dropout: Option<f64>,
    /// Width of the embeddings; only `hidden_size` is accepted.
    pub embedding_size: Option<usize>,
    /// Width of a head; only `hidden_size / num_attention_heads` is accepted.
    pub attention_head_size: Option<usize>,
    /// Width of a convolution after the first layer; only 0 is accepted.
    pub conv_kernel_size: usize,
}

impl Default for DebertaV2Config {
    fn default() -> Self {
        Self {
            model_type: "deberta-v2".to_owned(),
            vocab_size: 128_100,
            hidden_size: 1_536,
            num_hidden_layers: 24,
            num_attention_heads: 24,
            intermediate_size: 6_144,
            hidden_act: HiddenAct::Gelu,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            max_position_embeddings: 512,
            type_vocab_size: 0,
            initializer_range: 0.02,
            layer_norm_eps: 1e-7,
            relative_attention: false,
            max_relative_positions: -1,
            position_buckets: -1,
            pad_token_id: Some(0),
            position_biased_input: true,
            pos_att_type: PositionTerms::default(),
            share_att_key: false,
            norm_rel_ebd: "none".to_owned(),
            pooler_dropout: 0.0,
            pooler_hidden_act: HiddenAct::Gelu,
            pooler_hidden_size: None,
            cls_dropout: None,
            embedding_size: None,
            attention_head_size: None,
            conv_kernel_size: 0,
        }
    }
}

impl DebertaV2Config {
    /// The distance at which the embeddings end.
    pub(super) fn furthest(&self) -> usize {
        match usize::try_from(self.max_relative_positions) {
            Ok(furthest) if furthest > 0 => furthest,
            _ => self.max_position_embeddings,
        }
    }

    /// Number of logarithmic buckets to either side.
    pub(super) fn buckets(&self) -> Option<usize> {
        let buckets = usize::try_from(self.position_buckets).ok()?;
        (buckets > 0).then_some(buckets)
    }

    /// Rows of the embeddings of distances to either side.
    pub(super) fn span(&self) -> usize {
        self.buckets().unwrap_or(self.furthest())
    }

    fn has(&self, term: PositionTerm) -> bool {
        self.pos_att_type.0.contains(&term)
    }

    pub(super) fn has_c2p(&self) -> bool {
        self.has(PositionTerm::C2p)
    }

    pub(super) fn has_p2c(&self) -> bool {
        self.has(PositionTerm::P2c)
    }

    /// Whether the embeddings of distances are normalised.
    pub(super) fn norms_distances(&self) -> bool {
        let names = self.norm_rel_ebd.to_lowercase();
        names.split('|').any(|name| name.trim() == "layer_norm")
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            words: self.vocab_size,
            positions: match self.position_biased_input {
                true => self.max_position_embeddings,
                false => 0,
            },
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

impl FamilyConfig for DebertaV2Config {
    fn validate(&self) -> Result<(), String> {
        fields::at_least_one(fields::named!(
            self,
            vocab_size,
            hidden_size,
            num_hidden_layers,
            num_attention_heads,
            intermediate_size,
            max_position_embeddings
        ))?;
        let layers = ("num_hidden_layers", self.num_hidden_layers);
        fields::size(self.num_params(), layers)?;
        fields::positions("max_position_embeddings", self.max_position_embeddings)?;
        fields::positions("max_relative_positions", self.furthest())?;
        fields::token("pad_token_id", self.pad_token_id, self.vocab_size)?;
        let heads = ("num_attention_heads", self.num_attention_heads);
        let hidden = self.hidden_size;
        fields::divides(heads, ("hidden_size", hidden))?;
        fields::probabilities(&[
            ("hidden_dropout_prob", self.hidden_dropout_prob),
            (
                "attention_probs_dropout_prob",
                self.attention_probs_dropout_prob,
            ),
            ("pooler_dropout", self.pooler_dropout),
            ("cls_dropout", self.cls_dropout.unwrap_or(0.0)),
        ])?;
        fields::positive(fields::named!(self, initializer_range, layer_norm_eps))?;
        for (field, value, accepted) in [
            ("pooler_hidden_size", self.pooler_hidden_size, hidden),
            ("embedding_size", self.embedding_size, hidden),
            (
                "attention_head_size",
                self.attention_head_size,
                hidden / self.num_attention_heads,
            ),
            ("conv_kernel_size", Some(self.conv_kernel_size), 0),
        ] {
            fields::only(field, value.unwrap_or(accepted), accepted)?;
        }
        // Below that a bucket has no middle, or no logarithm.
        if let Some(buckets) = self.buckets()
            && (buckets < 4 || self.furthest() < buckets)
        {
            return Err(format!(
                "position_buckets is {buckets}, accepted is 4 to the longest distance {}",
                self.furthest()
            ));
        }
        for name in self.norm_rel_ebd.to_lowercase().split('|') {
            let name = name.trim();
            if !["layer_norm", "none"].contains(&name) {
                return Err(format!(
                    "norm_rel_ebd is `{}`, accepted is `layer_norm` or `none`",
                    self.norm_rel_ebd
                ));
            }
        }
        Ok(())
    }

    fn outline(&self) -> Outline<'_> {
        Outline {
            model_type: &self.model_type,
            architecture: "DebertaV2ForSequenceClassification",
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            num_hidden_layers: self.num_hidden_layers,
            type_vocab_size: (self.type_vocab_size > 0).then_some(self.type_vocab_size),
            max_length: self.max_position_embeddings,
            pad_token_id: self.pad_token_id.unwrap_or(0),
            tokenizer_class: "DebertaV2Tokenizer",
            initializer_range: self.initializer_range,
        }
    }

    fn num_params(&self) -> usize {
        let (settings, hidden) = (self.settings(), self.hidden_size as f64);
        let square = hidden * hidden + hidden;
        let mut params = settings.embedding_params() + settings.layer_params() + square;
        if self.relative_attention {
            params += 2.0 * self.span() as f64 * hidden;
            if !self.share_att_key {
                let terms = usize::from(self.has_c2p()) + usize::from(self.has_p2c());
                params += self.num_hidden_layers as f64 * terms as f64 * square;
            }
        }
        if self.norms_distances() {
            params += 2.0 * hidden;
        }
        params as usize
    }

    fn matrix_flops(&self, length: usize) -> f64 {
        let [hidden, layers] = [self.hidden_size, self.num_hidden_layers].map(|n| n as f64);
        let terms = match self.relative_attention {
            true => f64::from(u8::from(self.has_c2p()) + u8::from(self.has_p2c())),
            false => 0.0,
        };
        // Projections of the distances within the sequence, and their scores, of the last layer for the first token only.
        let rows = 2.0 * self.span().min(length) as f64;
        let tokens = (layers - 1.0) * length as f64 + 1.0;
        let distances = 2.0 * rows * hidden * (layers * hidden + tokens);
        self.settings().layer_flops(length, 1) + terms * distances
    }
}
