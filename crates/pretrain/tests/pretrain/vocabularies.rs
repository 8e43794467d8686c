//! Trained vocabularies.

use pretrain::{PretrainError, Vocabulary};

use crate::setup::{Folder, documents, vocabulary};

#[test]
fn the_same_text_gives_the_same_vocabulary() {
    // The library's hash maps have a different order every time.
    let first = vocabulary().to_json().expect("JSON");
    for _ in 0..5 {
        assert_eq!(vocabulary().to_json().expect("JSON"), first);
    }
}

#[test]
fn special_tokens_come_first_and_the_size_is_kept() {
    let vocabulary = vocabulary();
    assert_eq!(vocabulary.size(), 90);
    assert_eq!(vocabulary.words(), 5..90);
    let json: serde_json::Value =
        serde_json::from_str(&vocabulary.to_json().expect("JSON")).expect("JSON");
    for (id, token) in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        .iter()
        .enumerate()
    {
        assert_eq!(json["model"]["vocab"][token], id);
        assert_eq!(json["added_tokens"][id]["content"], *token);
    }
    assert_eq!(json["added_tokens"].as_array().map(Vec::len), Some(5));
    // A letter that never continues a word has no continuing token.
    assert!(json["model"]["vocab"].get("##.").is_none());
}

#[test]
fn words_are_lower_case_and_pieces_continue_them() {
    let vocabulary = vocabulary();
    let encode = |text| vocabulary.encode(vec![text]).expect("ids").remove(0);
    assert_eq!(encode("SLOW Film"), encode("slow film"));
    let pieces = encode("slowfilm");
    assert!(pieces.len() > 1, "{pieces:?}");
    assert!(!vocabulary.continues(pieces[0]));
    assert!(pieces[1..].iter().all(|&id| vocabulary.continues(id)));
    assert_eq!(encode("\u{4e2d}"), [1], "a character that was never seen");
    assert!(encode("").is_empty());
}

#[test]
fn a_vocabulary_is_read_as_it_was_written() {
    let folder = Folder::new();
    let path = folder.with("tokenizer.json", vocabulary().to_json().expect("JSON"));
    let read = Vocabulary::load(&path).expect("it loads");
    assert_eq!(
        read.to_json().expect("JSON"),
        vocabulary().to_json().expect("JSON")
    );
    assert!((0..90).all(|id| read.continues(id) == vocabulary().continues(id)));
}

#[test]
fn a_vocabulary_without_room_for_the_letters_is_refused() {
    let error = Vocabulary::train(&documents(50), 20).unwrap_err();
    assert!(matches!(error, PretrainError::Setting { .. }));
    assert!(
        error
            .to_string()
            .starts_with("vocabulary is 20, accepted is "),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_a_tokenizer_is_named() {
    let folder = Folder::new();
    for text in [
        "",
        "{}",
        // At which the tokenizers library panics.
        include_str!("../../../fuzz-targets/corpus/tokenizer/cut-in-the-decoder.json"),
        &vocabulary()
            .to_json()
            .expect("JSON")
            .replace("[MASK]", "[mask]"),
    ] {
        let error = Vocabulary::load(folder.with("tokenizer.json", text)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("tokenizer.json: "), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
