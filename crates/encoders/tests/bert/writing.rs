//! A snapshot that is written is the one that is read.

use std::collections::BTreeSet;
use std::fs;

use burn::tensor::Device;
use encoders::{EncoderError, Snapshot, write_snapshot};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::golden;
use crate::masked_lm::named;
use crate::tiny::{self, Copy};

fn tokenizer() -> String {
    fs::read_to_string(golden::path("tiny/snapshot/tokenizer.json")).unwrap()
}

#[test]
fn the_tensors_are_those_that_transformers_writes_in_half_precision() {
    let variant = Copy::of_variant("masked_lm");
    let model = variant.open().masked_lm(&Device::flex()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = tiny::config();
    write_snapshot(folder.path(), &config, &model, &tokenizer()).unwrap();

    let bytes = fs::read(folder.path().join("model.safetensors")).unwrap();
    let written = SafeTensors::deserialize(&bytes).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    assert_eq!(metadata.get("format").map(String::as_str), Some("pt"));
    let theirs = variant.tensors();
    let names: BTreeSet<&str> = written.names().into_iter().collect();
    assert_eq!(names, theirs.keys().map(String::as_str).collect());
    for (name, theirs) in &theirs {
        let ours = written.tensor(name).unwrap();
        assert_eq!(
            (ours.dtype(), ours.shape()),
            (Dtype::F16, theirs.shape.as_slice())
        );
        let (halves, _) = ours.data().as_chunks::<2>();
        let (singles, _) = theirs.bytes.as_chunks::<4>();
        for (half, single) in halves.iter().zip(singles) {
            let expected = half::f16::from_f32(f32::from_le_bytes(*single));
            assert_eq!(half::f16::from_le_bytes(*half), expected, "{name}");
        }
    }
}

#[test]
fn the_written_folder_opens_with_the_same_values() {
    let variant = Copy::of_variant("masked_lm");
    let device = Device::flex();
    let model = variant.open().masked_lm(&device).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("made").join("here");
    let config = tiny::config();
    // Twice: a snapshot that is there is replaced.
    for _ in 0..2 {
        write_snapshot(&place, &config, &model, &tokenizer()).unwrap();
    }

    let snapshot = Snapshot::open(&place).unwrap();
    assert_eq!(*snapshot.config(), config.clone().into());
    let rounded = |values: &Vec<f32>| -> Vec<f32> {
        let half = |&x: &f32| half::f16::from_f32(x).to_f32();
        values.iter().map(half).collect()
    };
    let read = named(&snapshot.masked_lm(&device).unwrap(), None);
    for (name, values) in named(&model, None) {
        assert_eq!(read[&name], rounded(&values), "{name}");
    }
    tiny::with_fresh(&snapshot, &["bert.pooler.dense", "classifier"]);
    snapshot.tokenizer(32).unwrap();
    let text = fs::read(place.join("config.json")).unwrap();
    let written: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(written["architectures"][0], "BertForMaskedLM");
    assert!(written.get("classifier_dropout").is_none());
}

#[cfg(unix)]
#[test]
fn every_written_file_has_the_rights_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;

    let model = Copy::of_variant("masked_lm")
        .open()
        .masked_lm(&Device::flex())
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_snapshot(folder.path(), &tiny::config(), &model, &tokenizer()).unwrap();
    fs::write(folder.path().join("plain"), "").unwrap();
    let rights = |name: &str| {
        let metadata = fs::metadata(folder.path().join(name)).unwrap();
        metadata.permissions().mode()
    };
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        assert_eq!(rights(name), rights("plain"), "{name}");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let model = Copy::of_variant("masked_lm")
        .open()
        .masked_lm(&Device::flex())
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("file");
    fs::write(&place, "").unwrap();
    let config = tiny::config();
    let error = write_snapshot(&place, &config, &model, &tokenizer()).unwrap_err();
    assert!(matches!(error, EncoderError::Write { .. }));
    let text = error.to_string();
    assert!(text.contains("file: cannot be written"), "{text}");
    assert_eq!(text.lines().count(), 1);
}
