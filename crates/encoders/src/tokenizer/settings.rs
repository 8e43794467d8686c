//! `tokenizer_config.json`: the arguments of transformers' tokenizer class.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Deserializer};
use tokenizers::normalizers::BertNormalizer;
use tokenizers::{AddedToken, NormalizerWrapper};

use crate::error::EncoderError;

/// The name that transformers gives the file.
const FILE: &str = "tokenizer_config.json";

/// Classes that normalise as BERT does, whatever `tokenizer.json` says.
const BERT_CLASSES: [&str; 1] = ["BertTokenizer"];

/// The fields of `tokenizer_config.json` that change token ids; all may be absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    tokenizer_class: Option<String>,
    do_lower_case: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    /// `null`, which leaves it to `do_lower_case`, is not the same as an absent field.
    #[serde(deserialize_with = "present")]
    strip_accents: Option<Option<bool>>,
    unk_token: Option<Token>,
    sep_token: Option<Token>,
    pad_token: Option<Token>,
    cls_token: Option<Token>,
    mask_token: Option<Token>,
    added_tokens_decoder: BTreeMap<u32, AddedToken>,
}

/// A special token: its text, or an object that holds it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Token {
    Text(String),
    Added { content: String },
}

/// BERT's special tokens.
pub(super) struct Special {
    pub(super) unk: String,
    pub(super) sep: String,
    pub(super) pad: String,
    pub(super) cls: String,
    pub(super) mask: String,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<bool>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl Settings {
    /// Reads the file of a snapshot; all fields are absent where there is none.
    pub(super) fn read(folder: &Path) -> Result<Self, EncoderError> {
        let path = folder.join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(EncoderError::read(&path, error)),
        };
        serde_json::from_slice(&bytes).map_err(|error| EncoderError::Tokenizer {
            path,
            reason: error.to_string(),
        })
    }

    /// The tokenizer's class without the `Fast` of older versions, or `usual` if the file names none.
    pub(super) fn class<'a>(&'a self, usual: &'a str) -> &'a str {
        let class = self.tokenizer_class.as_deref().unwrap_or(usual);
        class.strip_suffix("Fast").unwrap_or(class)
    }

    /// Whether the class normalises and splits as BERT does.
    pub(super) fn is_bert(&self, usual: &str) -> bool {
        BERT_CLASSES.contains(&self.class(usual))
    }

    /// The normalizer that transformers uses instead of the one in `tokenizer.json`, with a note of what differs.
    ///
    /// Fields that are absent here keep the value of `tokenizer.json`.
    pub(super) fn overridden(
        &self,
        normalizer: Option<&NormalizerWrapper>,
    ) -> Option<(BertNormalizer, String)> {
        let Some(NormalizerWrapper::BertNormalizer(theirs)) = normalizer else {
            return None;
        };
        let mut ours = *theirs;
        let mut differences = Vec::new();
        let mut difference = |name: &str, here: String, there: String| {
            differences.push(format!(
                "{name} is {here} in {FILE}, {there} in tokenizer.json"
            ));
        };
        if let Some(value) = self
            .do_lower_case
            .filter(|value| *value != theirs.lowercase)
        {
            difference(
                "do_lower_case",
                value.to_string(),
                theirs.lowercase.to_string(),
            );
            ours.lowercase = value;
        }
        if let Some(value) = self
            .strip_accents
            .filter(|value| *value != theirs.strip_accents)
        {
            difference(
                "strip_accents",
                or_null(value),
                or_null(theirs.strip_accents),
            );
            ours.strip_accents = value;
        }
        let chinese = self.tokenize_chinese_chars;
        if let Some(value) = chinese.filter(|value| *value != theirs.handle_chinese_chars) {
            let there = theirs.handle_chinese_chars.to_string();
            difference("tokenize_chinese_chars", value.to_string(), there);
            ours.handle_chinese_chars = value;
        }
        if differences.is_empty() {
            return None;
        }
        let differences = differences.join("; ");
        Some((
            ours,
            format!("{differences}: {FILE} takes precedence, as in transformers"),
        ))
    }

    /// The normalizer if there is no `tokenizer.json`.
    pub(super) fn normalizer(&self) -> BertNormalizer {
        BertNormalizer::new(
            true,
            self.tokenize_chinese_chars.unwrap_or(true),
            self.strip_accents.flatten(),
            self.do_lower_case.unwrap_or(true),
        )
    }

    /// The special tokens: BERT's, unless the file names others.
    pub(super) fn special(&self) -> Special {
        let text = |token: &Option<Token>, usual: &str| match token {
            None => usual.to_owned(),
            Some(Token::Text(text) | Token::Added { content: text }) => text.clone(),
        };
        Special {
            unk: text(&self.unk_token, "[UNK]"),
            sep: text(&self.sep_token, "[SEP]"),
            pad: text(&self.pad_token, "[PAD]"),
            cls: text(&self.cls_token, "[CLS]"),
            mask: text(&self.mask_token, "[MASK]"),
        }
    }

    /// Tokens added to the vocabulary, in the order of their ids.
    pub(super) fn added_tokens(&self) -> impl Iterator<Item = AddedToken> {
        self.added_tokens_decoder.values().cloned()
    }
}

fn or_null(value: Option<bool>) -> String {
    value.map_or("null".to_owned(), |value| value.to_string())
}
