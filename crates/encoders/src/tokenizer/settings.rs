//! `tokenizer_config.json` and the small files beside it: the arguments of transformers' tokenizer class.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use tokenizers::AddedToken;

use super::json_fault::json_fault;
use crate::error::EncoderError;
use crate::reading;

/// The name that transformers gives the file.
pub(crate) const FILE: &str = "tokenizer_config.json";
/// The names of special tokens in older snapshots.
const SPECIAL_TOKENS: &str = "special_tokens_map.json";
/// Tokens beyond the vocabulary in older snapshots.
const ADDED_TOKENS: &str = "added_tokens.json";
/// Above it transformers takes `model_max_length` for unlimited.
const UNLIMITED: f64 = 1e20;

/// The fields of `tokenizer_config.json` that change token ids; all may be absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    tokenizer_class: Option<String>,
    pub(super) do_lower_case: Option<bool>,
    pub(super) tokenize_chinese_chars: Option<bool>,
    /// `null`, which leaves it to `do_lower_case`, is not the same as an absent field.
    #[serde(deserialize_with = "present")]
    pub(super) strip_accents: Option<Option<bool>>,
    pub(super) add_prefix_space: Option<bool>,
    pub(super) truncation_side: Option<Side>,
    pub(super) padding_side: Option<Side>,
    model_max_length: Option<f64>,
    /// The older name of `model_max_length`.
    max_len: Option<f64>,
    model_input_names: Option<Vec<String>>,
    pub(super) split_special_tokens: Option<bool>,
    added_tokens_decoder: Option<BTreeMap<u32, AddedToken>>,
    #[serde(flatten)]
    special: Special,
}

/// Which end of a sequence is cut or padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Side {
    Left,
    Right,
}

/// The names of special tokens that are set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Special {
    bos_token: Option<Token>,
    eos_token: Option<Token>,
    unk_token: Option<Token>,
    sep_token: Option<Token>,
    pad_token: Option<Token>,
    cls_token: Option<Token>,
    mask_token: Option<Token>,
}

/// A special token: its text, or an object that holds it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Token {
    Text(String),
    Added(Added),
}

/// An [`AddedToken`] whose fields may be absent.
#[derive(Clone, Debug, Deserialize)]
struct Added {
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    normalized: bool,
}

impl Token {
    /// As a special token, with the whitespace beside it that it takes.
    fn added(&self) -> AddedToken {
        match self {
            Self::Text(text) => AddedToken::from(text.as_str(), true),
            Self::Added(added) => AddedToken::from(added.content.as_str(), true)
                .single_word(added.single_word)
                .lstrip(added.lstrip)
                .rstrip(added.rstrip)
                .normalized(added.normalized),
        }
    }
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<bool>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "left",
            Self::Right => "right",
        })
    }
}

impl Settings {
    /// Reads the files of a snapshot; all fields are absent where there are none.
    pub(super) fn read(folder: &Path) -> Result<Self, EncoderError> {
        let mut settings: Self = parsed(folder, FILE)?.unwrap_or_default();
        // As in transformers, the older files count only where the tokens are not in the newer one.
        if settings.added_tokens_decoder.is_none() {
            if let Some(older) = parsed::<Special>(folder, SPECIAL_TOKENS)? {
                settings.special.set(older);
            }
            let added: Option<BTreeMap<String, u32>> = parsed(folder, ADDED_TOKENS)?;
            let added = added.into_iter().flatten().map(|(token, id)| {
                let is_special = settings
                    .special
                    .all()
                    .any(|special| special.added().content == token);
                (id, AddedToken::from(token, is_special))
            });
            settings.added_tokens_decoder = Some(added.collect());
        }
        if settings.tokenizer_class.is_none() {
            #[derive(Deserialize)]
            struct Config {
                #[serde(default)]
                tokenizer_class: Option<String>,
            }
            let config: Option<Config> = parsed(folder, "config.json")?;
            settings.tokenizer_class = config.and_then(|config| config.tokenizer_class);
        }
        Ok(settings)
    }

    /// The tokenizer's class without the `Fast` of older versions, or `usual` if no file names one.
    pub(super) fn class<'a>(&'a self, usual: &'a str) -> &'a str {
        let class = self.tokenizer_class.as_deref().unwrap_or(usual);
        class.strip_suffix("Fast").unwrap_or(class)
    }

    /// The longest sequence that the tokenizer was made for.
    pub(super) fn max_length(&self) -> Option<f64> {
        let length = self.model_max_length.or(self.max_len);
        length.filter(|length| *length < UNLIMITED)
    }

    /// Whether the model is given token types, if the file says so.
    pub(super) fn has_token_types(&self) -> Option<bool> {
        let names = self.model_input_names.as_ref()?;
        Some(names.iter().any(|name| name == "token_type_ids"))
    }

    /// The special token of a name such as `cls_token`, or the class's own.
    pub(super) fn special_token(&self, name: &str, usual: &str) -> AddedToken {
        let special = &self.special;
        let token = match name {
            "bos_token" => &special.bos_token,
            "eos_token" => &special.eos_token,
            "unk_token" => &special.unk_token,
            "sep_token" => &special.sep_token,
            "pad_token" => &special.pad_token,
            "cls_token" => &special.cls_token,
            _ => &special.mask_token,
        };
        match token {
            None => AddedToken::from(usual, true),
            Some(token) => token.added(),
        }
    }

    /// Tokens added to the vocabulary, in the order of their ids.
    pub(super) fn added_tokens(&self) -> impl Iterator<Item = AddedToken> {
        self.added_tokens_decoder
            .iter()
            .flat_map(|tokens| tokens.values().cloned())
    }
}

impl Special {
    fn all(&self) -> impl Iterator<Item = &Token> {
        let Self {
            bos_token,
            eos_token,
            unk_token,
            sep_token,
            pad_token,
            cls_token,
            mask_token,
        } = self;
        [
            bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token,
        ]
        .into_iter()
        .flatten()
    }

    /// Sets the tokens that the others have.
    fn set(&mut self, others: Self) {
        for (ours, theirs) in [
            (&mut self.bos_token, others.bos_token),
            (&mut self.eos_token, others.eos_token),
            (&mut self.unk_token, others.unk_token),
            (&mut self.sep_token, others.sep_token),
            (&mut self.pad_token, others.pad_token),
            (&mut self.cls_token, others.cls_token),
            (&mut self.mask_token, others.mask_token),
        ] {
            if theirs.is_some() {
                *ours = theirs;
            }
        }
    }
}

/// Reads a JSON file of the folder, if it is there.
fn parsed<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<Option<T>, EncoderError> {
    let path = folder.join(file);
    let Some(bytes) = reading::if_there(reading::text(&path))? else {
        return Ok(None);
    };
    match serde_json::from_slice(&bytes) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(EncoderError::Tokenizer {
            path,
            reason: json_fault(&error, "an object of settings as transformers writes it"),
        }),
    }
}
