//! Training a WordPiece vocabulary.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;
use tokenizers::decoders::wordpiece::WordPiece as WordPieceDecoder;
use tokenizers::models::wordpiece::{WordPiece, WordPieceTrainer};
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{
    AddedToken, EncodeInput, NormalizedString, Normalizer, OffsetReferential, OffsetType,
    PreTokenizedString, PreTokenizer, Tokenizer, Trainer,
};

use crate::error::PretrainError;

/// The file of a vocabulary.
pub(crate) const TOKENIZER: &str = "tokenizer.json";
/// Pads a batch.
pub(crate) const PAD: u32 = 0;
/// Stands for a word that the vocabulary cannot spell.
const UNKNOWN: &str = "[UNK]";
/// Begins a sequence.
pub(crate) const CLS: u32 = 2;
/// Ends a sequence.
pub(crate) const SEP: u32 = 3;
/// Replaces a masked word.
pub(crate) const MASK: u32 = 4;
/// In the order of their ids.
const SPECIAL: [&str; 5] = ["[PAD]", UNKNOWN, "[CLS]", "[SEP]", "[MASK]"];
/// Marks a piece that continues a word.
const CONTINUES: &str = "##";
/// How many distinct characters are kept, the most frequent ones; each takes up to two tokens.
const ALPHABET: usize = 256;
/// Longest word to learn from, in bytes: the time of the trainer grows with the square of a word's length. WordPiece takes words
/// of more than 100 characters for unknown anyway.
const LONGEST_WORD: usize = 1000;
/// Two pieces that occur together less often than this are not joined.
const LEAST_FREQUENT: u64 = 2;

/// A BERT tokenizer: lower case, WordPiece, special tokens at ids 0 to 4.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    tokenizer: Tokenizer,
    continues: Vec<bool>,
}

impl Vocabulary {
    /// Trains at most `size` tokens on texts; the same texts give the same tokens.
    ///
    /// # Errors
    /// [`PretrainError::Setting`] if `size` has no room for the special tokens and the letters,
    /// [`PretrainError::Tokenizer`].
    pub fn train<S: AsRef<str> + Sync>(texts: &[S], size: usize) -> Result<Self, PretrainError> {
        let counts = count_words(texts)?;
        let alphabet = alphabet(&counts);
        let spelled = |word: &str| word.chars().all(|c| alphabet.contains(&c));
        let counts: HashMap<&str, usize> = counts
            .iter()
            .filter(|(word, _)| word.len() <= LONGEST_WORD && spelled(word))
            .map(|(word, &count)| (word.as_str(), count))
            .collect();
        // The trainer numbers the continuing letters in the order of a hash map, which differs between
        // processes, and breaks ties between merges by these numbers: so fix their order beforehand.
        let continuing: BTreeSet<char> = counts
            .keys()
            .flat_map(|word| word.chars().skip(1))
            .collect();
        let tokens: Vec<AddedToken> = SPECIAL
            .iter()
            .map(|&token| token.to_owned())
            .chain(
                continuing
                    .iter()
                    .map(|letter| format!("{CONTINUES}{letter}")),
            )
            .map(|token| AddedToken::from(token, true))
            .collect();
        let least = tokens.len() + alphabet.len();
        if size < least {
            return Err(PretrainError::Setting {
                name: "vocabulary",
                value: size.to_string(),
                accepted: "room for the special tokens and all letters, twice",
            });
        }
        let mut trainer = WordPieceTrainer::builder()
            .vocab_size(size)
            .min_frequency(LEAST_FREQUENT)
            .show_progress(false)
            .special_tokens(tokens)
            .build();
        trainer
            .feed(counts.keys(), |word| {
                Ok(vec![word.to_owned(); counts[word]])
            })
            .map_err(refused)?;
        let mut model = WordPiece::default();
        Trainer::train(&trainer, &mut model).map_err(refused)?;
        model.unk_token = UNKNOWN.to_owned();
        Self::of(assembled(model)?)
    }

    /// Reads a `tokenizer.json` that [`Vocabulary::to_json`] wrote.
    ///
    /// # Errors
    /// [`PretrainError::Encoder`] or [`PretrainError::Tokenizer`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, PretrainError> {
        let path = path.as_ref();
        let mut tokenizer = encoders::tokenizer_file(path)?;
        for (id, token) in SPECIAL.iter().enumerate() {
            if tokenizer.token_to_id(token) != Some(id as u32) {
                return Err(PretrainError::Tokenizer(format!(
                    "{}: expected {token} to be token {id}",
                    path.display()
                )));
            }
        }
        // A file that was changed may pad a text to any length.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(refused)?;
        Self::of(tokenizer)
    }

    /// Writes `tokenizer.json` in a folder, as a whole or not at all.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), PretrainError> {
        let json = self.to_json()?;
        Ok(files::replace(&folder.join(TOKENIZER), json.as_bytes())?)
    }

    fn of(tokenizer: Tokenizer) -> Result<Self, PretrainError> {
        let size = tokenizer.get_vocab_size(true);
        let continues = (0..size as u32)
            .map(|id| {
                let token = tokenizer
                    .id_to_token(id)
                    .ok_or_else(|| PretrainError::Tokenizer(format!("token {id} is missing")))?;
                Ok(token.starts_with(CONTINUES))
            })
            .collect::<Result<_, PretrainError>>()?;
        Ok(Self {
            tokenizer,
            continues,
        })
    }

    /// The tokenizer as `tokenizer.json`.
    ///
    /// # Errors
    /// [`PretrainError::Tokenizer`].
    pub fn to_json(&self) -> Result<String, PretrainError> {
        self.tokenizer.to_string(false).map_err(refused)
    }

    /// Number of tokens.
    pub fn size(&self) -> usize {
        self.continues.len()
    }

    /// Ids of everything but the special tokens.
    pub fn words(&self) -> Range<u32> {
        SPECIAL.len() as u32..self.size() as u32
    }

    /// Whether the token continues the word of the token before it.
    ///
    /// # Panics
    /// If `id` is not below [`Vocabulary::size`].
    pub fn continues(&self, id: u32) -> bool {
        self.continues[id as usize]
    }

    /// Tokenizes texts in parallel and in order, without special tokens.
    ///
    /// # Errors
    /// [`PretrainError::Tokenizer`].
    pub fn encode(&self, texts: Vec<&str>) -> Result<Vec<Vec<u32>>, PretrainError> {
        let inputs: Vec<EncodeInput<'_>> = texts.into_iter().map(EncodeInput::from).collect();
        let encodings = self
            .tokenizer
            .encode_batch_fast(inputs, false)
            .map_err(refused)?;
        Ok(encodings
            .iter()
            .map(|encoding| encoding.get_ids().to_vec())
            .collect())
    }
}

fn normalizer() -> BertNormalizer {
    BertNormalizer::new(true, true, None, true)
}

fn assembled(model: WordPiece) -> Result<Tokenizer, PretrainError> {
    let special = |name: &str, id: u32| (name.to_owned(), id);
    let template = TemplateProcessing::builder()
        .try_single("[CLS]:0 $A:0 [SEP]:0")
        .and_then(|template| template.try_pair("[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1"))
        .map_err(|e| PretrainError::Tokenizer(e.to_string()))?
        .special_tokens(vec![special("[CLS]", CLS), special("[SEP]", SEP)])
        .build()
        .map_err(|e| PretrainError::Tokenizer(e.to_string()))?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer
        .with_normalizer(Some(normalizer()))
        .map_err(refused)?
        .with_pre_tokenizer(Some(BertPreTokenizer))
        .with_post_processor(Some(template))
        .with_decoder(Some(WordPieceDecoder::default()));
    tokenizer
        .add_special_tokens(SPECIAL.map(|token| AddedToken::from(token, true)))
        .map_err(refused)?;
    Ok(tokenizer)
}

/// How often each word occurs.
fn count_words<S: AsRef<str> + Sync>(
    texts: &[S],
) -> Result<BTreeMap<String, usize>, PretrainError> {
    let normalizer = normalizer();
    let count = |mut counts: HashMap<String, usize>, text: &S| {
        let mut text = NormalizedString::from(text.as_ref());
        normalizer.normalize(&mut text)?;
        let mut words = PreTokenizedString::from(text);
        BertPreTokenizer.pre_tokenize(&mut words)?;
        for (word, _, _) in words.get_splits(OffsetReferential::Normalized, OffsetType::Byte) {
            match counts.get_mut(word) {
                Some(count) => *count += 1,
                None => {
                    counts.insert(word.to_owned(), 1);
                }
            }
        }
        Ok(counts)
    };
    texts
        .par_iter()
        .try_fold(HashMap::new, count)
        .try_reduce(HashMap::new, |mut all, part| {
            for (word, count) in part {
                *all.entry(word).or_default() += count;
            }
            Ok(all)
        })
        .map(BTreeMap::from_iter)
        .map_err(refused)
}

/// The most frequent characters; of equally frequent ones, the first in Unicode.
fn alphabet(counts: &BTreeMap<String, usize>) -> BTreeSet<char> {
    let mut letters: BTreeMap<char, usize> = BTreeMap::new();
    for (word, count) in counts {
        for letter in word.chars() {
            *letters.entry(letter).or_default() += count;
        }
    }
    let mut letters: Vec<(char, usize)> = letters.into_iter().collect();
    letters.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    letters
        .into_iter()
        .take(ALPHABET)
        .map(|(letter, _)| letter)
        .collect()
}

fn refused(error: tokenizers::Error) -> PretrainError {
    PretrainError::Tokenizer(error.to_string())
}
