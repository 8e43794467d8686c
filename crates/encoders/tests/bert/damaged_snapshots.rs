//! Folders and files that cannot be used: one line with the path, the value and what is accepted.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use encoders::{BertConfig, EncoderConfig, EncoderError, Snapshot};
use serde_json::{Value, json};

use crate::golden;
use crate::tiny::{self, Copy, HEAD_SEED, LABELS};

/// Checks the form of an error and returns its text.
#[track_caller]
fn text_about(path: &Path, error: &EncoderError) -> String {
    let text = error.to_string();
    let rest = text.strip_prefix(&format!("{}: ", path.display()));
    let rest = rest.unwrap_or_else(|| panic!("{text}"));
    assert!(!text.contains('\n'), "{text}");
    assert!(!text.ends_with('.'), "{text}");
    rest.to_owned()
}

fn load(copy: &Copy) -> Result<(), EncoderError> {
    let snapshot = Snapshot::open(copy.path())?;
    snapshot.tokenizer(16)?;
    snapshot.classifier(LABELS, HEAD_SEED, &Device::flex())?;
    Ok(())
}

#[track_caller]
fn complaint(copy: &Copy, file: &str) -> String {
    text_about(&copy.path().join(file), &load(copy).unwrap_err())
}

#[test]
fn a_missing_folder_is_named() {
    for path in [
        PathBuf::from("no/such/model"),
        golden::path("tiny/generate.py"),
    ] {
        let error = Snapshot::open(&path).unwrap_err();
        assert!(matches!(error, EncoderError::NoFolder { .. }));
        let text = text_about(&path, &error);
        for file in ["config.json", "model.safetensors", "tokenizer.json"] {
            assert!(text.contains(file), "{text}");
        }
    }
}

#[test]
fn a_missing_file_is_named() {
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        let copy = Copy::new();
        copy.remove(file);
        assert!(matches!(load(&copy), Err(EncoderError::Read { .. })));
        complaint(&copy, file);
    }
}

#[test]
fn a_folder_in_place_of_a_file_is_named() {
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        let copy = Copy::new();
        copy.remove(file);
        fs::create_dir(copy.path().join(file)).unwrap();
        complaint(&copy, file);
    }
}

#[test]
fn another_model_type_is_refused_by_name() {
    let copy = Copy::new();
    for other in ["gpt2", "BERT", ""] {
        copy.configure("model_type", json!(other));
        let text = complaint(&copy, "config.json");
        let start = format!("model_type is `{other}`, accepted is `bert` or `");
        assert!(text.starts_with(&start), "{text}");
    }
    for absent in [Value::Null, json!(7)] {
        copy.configure("model_type", absent);
        assert!(complaint(&copy, "config.json").contains("accepted is `bert`"));
    }
}

#[test]
fn a_config_that_is_not_json_is_refused() {
    let copy = Copy::new();
    let whole = copy.read("config.json");
    for bytes in [
        &b""[..],
        b"[]",
        b"null",
        b"\xff\xfe",
        &whole[..whole.len() / 2],
    ] {
        copy.write("config.json", bytes);
        complaint(&copy, "config.json");
    }
}

#[test]
fn settings_that_cannot_be_computed_are_refused_with_their_value() {
    for (field, value, accepted) in [
        ("hidden_size", json!(25), "divisor of hidden_size 25"),
        ("hidden_size", json!(0), "at least 1"),
        ("hidden_size", json!("24"), "at line 1"),
        ("hidden_size", json!(-24), "at line 1"),
        ("num_attention_heads", json!(0), "at least 1"),
        ("hidden_act", json!("quick_gelu"), "gelu"),
        ("hidden_dropout_prob", json!(1.0), "0 <= p < 1"),
        ("attention_probs_dropout_prob", json!(-0.1), "0 <= p < 1"),
        ("classifier_dropout", json!(1.5), "0 <= p < 1"),
        ("layer_norm_eps", json!(0.0), "positive"),
        ("initializer_range", json!(-0.02), "positive"),
        ("position_embedding_type", json!("relative_key"), "absolute"),
        ("is_decoder", json!(true), "false"),
        ("pad_token_id", json!(233), "below vocab_size 233"),
        ("num_hidden_layers", json!(1_000_000_000_000_u64), "at most"),
    ] {
        let copy = Copy::new();
        copy.configure(field, value.clone());
        let text = complaint(&copy, "config.json");
        assert!(text.contains(accepted), "{field} {value}: {text}");
    }
}

#[test]
fn a_refusal_of_the_configuration_names_the_field() {
    let fields = serde_json::to_value(tiny::config()).unwrap();
    let fields = fields.as_object().unwrap().keys();
    for field in fields.filter(|field| *field != "model_type") {
        let copy = Copy::new();
        copy.configure(field, json!({ "an": "object" }));
        let text = complaint(&copy, "config.json");
        assert!(text.starts_with(&format!("{field}: ")), "{text}");
    }
    let copy = Copy::new();
    copy.configure("hidden_size", Value::Null);
    let text = complaint(&copy, "config.json");
    assert!(
        text.starts_with("hidden_size: invalid type: null"),
        "{text}"
    );
}

#[test]
fn a_field_that_may_be_null_is() {
    let copy = Copy::new();
    copy.configure("pad_token_id", Value::Null);
    copy.configure("classifier_dropout", Value::Null);
    let snapshot = copy.open();
    let config: &BertConfig = snapshot.config().try_into().unwrap();
    assert_eq!(
        (config.pad_token_id, config.classifier_dropout),
        (None, None)
    );
    assert_eq!(snapshot.config().pad_token_id(), 0);
    snapshot
        .finetuned_classifier(LABELS, &Device::flex())
        .unwrap();
}

#[test]
fn a_configuration_is_written_as_its_family_writes_it_and_read_again() {
    let snapshot = tiny::snapshot();
    let text = serde_json::to_string(snapshot.config()).unwrap();
    assert_eq!(text, serde_json::to_string(&tiny::config()).unwrap());
    let read: EncoderConfig = serde_json::from_str(&text).unwrap();
    assert_eq!(read, *snapshot.config());
    for other in [r#"{"model_type":"gpt"}"#, "{}", "[]"] {
        let error = serde_json::from_str::<EncoderConfig>(other).unwrap_err();
        assert!(error.to_string().contains("accepted is `bert`"), "{error}");
    }
}

#[test]
fn a_truncated_or_padded_weight_file_is_refused() {
    let copy = Copy::new();
    let whole = copy.read("model.safetensors");
    for length in [0, 4, 8, 9, 1_000, whole.len() / 2, whole.len() - 1] {
        copy.write("model.safetensors", &whole[..length]);
        assert!(matches!(load(&copy), Err(EncoderError::Safetensors { .. })));
        let text = complaint(&copy, "model.safetensors");
        assert!(text.contains(&length.to_string()), "{length}: {text}");
    }
    let longer = [&whole[..], b"!"].concat();
    copy.write("model.safetensors", &longer);
    let text = complaint(&copy, "model.safetensors");
    assert!(text.contains(&longer.len().to_string()), "{text}");
}

#[test]
fn a_corrupt_header_is_refused() {
    let copy = Copy::new();
    let whole = copy.read("model.safetensors");
    let altered = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = whole.windows(from.len()).position(|w| w == from.as_bytes());
        let mut bytes = whole.clone();
        bytes[at.unwrap()..][..to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    let mut endless = whole.clone();
    endless[..8].fill(0xff);
    for bytes in [
        endless,
        altered("\"dtype\"", "\"dtipe\""),
        altered("\"F32\"", "\"F33\""),
        altered("[24,24]", "[24,25]"),
        altered("\"data_offsets\":[", "\"data_offsets\":{"),
        b"PK\x03\x04 this is an archive of another kind".to_vec(),
    ] {
        copy.write("model.safetensors", bytes);
        assert!(matches!(load(&copy), Err(EncoderError::Safetensors { .. })));
        complaint(&copy, "model.safetensors");
    }
}

#[test]
fn no_flipped_byte_of_the_header_panics() {
    let copy = Copy::new();
    let whole = copy.read("model.safetensors");
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    for at in (0..header + 8).step_by(5) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x11;
        copy.write("model.safetensors", bytes);
        if let Err(error) = load(&copy) {
            text_about(&copy.path().join("model.safetensors"), &error);
        }
    }
}

#[test]
fn a_tokenizer_file_of_another_kind_is_refused() {
    let copy = Copy::new();
    let whole = copy.read("tokenizer.json");
    for bytes in [&b""[..], b"{}", b"[1]", b"\xff", &whole[..whole.len() / 2]] {
        copy.write("tokenizer.json", bytes);
        assert!(matches!(load(&copy), Err(EncoderError::Tokenizer { .. })));
        complaint(&copy, "tokenizer.json");
    }
}

#[test]
fn a_vocabulary_larger_than_the_embedding_is_refused() {
    let copy = Copy::new();
    copy.configure("vocab_size", json!(200));
    let text = complaint(&copy, "tokenizer.json");
    assert!(
        text.contains("232") && text.contains("vocab_size 200"),
        "{text}"
    );
}

#[test]
fn a_max_length_beyond_the_positions_is_refused() {
    let snapshot = Copy::new().open();
    for max_length in [0, 3, 49, usize::MAX] {
        let text = snapshot_tokenizer_error(&snapshot, max_length);
        assert_eq!(
            text,
            format!("max length is {max_length} tokens, accepted is 4 to 48")
        );
    }
}

fn snapshot_tokenizer_error(snapshot: &Snapshot, max_length: usize) -> String {
    snapshot.tokenizer(max_length).unwrap_err().to_string()
}
