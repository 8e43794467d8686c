//! A vocabulary from the files that came before `tokenizer.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::models::wordpiece::WordPiece;

use super::fence::READABLE;
use super::json_fault::json_fault;
use crate::error::EncoderError;
use crate::reading;

/// Reads `vocab.txt`, with one token on each line.
pub(super) fn word_piece(path: &Path, unknown: &str) -> Result<WordPiece, EncoderError> {
    let wrong = |reason: String| EncoderError::Tokenizer {
        path: path.to_path_buf(),
        reason,
    };
    let vocabulary = WordPiece::read_bytes(&reading::text(path)?);
    let vocabulary = vocabulary.map_err(|error| wrong(error.to_string()))?;
    if !vocabulary.contains_key(unknown) {
        return Err(wrong(format!("no line is `{unknown}`, the unknown token")));
    }
    WordPiece::builder()
        .vocab(vocabulary)
        .unk_token(unknown.to_owned())
        .build()
        .map_err(|error| wrong(error.to_string()))
}

/// Reads `vocab.json`, with the id of every token, and `merges.txt`, with two tokens on each line.
pub(super) fn byte_level(path: &Path, merges_path: &Path) -> Result<BPE, EncoderError> {
    let wrong = |path: &Path, reason: String| EncoderError::Tokenizer {
        path: path.to_path_buf(),
        reason,
    };
    let vocabulary: BTreeMap<String, u32> =
        serde_json::from_slice(&reading::text(path)?).map_err(|error| {
            wrong(
                path,
                json_fault(&error, "an object with the id of every token"),
            )
        })?;
    let text = String::from_utf8(reading::text(merges_path)?)
        .map_err(|error| wrong(merges_path, error.to_string()))?;
    let mut merges = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("#version") {
            continue;
        }
        let pair = line
            .split_once(' ')
            .filter(|(_, second)| !second.contains(' '));
        let Some((first, second)) = pair else {
            let reason = format!("line {} is `{line}`, accepted are two tokens", number + 1);
            return Err(wrong(merges_path, reason));
        };
        // The library would panic where the merged token is longer than every other.
        for token in [first, second, &format!("{first}{second}")] {
            if !vocabulary.contains_key(token) {
                let reason = format!(
                    "line {} needs `{token}`, which is not in vocab.json",
                    number + 1
                );
                return Err(wrong(merges_path, reason));
            }
        }
        merges.push((first.to_owned(), second.to_owned()));
    }
    BPE::builder()
        .vocab_and_merges(vocabulary.into_iter().collect::<Vocab>(), merges)
        .continuing_subword_prefix(String::new())
        .end_of_word_suffix(String::new())
        .build()
        .map_err(|error| wrong(path, error.to_string()))
}

/// Checks that every merge in a `tokenizer.json` makes a token of its vocabulary: the library panics at some that do not.
///
/// What is no such file is left to the library, which says what is wrong with it.
pub(super) fn check_merges(file: &[u8]) -> Result<(), String> {
    #[derive(Deserialize)]
    struct File {
        model: Model,
    }
    #[derive(Deserialize)]
    struct Model {
        vocab: BTreeMap<String, Value>,
        merges: Vec<Merge>,
        continuing_subword_prefix: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Merge {
        Line(String),
        Pair(String, String),
    }
    let File { model } = match serde_json::from_slice(file) {
        Ok(file) => file,
        // The library takes the last, and does not look at those before.
        Err(error) if error.to_string().starts_with("duplicate field") => {
            return Err(json_fault(&error, READABLE));
        }
        Err(_) => return Ok(()),
    };
    let prefix = model.continuing_subword_prefix.unwrap_or_default();
    for merge in &model.merges {
        let pair = match merge {
            Merge::Line(line) => line.split_once(' '),
            Merge::Pair(first, second) => Some((first.as_str(), second.as_str())),
        };
        let Some((first, second)) = pair else {
            continue;
        };
        // The library takes bytes for text from there on.
        let Some(rest) = second.get(prefix.len()..) else {
            return Err(format!(
                "model.merges joins `{first}` and `{second}`, which does not begin with `{prefix}`"
            ));
        };
        let token = format!("{first}{rest}");
        if !model.vocab.contains_key(&token) {
            return Err(format!(
                "model.merges joins `{first}` and `{second}`, and `{token}` is not in model.vocab"
            ));
        }
    }
    Ok(())
}
