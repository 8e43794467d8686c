//! Which files a tokenizer comes from, and which takes precedence where they disagree.

use encoders::{EncoderError, Tokenizer};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::golden;
use crate::tiny::Copy;

/// What transformers gives, made by `golden/tokenizer_settings/generate.py`.
#[derive(Deserialize)]
struct Expected {
    texts: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    settings: Value,
    /// Ids with `vocab.txt` alone.
    vocabulary: Vec<Vec<u32>>,
}

fn expected() -> Expected {
    golden::json("tokenizer_settings/expected.json")
}

/// Writes the vocabulary of `tokenizer.json`, and what is set beside it.
fn with_vocabulary(settings: &Value) -> Copy {
    let copy = Copy::new();
    let file: Value = serde_json::from_slice(&copy.read("tokenizer.json")).unwrap();
    let vocabulary = file["model"]["vocab"].as_object().unwrap();
    let mut tokens: Vec<(&String, u64)> = vocabulary
        .iter()
        .map(|(token, id)| (token, id.as_u64().unwrap()))
        .collect();
    tokens.sort_by_key(|&(_, id)| id);
    let lines: String = tokens
        .iter()
        .map(|(token, _)| format!("{token}\n"))
        .collect();
    copy.write("vocab.txt", lines);
    copy.write("tokenizer_config.json", settings.to_string());
    copy
}

fn tokenizer(copy: &Copy) -> Tokenizer {
    copy.open().tokenizer(48).unwrap()
}

#[track_caller]
fn ids(copy: &Copy, texts: &[String]) -> Vec<Vec<u32>> {
    let texts = texts.iter().map(|text| (text.as_str(), None));
    let encodings = tokenizer(copy).encode(texts).unwrap();
    encodings.into_iter().map(|encoding| encoding.ids).collect()
}

#[test]
fn a_vocabulary_alone_gives_the_ids_of_transformers() {
    let expected = expected();
    assert_eq!(expected.cases.len(), 8);
    for case in expected.cases {
        let copy = with_vocabulary(&case.settings);
        copy.remove("tokenizer.json");
        // A special token beyond the vocabulary gets an id of its own.
        copy.configure("vocab_size", json!(240));
        assert_eq!(
            ids(&copy, &expected.texts),
            case.vocabulary,
            "{}",
            case.settings
        );
        assert!(tokenizer(&copy).notes().is_empty());
    }
}

#[test]
fn a_vocabulary_alone_needs_no_settings() {
    let expected = expected();
    let copy = with_vocabulary(&json!({}));
    copy.remove("tokenizer.json");
    copy.remove("tokenizer_config.json");
    assert_eq!(ids(&copy, &expected.texts), expected.cases[0].vocabulary);
}

#[test]
fn the_settings_override_the_normalizer_and_the_difference_is_said() {
    let expected = expected();
    for case in expected.cases {
        if case.settings.get("cls_token").is_some() {
            continue;
        }
        let copy = with_vocabulary(&case.settings);
        copy.remove("vocab.txt");
        assert_eq!(
            ids(&copy, &expected.texts),
            case.vocabulary,
            "{}",
            case.settings
        );
    }
    let copy = with_vocabulary(&json!({ "do_lower_case": false, "strip_accents": true }));
    assert_eq!(
        tokenizer(&copy).notes(),
        [
            "do_lower_case is false in tokenizer_config.json, true in tokenizer.json; \
             strip_accents is true in tokenizer_config.json, null in tokenizer.json: \
             tokenizer_config.json takes precedence, as in transformers"
        ]
    );
    let same =
        json!({ "do_lower_case": true, "strip_accents": null, "tokenize_chinese_chars": true });
    assert!(tokenizer(&with_vocabulary(&same)).notes().is_empty());
}

#[test]
fn the_class_takes_precedence_where_the_settings_are_silent() {
    let copy = with_vocabulary(&json!({}));
    let mut file: Value = serde_json::from_slice(&copy.read("tokenizer.json")).unwrap();
    file["normalizer"]["lowercase"] = json!(false);
    file["pre_tokenizer"] = json!({ "type": "Whitespace" });
    file["post_processor"] = Value::Null;
    copy.write("tokenizer.json", file.to_string());
    let expected = expected();
    assert_eq!(ids(&copy, &expected.texts), expected.cases[0].vocabulary);
    assert_eq!(
        tokenizer(&copy).notes(),
        [
            "do_lower_case is true by default of BertTokenizer, false in tokenizer.json; \
             the pre_tokenizer is that of BertTokenizer, another in tokenizer.json; \
             the special tokens around a text are those of BertTokenizer, others in tokenizer.json: \
             BertTokenizer takes precedence, as in transformers"
        ]
    );
}

#[test]
fn the_length_a_tokenizer_was_made_for_caps_the_length_asked_for_and_is_said() {
    let copy = with_vocabulary(&json!({ "model_max_length": 7 }));
    let tokenizer = tokenizer(&copy);
    assert_eq!(
        tokenizer.notes(),
        [
            "max length is 48, model_max_length in tokenizer_config.json 7: texts are cut at 7 tokens"
        ]
    );
    let text = "the rain and the wind and the sea";
    assert_eq!(tokenizer.encode([(text, None)]).unwrap()[0].ids.len(), 7);
    for other in [json!(48), json!(1e30), Value::Null] {
        let copy = with_vocabulary(&json!({ "model_max_length": other }));
        assert!(copy.open().tokenizer(48).unwrap().notes().is_empty());
    }
    let copy = with_vocabulary(&json!({ "max_len": 3 }));
    let text = copy.open().tokenizer(48).unwrap_err().to_string();
    let end = "tokenizer_config.json: model_max_length is 3, accepted is at least 4";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn the_beginning_is_cut_where_the_settings_say_so() {
    let copy = with_vocabulary(&json!({ "truncation_side": "left" }));
    let note = "truncation_side is left: long texts lose their beginning";
    assert_eq!(tokenizer(&copy).notes(), [note]);
    let left = copy.open().tokenizer(4).unwrap();
    let right = Copy::new().open().tokenizer(4).unwrap();
    let ids = |tokenizer: &Tokenizer, text: &str| {
        let encoding = tokenizer.encode([(text, None)]).unwrap();
        encoding[0].ids.clone()
    };
    assert_eq!(ids(&left, "rain and wind"), ids(&right, "and wind"));
}

#[test]
fn padding_on_the_left_is_refused_where_positions_would_count_it() {
    let copy = with_vocabulary(&json!({ "padding_side": "left" }));
    let text = copy.open().tokenizer(16).unwrap_err().to_string();
    let end = "tokenizer_config.json: padding_side is `left`, accepted for `bert` is `right`: \
               its positions would count the padding";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn another_class_leaves_the_normalizer_as_it_is() {
    let settings = json!({ "do_lower_case": false, "tokenizer_class": "PreTrainedTokenizerFast" });
    let copy = with_vocabulary(&settings);
    let expected = expected();
    assert_eq!(ids(&copy, &expected.texts), expected.cases[0].vocabulary);
    assert!(tokenizer(&copy).notes().is_empty());
}

#[test]
fn settings_and_vocabularies_that_cannot_be_used_are_named() {
    for (file, text) in [
        ("tokenizer_config.json", "{"),
        ("tokenizer_config.json", r#"{"do_lower_case": "yes"}"#),
        ("tokenizer_config.json", r#"{"truncation_side": "up"}"#),
        ("special_tokens_map.json", r#"{"cls_token": 7}"#),
        ("added_tokens.json", "[1]"),
        ("vocab.txt", "one\ntwo\n"),
        ("vocab.txt", ""),
    ] {
        let copy = with_vocabulary(&json!({}));
        copy.remove("tokenizer.json");
        copy.write(file, text);
        let error = copy.open().tokenizer(16).unwrap_err();
        assert!(matches!(error, EncoderError::Tokenizer { .. }), "{error}");
        let text = error.to_string();
        let path = copy.path().join(file);
        assert!(text.starts_with(&path.display().to_string()), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

#[test]
fn a_tokenizer_without_special_tokens_is_said_and_a_sentence_without_tokens_refused() {
    let copy = Copy::new();
    let mut file: Value = serde_json::from_slice(&copy.read("tokenizer.json")).unwrap();
    file["post_processor"] = Value::Null;
    copy.write("tokenizer.json", file.to_string());
    copy.write(
        "tokenizer_config.json",
        r#"{"tokenizer_class": "PreTrainedTokenizerFast"}"#,
    );
    let tokenizer = tokenizer(&copy);
    assert_eq!(
        tokenizer.notes(),
        ["the tokenizer adds no special tokens: a sentence's first word stands for it"]
    );
    assert_eq!(tokenizer.encode([("rain", None)]).unwrap()[0].ids.len(), 1);
    let error = tokenizer
        .encode([("rain", None), (" \t", None)])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot tokenize: text 2 has no tokens, accepted is at least one, and the tokenizer adds no special tokens"
    );
}
