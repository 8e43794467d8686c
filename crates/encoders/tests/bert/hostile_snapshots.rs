//! Snapshots that are made to break their reader; `fuzz-targets` makes others.

use std::fs;
use std::time::{Duration, Instant};

use burn::tensor::Device;
use encoders::{EncoderError, LoadedClassifier, Snapshot};
use serde_json::{Value, json};

use crate::tiny::{Copy, HEAD_SEED, LABELS, RawTensor};

fn load(copy: &Copy) -> Result<LoadedClassifier, EncoderError> {
    let snapshot = Snapshot::open(copy.path())?;
    snapshot.classifier(LABELS, HEAD_SEED, &Device::flex())
}

/// Changes `tokenizer.json` and reads it.
fn tokenizer(change: impl FnOnce(&mut Value)) -> Result<(), String> {
    let copy = Copy::new();
    let mut file: Value = serde_json::from_slice(&copy.read("tokenizer.json")).unwrap();
    change(&mut file);
    copy.write("tokenizer.json", file.to_string());
    let tokenizer = copy.open().tokenizer(48).map_err(|e| e.to_string())?;
    let encoded = tokenizer.encode([("a film", None), ("a", Some("film"))]);
    encoded.map(|_| ()).map_err(|e| e.to_string())
}

#[test]
fn layers_whose_number_overflows_are_refused() {
    let copy = Copy::new();
    for (field, value) in [
        ("model_type", json!("deberta-v2")),
        ("relative_attention", json!(true)),
        ("pos_att_type", json!("c2p|p2c")),
        ("num_hidden_layers", json!(1_u64 << 63)),
    ] {
        copy.configure(field, value);
    }
    let text = Snapshot::open(copy.path()).unwrap_err().to_string();
    assert!(text.ends_with("accepted is at most 100000000000"), "{text}");
}

#[test]
fn positions_without_parameters_are_limited_too() {
    for (model_type, field) in [
        ("deberta-v2", "max_position_embeddings"),
        ("deberta-v2", "max_relative_positions"),
        ("modernbert", "max_position_embeddings"),
    ] {
        let copy = Copy::new();
        copy.configure("model_type", json!(model_type));
        copy.configure("num_attention_heads", json!(6));
        copy.configure("classifier_dropout", json!(0.0));
        copy.configure("position_biased_input", json!(false));
        copy.configure(field, json!(u64::MAX >> 1));
        let text = Snapshot::open(copy.path()).unwrap_err().to_string();
        let expected = format!(
            "{field} is {}, accepted is at most 1000000000",
            u64::MAX >> 1
        );
        assert!(text.ends_with(&expected), "{text}");
    }
}

#[test]
fn a_head_without_a_value_has_no_outputs() {
    let copy = Copy::new();
    for (shape, expected) in [
        ([1_000_000_000_000, 0], [1_000_000_000_000_usize, 24]),
        ([0, 24], [1, 24]),
    ] {
        let mut tensors = copy.tensors();
        tensors.insert("classifier.weight".to_owned(), RawTensor::zeros(&shape));
        copy.write_tensors(&tensors);
        let error = copy.open().head_outputs(&Device::flex()).unwrap_err();
        let problem =
            format!("tensor `classifier.weight` has shape {shape:?}, expected {expected:?}");
        assert!(error.to_string().ends_with(&problem), "{error}");
    }
}

#[test]
fn a_name_of_a_hundred_thousand_wrappers_is_refused_at_once() {
    let copy = Copy::new();
    let name = "module.".repeat(100_000);
    copy.write_tensors(&[(name, RawTensor::zeros(&[1]))].into());
    let started = Instant::now();
    let text = load(&copy).unwrap_err().to_string();
    assert!(text.len() < 10_000, "{}", text.len());
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn names_in_a_message_end_no_line_and_clear_no_screen() {
    let copy = Copy::new();
    let mut tensors = copy.tensors();
    tensors.insert("a\nb\u{1b}[2J".to_owned(), RawTensor::zeros(&[1]));
    copy.write_tensors(&tensors);
    let text = load(&copy).unwrap_err().to_string();
    assert!(
        text.ends_with("unexpected tensor `a\\nb\\u{1b}[2J` of shape [1]"),
        "{text}"
    );
}

#[test]
fn no_text_is_padded_to_the_length_that_a_file_asks_for() {
    let padded = tokenizer(|file| {
        file["padding"]["strategy"] = json!({ "Fixed": 1_000_000_000_000_000_u64 });
        file["truncation"]["stride"] = json!(1_000);
    });
    assert_eq!(padded, Ok(()));
}

#[test]
fn a_template_without_its_tokens_is_refused() {
    let text = tokenizer(|file| file["post_processor"]["special_tokens"] = json!({})).unwrap_err();
    let expected = "the template single names \"[CLS]\", which is not in special_tokens";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_template_that_repeats_a_text_is_refused() {
    let text = tokenizer(|file| {
        let pair = file["post_processor"]["pair"].as_array_mut().unwrap();
        pair.extend(pair.clone());
    });
    let expected = "the template pair has the sequences A, B, A, B, accepted is each of A, B once";
    let text = text.unwrap_err();
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_normalizer_that_leads_out_of_its_table_is_refused() {
    let table = json!({ "type": "Precompiled", "precompiled_charsmap": "AAAAAA==" });
    let text = tokenizer(|file| file["normalizer"] = table).unwrap_err();
    let expected = "precompiled_charsmap leads out of itself from unit 0";
    assert!(text.ends_with(expected), "{text}");
}

#[cfg(unix)]
#[test]
fn a_link_leads_within_its_folder_or_to_the_hubs_cache() {
    use std::os::unix::fs::symlink;

    let outside = Copy::new();
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        let copy = Copy::new();
        copy.remove(name);
        let target = outside.path().join(name).canonicalize().unwrap();
        symlink(&target, copy.path().join(name)).unwrap();
        let read = load(&copy).and_then(|_| copy.open().tokenizer(48));
        let expected = format!(
            "{}: a link to {}, out of its folder; accepted is the file itself, or a link to one in the folder or in the hub's cache: copy the file, or name the folder it is in",
            copy.path().join(name).display(),
            target.display()
        );
        assert_eq!(read.unwrap_err().to_string(), expected);
        copy.remove(name);
        copy.write("kept", outside.read(name));
        symlink("kept", copy.path().join(name)).unwrap();
        load(&copy).and_then(|_| copy.open().tokenizer(48)).unwrap();
    }
    // As in the cache: models--OWNER--NAME/{blobs,snapshots/COMMIT}.
    let model = tempfile::tempdir().unwrap();
    let (blobs, snapshot) = (model.path().join("blobs"), model.path().join("snapshots/1"));
    fs::create_dir_all(&blobs).unwrap();
    fs::create_dir_all(&snapshot).unwrap();
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        fs::write(blobs.join(name), outside.read(name)).unwrap();
        symlink(format!("../../blobs/{name}"), snapshot.join(name)).unwrap();
    }
    let cached = Snapshot::open(&snapshot).unwrap();
    cached
        .classifier(LABELS, HEAD_SEED, &Device::flex())
        .unwrap();
    cached.tokenizer(48).unwrap();
}
