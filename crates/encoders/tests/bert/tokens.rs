//! Token ids, against transformers' tokenizer.

use std::fs;

use encoders::{Encoding, Snapshot, Tokenizer};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::golden;
use crate::minilm;
use crate::tiny::{self, Copy, Sentence};

#[track_caller]
fn assert_ids(tokenizer: &Tokenizer, sentences: &[Sentence]) {
    let encodings = tokenizer.encode(sentences.iter().map(Sentence::texts));
    let encodings = encodings.unwrap();
    assert_eq!(encodings.len(), sentences.len());
    for (ours, theirs) in encodings.into_iter().zip(sentences) {
        assert_eq!(ours, theirs.encoding(), "{:?}", theirs.texts());
    }
}

/// The digest of the token ids as little-endian u32, as the generator takes it.
pub(crate) fn digest<'a>(ids: impl IntoIterator<Item = &'a u32>) -> String {
    let bytes: Vec<u8> = ids.into_iter().flat_map(|id| id.to_le_bytes()).collect();
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_fixed_padding_and_truncation_in_the_file_are_not_obeyed() {
    // `tokenizer.json` asks for 32 tokens, always; the batch has 2 to 40.
    assert_ids(
        &tiny::snapshot().tokenizer(48).unwrap(),
        &tiny::sentences().batch,
    );
}

#[test]
fn long_texts_and_pairs_are_cut_at_the_longest_first() {
    let sentences = tiny::sentences();
    let tokenizer = tiny::snapshot().tokenizer(sentences.more_max_length);
    assert_ids(&tokenizer.unwrap(), &sentences.more);
}

#[test]
fn no_sentence_encodes_to_no_encoding() {
    let tokenizer = tiny::snapshot().tokenizer(16).unwrap();
    assert_eq!(tokenizer.encode([]).unwrap(), Vec::<Encoding>::new());
}

#[test]
fn a_pair_is_refused_where_the_model_has_one_token_type() {
    let copy = Copy::new();
    copy.configure("type_vocab_size", json!(1));
    let tokenizer = copy.open().tokenizer(16).unwrap();
    assert!(tokenizer.encode([("rain", None)]).is_ok());
    let error = tokenizer.encode([("rain", Some("wind"))]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot tokenize: token type 1 has no embedding, accepted is below 1"
    );
}

#[test]
fn a_special_token_beyond_the_embedding_is_refused() {
    let copy = Copy::new();
    let mut file: Value = serde_json::from_slice(&copy.read("tokenizer.json")).unwrap();
    file["post_processor"]["special_tokens"]["[SEP]"]["ids"] = json!([999]);
    copy.write("tokenizer.json", file.to_string());
    // BERT's own class has a template of its own.
    assert!(copy.open().tokenizer(16).is_ok());
    copy.write(
        "tokenizer_config.json",
        r#"{"tokenizer_class": "PreTrainedTokenizerFast"}"#,
    );
    let error = copy.open().tokenizer(16).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "the post-processor adds token id 999, accepted is below the embedding's vocab_size 233"
        ),
        "{error}"
    );
}

#[derive(Deserialize)]
struct Nasty {
    max_length: usize,
    singles: Vec<Single>,
    pair_max_length: usize,
    pairs: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Single {
    text: String,
    ids: Vec<u32>,
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn nasty_texts_have_the_ids_of_transformers() {
    let nasty: Nasty = golden::json("tokens/nasty.json");
    let snapshot = Snapshot::open(minilm::folder()).unwrap();
    let singles: Vec<Sentence> = nasty
        .singles
        .into_iter()
        .map(|single| Sentence {
            text: single.text,
            pair: None,
            type_ids: vec![0; single.ids.len()],
            ids: single.ids,
        })
        .collect();
    assert_eq!((singles.len(), nasty.pairs.len()), (50, 10));
    assert_ids(&snapshot.tokenizer(nasty.max_length).unwrap(), &singles);
    assert_ids(
        &snapshot.tokenizer(nasty.pair_max_length).unwrap(),
        &nasty.pairs,
    );
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn nasty_texts_have_the_ids_of_transformers_with_the_vocabulary_alone() {
    let nasty: Nasty = golden::json("tokens/nasty.json");
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "vocab.txt", "tokenizer_config.json"] {
        fs::copy(minilm::folder().join(name), folder.path().join(name)).unwrap();
    }
    let tokenizer = Snapshot::open(folder.path())
        .unwrap()
        .tokenizer(nasty.max_length);
    let texts = nasty
        .singles
        .iter()
        .map(|single| (single.text.as_str(), None));
    let encodings = tokenizer.unwrap().encode(texts).unwrap();
    for (ours, theirs) in encodings.iter().zip(&nasty.singles) {
        assert_eq!(ours.ids, theirs.ids, "{:?}", theirs.text);
    }
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn all_dev_sentences_have_the_ids_of_transformers() {
    let expected = fs::read_to_string(golden::path("tokens/dev_ids.sha256.txt")).unwrap();
    let sentences = minilm::dev_sentences();
    assert_eq!(sentences.len(), 872);
    let tokenizer = Snapshot::open(minilm::folder()).unwrap().tokenizer(128);
    let encodings = tokenizer
        .unwrap()
        .encode(sentences.iter().map(|text| (text.as_str(), None)))
        .unwrap();
    let ours: Vec<String> = encodings
        .iter()
        .map(|encoding| digest(&encoding.ids)[..16].to_owned())
        .collect();
    let theirs: Vec<&str> = expected.lines().collect();
    assert_eq!(ours, theirs);
}
