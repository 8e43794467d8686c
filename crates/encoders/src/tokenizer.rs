//! The checkpoint's own tokenizer.

mod charsmap;
mod class;
mod encodings;
mod fence;
mod json_fault;
mod parts;
mod settings;
mod vocabulary;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rayon::prelude::*;
use tokenizers::{
    AddedToken, ModelWrapper, PaddingDirection, PostProcessor, TruncationDirection,
    TruncationParams, TruncationStrategy,
};

pub use self::encodings::Encodings;

use self::class::Class;
use self::fence::fenced;
pub(crate) use self::settings::FILE as TOKENIZER_CONFIG;
use self::settings::{Settings, Side};
use crate::config::EncoderConfig;
use crate::error::EncoderError;
use crate::reading;

/// A checkpoint's tokenizer, which truncates to a length and never pads: batches pad to their longest sequence.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// The same without truncation, for pairs.
    uncut: OnceLock<tokenizers::Tokenizer>,
    vocab_size: usize,
    /// `None` for a model without token types.
    type_vocab_size: Option<usize>,
    /// Whether transformers gives the model token types; if not, all are 0.
    has_token_types: bool,
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

/// The whole tokenizer.
const WHOLE: &str = "tokenizer.json";

/// Every file of a tokenizer that transformers may ask for.
pub(crate) const TOKENIZER_FILES: [&str; 12] = [
    "tokenizer.json",
    TOKENIZER_CONFIG,
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "spm.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
    "bpe.codes",
];

/// Vocabularies from which transformers builds tokenizers of classes that are not built here.
const OTHER_VOCABULARIES: [&str; 7] = [
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
    "bpe.codes",
];

/// Families whose positions count from a sequence's first token, padding or not.
const COUNTED_FROM_THE_LEFT: [&str; 4] = ["bert", "electra", "distilbert", "deberta-v2"];

impl Tokenizer {
    pub(crate) fn load(
        folder: &Path,
        config: &EncoderConfig,
        max_length: usize,
    ) -> Result<Self, EncoderError> {
        let most = config.max_length();
        let in_range = |least: usize, max_length: usize| match (least..=most).contains(&max_length)
        {
            true => Ok(()),
            false => Err(EncoderError::MaxLength {
                max_length,
                least,
                most,
            }),
        };
        in_range(LEAST, max_length)?;
        let settings = Settings::read(folder)?;
        let class = settings.class(config.family().outline().tokenizer_class);
        let Read {
            path,
            tokenizer: mut inner,
            sides,
            mut notes,
        } = read(folder, &settings, class)?;
        let wrong = |reason: String| EncoderError::Tokenizer {
            path: path.clone(),
            reason,
        };
        let setting = |reason: String| EncoderError::Tokenizer {
            path: folder.join(settings::FILE),
            reason,
        };
        if sides.padding == Side::Left && COUNTED_FROM_THE_LEFT.contains(&config.model_type()) {
            return Err(setting(format!(
                "padding_side is `left`, accepted for `{}` is `right`: its positions would count the padding",
                config.model_type()
            )));
        }
        let max_length = match settings.max_length() {
            Some(length) if length < max_length as f64 => {
                if length < LEAST as f64 {
                    return Err(setting(format!(
                        "model_max_length is {length}, accepted is at least {LEAST}"
                    )));
                }
                notes.push(format!(
                    "max length is {max_length}, model_max_length in {} {length}: texts are cut at {length} tokens",
                    settings::FILE
                ));
                length as usize
            }
            _ => max_length,
        };
        // Where the special tokens of a pair leave no room for another, the tokenizer would cut nothing.
        let template = inner.get_post_processor();
        let special = template.map_or(0, |template| template.added_tokens(true));
        in_range(LEAST.max(special + 1), max_length)?;
        let vocab_size = config.vocab_size();
        let in_vocabulary = inner.get_vocab(true).into_values().max();
        let around = fenced(|| around_nothing(&inner)).map_err(wrong)?;
        for (what, largest) in [
            ("the vocabulary has", in_vocabulary),
            ("the post-processor adds", around.iter().copied().max()),
        ] {
            if let Some(largest) = largest.filter(|largest| *largest as usize >= vocab_size) {
                return Err(wrong(format!(
                    "{what} token id {largest}, accepted is below the embedding's vocab_size {vocab_size}"
                )));
            }
        }
        let adds = inner.get_post_processor().map(|p| p.added_tokens(false));
        if adds.unwrap_or(0) == 0 {
            notes.push(
                "the tokenizer adds no special tokens: a sentence's first word stands for it"
                    .to_owned(),
            );
        }
        if sides.truncation == Side::Left {
            notes.push("truncation_side is left: long texts lose their beginning".to_owned());
        }
        inner
            .with_truncation(Some(TruncationParams {
                max_length,
                strategy: TruncationStrategy::LongestFirst,
                direction: match sides.truncation {
                    Side::Left => TruncationDirection::Left,
                    Side::Right => TruncationDirection::Right,
                },
                ..TruncationParams::default()
            }))
            .map_err(|e| wrong(e.to_string()))?;
        inner.set_encode_special_tokens(settings.split_special_tokens.unwrap_or(false));
        let has_token_types = settings.has_token_types();
        let type_vocab_size = config.family().outline().type_vocab_size;
        Ok(Self {
            inner,
            uncut: OnceLock::new(),
            vocab_size,
            type_vocab_size,
            // A model without token types ignores them.
            has_token_types: type_vocab_size.is_none()
                || has_token_types.unwrap_or_else(|| class::has_token_types(class)),
            notes,
        })
    }

    /// What a user should know about the tokenizer, one line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The longest sequence, in tokens, special tokens included.
    pub fn max_length(&self) -> usize {
        let truncation = self.inner.get_truncation();
        truncation.map_or(usize::MAX, |truncation| truncation.max_length)
    }

    /// Whether a sentence or pair is longer than [`max_length`](Self::max_length); reads it to its end.
    ///
    /// # Errors
    /// [`EncoderError::Encode`] with the library's message.
    pub fn cuts(&self, (first, second): (&str, Option<&str>)) -> Result<bool, EncoderError> {
        let template = self.inner.get_post_processor();
        let mut tokens = template.map_or(0, |template| template.added_tokens(second.is_some()));
        for text in [Some(first), second].into_iter().flatten() {
            let encoding = fenced(|| self.uncut().encode_fast(text, false));
            tokens += encoding.map_err(EncoderError::Encode)?.len();
        }
        Ok(tokens > self.max_length())
    }

    /// See [`Snapshot::usual_max_length`](crate::Snapshot::usual_max_length).
    pub(crate) fn usual_max_length(
        folder: &Path,
        config: &EncoderConfig,
    ) -> Result<usize, EncoderError> {
        let most = config.max_length();
        // A length that is too short is refused by `load`.
        let given = Settings::read(folder)?.max_length();
        let given = given.filter(|length| (LEAST as f64..most as f64).contains(length));
        Ok(given.map_or(most, |length| length as usize))
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

    /// Tokenizes both texts to their ends, cuts the longer one first, and adds special tokens.
    ///
    /// Where the library is to cut, it stops reading each text at the maximum length, and of two longer ones no longer knows
    /// which is the longest.
    fn pair(&self, first: &str, second: &str) -> tokenizers::Result<tokenizers::Encoding> {
        let uncut = self.uncut();
        let first = uncut.encode_fast(first, false)?;
        let mut second = uncut.encode_fast(second, false)?;
        second.set_type_ids(vec![1; second.len()]);
        self.inner.post_process(first, Some(second), true)
    }

    fn uncut(&self) -> &tokenizers::Tokenizer {
        self.uncut.get_or_init(|| {
            let mut uncut = self.inner.clone();
            // Only a stride can be refused.
            let _ = uncut.with_truncation(None);
            uncut
        })
    }

    /// Adds the encoding of the text with this index.
    fn encode_one(
        &self,
        text: (&str, Option<&str>),
        index: usize,
        encodings: &mut Encodings,
    ) -> Result<(), EncoderError> {
        let encoding = fenced(|| match text {
            (first, Some(second)) => self.pair(first, second),
            (first, None) => self.inner.encode_fast(first, true),
        });
        let encoding = encoding.map_err(EncoderError::Encode)?;
        let ids = encoding.get_ids();
        let no_types = vec![0; ids.len()];
        let type_ids = match self.has_token_types {
            true => encoding.get_type_ids(),
            false => &no_types,
        };
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

/// A tokenizer as its files describe it.
struct Read {
    /// The file that stands for it in messages.
    path: PathBuf,
    /// Without truncation and padding.
    tokenizer: tokenizers::Tokenizer,
    sides: Sides,
    notes: Vec<String>,
}

/// Reads `tokenizer.json`, or the files of the class's vocabulary if there is none.
fn read(folder: &Path, settings: &Settings, name: &str) -> Result<Read, EncoderError> {
    let path = folder.join(WHOLE);
    let class = Class::of(name);
    if !path.exists() {
        let files = class.map_or(&[][..], Class::vocabulary_files);
        return match class {
            Some(class) if files.iter().all(|file| folder.join(file).exists()) => {
                let tokenizer = class.assemble(folder, settings)?;
                Ok(Read {
                    path: folder.join(files[0]),
                    sides: Sides::of(settings, &tokenizer),
                    tokenizer,
                    notes: Vec::new(),
                })
            }
            _ => Err(without_tokenizer(folder, name)),
        };
    }
    let wrong = |reason: String| EncoderError::Tokenizer {
        path: path.clone(),
        reason,
    };
    let mut tokenizer = tokenizer_file(&path)?;
    let sides = Sides::of(settings, &tokenizer);
    // Before any text is encoded: the file may pad it to any length.
    tokenizer.with_padding(None);
    tokenizer
        .with_truncation(None)
        .map_err(|e| wrong(e.to_string()))?;
    let note = match class {
        None => class::unheeded(name, &tokenizer, settings),
        Some(class) => class
            .prescribe(name, &mut tokenizer, settings)
            .map_err(wrong)?,
    };
    if let ModelWrapper::BPE(model) = tokenizer.get_model()
        && let Some(dropout) = model.dropout.filter(|dropout| *dropout > 0.0)
    {
        return Err(wrong(format!(
            "model.dropout is {dropout}, accepted is null: a text must have the same tokens each time"
        )));
    }
    let known = tokenizer.get_added_vocabulary().get_added_tokens_decoder();
    let known: HashSet<&AddedToken> = known.values().collect();
    let is_new = |token: &AddedToken| !known.contains(token);
    let added: Vec<AddedToken> = settings.added_tokens().filter(is_new).collect();
    fenced(|| tokenizer.add_tokens(added)).map_err(wrong)?;
    Ok(Read {
        path,
        tokenizer,
        sides,
        notes: note.into_iter().collect(),
    })
}

/// Reads a `tokenizer.json` as the tokenizers library does, with padding and truncation as the file has them; files at which the library
/// would panic, or run out of memory, are refused.
///
/// # Errors
/// [`EncoderError::Tokenizer`], or [`EncoderError::Read`] if there is no such file.
pub fn tokenizer_file(path: &Path) -> Result<tokenizers::Tokenizer, EncoderError> {
    let wrong = |reason: String| EncoderError::Tokenizer {
        path: path.to_owned(),
        reason,
    };
    let bytes = reading::text(path)?;
    vocabulary::check_merges(&bytes).map_err(wrong)?;
    parts::check(&bytes).map_err(wrong)?;
    fenced(|| tokenizers::Tokenizer::from_bytes(&bytes)).map_err(wrong)
}

/// The error for a folder without `tokenizer.json` and without what it can be built from.
fn without_tokenizer(folder: &Path, class: &str) -> EncoderError {
    let path = folder.join(WHOLE);
    match OTHER_VOCABULARIES
        .iter()
        .find(|file| folder.join(file).exists())
    {
        None => reading::open(&path)
            .err()
            .unwrap_or_else(|| EncoderError::read(&path, std::io::ErrorKind::NotFound.into())),
        Some(file) => EncoderError::Tokenizer {
            reason: format!(
                "no such file, and {class} is not built from {file} here; write it with: python -c \"from transformers import AutoTokenizer as T; T.from_pretrained('{0}').save_pretrained('{0}')\"",
                folder.display()
            ),
            path,
        },
    }
}

/// The ends of a sequence that are cut and padded.
struct Sides {
    truncation: Side,
    padding: Side,
}

impl Sides {
    /// As transformers takes them: from the settings, or else from `tokenizer.json`.
    fn of(settings: &Settings, tokenizer: &tokenizers::Tokenizer) -> Self {
        let truncation = tokenizer.get_truncation().map(|t| match t.direction {
            TruncationDirection::Left => Side::Left,
            TruncationDirection::Right => Side::Right,
        });
        let padding = tokenizer.get_padding().map(|p| match p.direction {
            PaddingDirection::Left => Side::Left,
            PaddingDirection::Right => Side::Right,
        });
        Self {
            truncation: settings
                .truncation_side
                .or(truncation)
                .unwrap_or(Side::Right),
            padding: settings.padding_side.or(padding).unwrap_or(Side::Right),
        }
    }
}

/// The ids that stand around texts without tokens.
fn around_nothing(tokenizer: &tokenizers::Tokenizer) -> tokenizers::Result<Vec<u32>> {
    let mut ids = tokenizer.encode_fast("", true)?.get_ids().to_vec();
    ids.extend_from_slice(tokenizer.encode_fast(("", ""), true)?.get_ids());
    Ok(ids)
}
