//! The checkpoint's own tokenizer.

mod encodings;
mod settings;
mod vocabulary;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tokenizers::{EncodeInput, PostProcessor, TruncationParams, TruncationStrategy};

pub use self::encodings::Encodings;

use self::settings::Settings;
use crate::config::EncoderConfig;
use crate::error::EncoderError;

/// A checkpoint's tokenizer, which truncates to a length and never pads: batches pad to their longest sequence.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    vocab_size: usize,
    /// `None` for a model without token types.
    type_vocab_size: Option<usize>,
    notes: Vec<String>,
}

/// One tokenized sentence or pair, with its special tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids.
    pub ids: Vec<u32>,
    /// 0 for the first sentence, 1 for the second; as long as `ids`.
    pub type_ids: Vec<u32>,
}

/// Texts that a thread tokenizes in one go. The library's own encodings are many times as large as the ids; each lives only
/// until its ids are copied.
const PART: usize = 128;

/// Texts whose parts are in memory beside the parts of all texts before them.
const BLOCK: usize = 64 * PART;

/// Token types that fit into the byte that [`Encodings`] keeps of each; no model has more than four.
const TOKEN_TYPES: usize = 256;

/// The three special tokens of a pair of BERT's, and one more.
const LEAST: usize = 4;

impl Tokenizer {
    pub(crate) fn load(
        folder: &Path,
        config: &EncoderConfig,
        max_length: usize,
    ) -> Result<Self, EncoderError> {
        let most = config.max_length();
        let in_range = |least: usize| match (least..=most).contains(&max_length) {
            true => Ok(()),
            false => Err(EncoderError::MaxLength {
                max_length,
                least,
                most,
            }),
        };
        in_range(LEAST)?;
        let mut notes = Vec::new();
        let settings = Settings::read(folder)?;
        let usual = config.family().tokenizer_class();
        let (path, mut inner) = read(folder, &settings, usual, &mut notes)?;
        // Where the special tokens of a pair leave no room for another, the tokenizer would cut nothing.
        let template = inner.get_post_processor();
        let special = template.map_or(0, |template| template.added_tokens(true));
        in_range(LEAST.max(special + 1))?;
        let wrong = |reason: String| EncoderError::Tokenizer {
            path: path.clone(),
            reason,
        };
        let vocab_size = config.vocab_size();
        let largest = inner.get_vocab(true).into_values().max().unwrap_or(0);
        if largest as usize >= vocab_size {
            return Err(wrong(format!(
                "the vocabulary has token id {largest}, accepted is below the embedding's vocab_size {vocab_size}"
            )));
        }
        let adds = inner.get_post_processor().map(|p| p.added_tokens(false));
        if adds.unwrap_or(0) == 0 {
            notes.push(
                "the tokenizer adds no special tokens: a sentence's first word stands for it"
                    .to_owned(),
            );
        }
        inner
            .with_truncation(Some(TruncationParams {
                max_length,
                strategy: TruncationStrategy::LongestFirst,
                ..TruncationParams::default()
            }))
            .map_err(|e| wrong(e.to_string()))?;
        inner.with_padding(None);
        Ok(Self {
            inner,
            vocab_size,
            type_vocab_size: config.family().type_vocab_size(),
            notes,
        })
    }

    /// What a user should know about the tokenizer, one line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Tokenizes sentences or sentence pairs, in parallel and in order.
    ///
    /// # Errors
    /// [`EncoderError::Encode`] with the library's message, for a text without tokens, or if the model has no
    /// embedding for a token type: one trained without sentence pairs takes no pairs.
    pub fn encode<'a>(
        &self,
        texts: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Vec<Encoding>, EncoderError> {
        let encodings = self.encode_flat(texts)?;
        Ok((0..encodings.len())
            .map(|index| encodings.get(index))
            .collect())
    }

    /// Does the same for many texts, in little more memory than their ids take.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_flat<'a>(
        &self,
        texts: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Encodings, EncoderError> {
        let texts: Vec<_> = texts.into_iter().collect();
        let mut encodings = Encodings::default();
        for (number, block) in texts.chunks(BLOCK).enumerate() {
            let parts = block.par_chunks(PART).enumerate().map(|(part, texts)| {
                let before = number * BLOCK + part * PART;
                let mut encodings = Encodings::default();
                for (index, &text) in texts.iter().enumerate() {
                    self.encode_one(text, before + index, &mut encodings)?;
                }
                Ok(encodings)
            });
            let parts: Vec<Result<Encodings, EncoderError>> = parts.collect();
            for part in parts {
                encodings.append(&part?);
            }
        }
        encodings.shrink();
        Ok(encodings)
    }

    /// Adds the encoding of the text with this index.
    fn encode_one(
        &self,
        text: (&str, Option<&str>),
        index: usize,
        encodings: &mut Encodings,
    ) -> Result<(), EncoderError> {
        let input = match text {
            (first, Some(second)) => EncodeInput::Dual(first.into(), second.into()),
            (first, None) => EncodeInput::Single(first.into()),
        };
        let encoding = self
            .inner
            .encode_fast(input, true)
            .map_err(|e| EncoderError::Encode(e.to_string()))?;
        let ids = encoding.get_ids();
        let type_ids = encoding.get_type_ids();
        // The vocabulary was checked; these also come from the file's post-processor.
        let types = (self.type_vocab_size).map_or(TOKEN_TYPES, |rows| rows.min(TOKEN_TYPES));
        for (what, values, rows) in [
            ("token id", ids, self.vocab_size),
            ("token type", type_ids, types),
        ] {
            if let Some(value) = values.iter().find(|value| **value as usize >= rows) {
                return Err(EncoderError::Encode(format!(
                    "{what} {value} has no embedding, accepted is below {rows}"
                )));
            }
        }
        if ids.is_empty() {
            return Err(EncoderError::Encode(format!(
                "text {} has no tokens, accepted is at least one, and the tokenizer adds no special tokens",
                index + 1
            )));
        }
        encodings.push(ids, type_ids);
        Ok(())
    }
}

/// Reads `tokenizer.json`, or `vocab.txt` if there is none, and returns which.
fn read(
    folder: &Path,
    settings: &Settings,
    usual_class: &str,
    notes: &mut Vec<String>,
) -> Result<(PathBuf, tokenizers::Tokenizer), EncoderError> {
    let (whole, vocabulary) = (folder.join("tokenizer.json"), folder.join("vocab.txt"));
    let is_bert = settings.is_bert(usual_class);
    let path = match whole.exists() || !(is_bert && vocabulary.exists()) {
        true => &whole,
        false => &vocabulary,
    };
    let wrong = |reason: String| EncoderError::Tokenizer {
        path: path.clone(),
        reason,
    };
    let bytes = std::fs::read(path).map_err(|e| EncoderError::read(path, e))?;
    if *path == vocabulary {
        let tokenizer = vocabulary::assemble(&bytes, settings).map_err(wrong)?;
        return Ok((vocabulary, tokenizer));
    }
    let mut tokenizer =
        tokenizers::Tokenizer::from_bytes(&bytes).map_err(|e| wrong(e.to_string()))?;
    if is_bert && let Some((normalizer, note)) = settings.overridden(tokenizer.get_normalizer()) {
        let replaced = tokenizer.with_normalizer(Some(normalizer));
        replaced.map_err(|e| wrong(e.to_string()))?;
        notes.push(note);
    }
    Ok((whole, tokenizer))
}
