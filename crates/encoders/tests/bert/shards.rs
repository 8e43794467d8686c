//! Weights in several files, behind wrappers, or in no file that is read.

use std::collections::BTreeMap;

use burn::tensor::Device;
use encoders::{EncoderError, LoadedClassifier, Snapshot};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::masked_lm::named;
use crate::tiny::{self, Copy, LABELS, RawTensor};

const INDEX: &str = "model.safetensors.index.json";
const FILES: [&str; 2] = [
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
];

/// A copy with every other tensor in another file.
fn sharded() -> Copy {
    let copy = Copy::new();
    let mut parts = [BTreeMap::new(), BTreeMap::new()];
    let mut weight_map = BTreeMap::new();
    let mut total_size = 0;
    for (number, (name, tensor)) in copy.tensors().into_iter().enumerate() {
        total_size += tensor.bytes.len();
        weight_map.insert(name.clone(), FILES[number % 2]);
        parts[number % 2].insert(name, tensor);
    }
    copy.remove("model.safetensors");
    for (file, part) in FILES.into_iter().zip(&parts) {
        copy.write(file, safetensors::serialize(part, None).unwrap());
    }
    let index = json!({ "metadata": { "total_size": total_size }, "weight_map": weight_map });
    copy.write(INDEX, index.to_string());
    copy
}

fn load(copy: &Copy) -> Result<LoadedClassifier, EncoderError> {
    let snapshot = Snapshot::open(copy.path())?;
    snapshot.finetuned_classifier(LABELS, &Device::flex())
}

fn whole() -> BTreeMap<String, Vec<f32>> {
    named(&tiny::classifier(&tiny::snapshot()), None)
}

/// Alters the index.
fn edit(copy: &Copy, change: impl FnOnce(&mut Value)) {
    let mut index = serde_json::from_slice(&copy.read(INDEX)).unwrap();
    change(&mut index);
    copy.write(INDEX, index.to_string());
}

/// The error's text without the path of the index, which it begins with.
#[track_caller]
fn complaint(copy: &Copy) -> String {
    let error = load(copy).unwrap_err();
    assert!(matches!(error, EncoderError::Index { .. }), "{error}");
    let (text, path) = (error.to_string(), copy.path().join(INDEX));
    let rest = text.strip_prefix(&format!("{}: ", path.display()));
    rest.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn a_checkpoint_in_two_files_loads_as_one() {
    let loaded = load(&sharded()).unwrap();
    assert_eq!(named(&loaded.model, None), whole());
    assert!(loaded.notes.is_empty(), "{:?}", loaded.notes);
}

#[test]
fn one_file_counts_where_there_is_an_index_too() {
    let copy = Copy::new();
    copy.write(INDEX, "{}");
    assert_eq!(named(&load(&copy).unwrap().model, None), whole());
}

#[test]
fn the_digest_of_one_file_is_its_own_and_of_several_that_of_their_list() {
    let hexadecimal = |bytes: &[u8]| -> String {
        let digest = Sha256::digest(bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let copy = Copy::new();
    let own = hexadecimal(&copy.read("model.safetensors"));
    assert_eq!(copy.open().weights_sha256().unwrap(), own);

    let copy = sharded();
    let list: String = FILES
        .map(|file| format!("{}  {file}\n", hexadecimal(&copy.read(file))))
        .concat();
    let digest = hexadecimal(list.as_bytes());
    assert_eq!(copy.open().weights_sha256().unwrap(), digest);
    edit(&copy, |index| index["metadata"] = json!({}));
    assert_eq!(copy.open().weights_sha256().unwrap(), digest);
}

#[test]
fn no_file_of_an_index_lies_outside_the_folder() {
    for file in [
        "../model.safetensors",
        "/etc/passwd",
        "a/b",
        "",
        ".",
        "..",
        "a/",
    ] {
        let copy = sharded();
        edit(&copy, |index| {
            index["weight_map"]["classifier.bias"] = json!(file)
        });
        assert_eq!(
            complaint(&copy),
            format!(
                "weight_map puts `classifier.bias` into `{file}`, accepted is a file of the same folder"
            )
        );
    }
}

#[test]
fn an_index_that_does_not_describe_its_files_is_refused() {
    let copy = sharded();
    edit(&copy, |index| {
        index["weight_map"]["extra"] = json!(FILES[0])
    });
    assert_eq!(
        complaint(&copy),
        format!(
            "weight_map puts `extra` into `{}`, which does not hold it",
            FILES[0]
        )
    );
    let copy = sharded();
    edit(&copy, |index| {
        let map = index["weight_map"].as_object_mut().unwrap();
        map.remove("classifier.weight");
    });
    assert!(
        complaint(&copy).ends_with("holds `classifier.weight`, for which weight_map names no file")
    );
    for text in [
        "",
        "{}",
        "[]",
        r#"{"weight_map": {}}"#,
        r#"{"weight_map": {"a": 1}}"#,
    ] {
        let copy = sharded();
        copy.write(INDEX, text);
        complaint(&copy);
    }
}

#[test]
fn a_file_of_an_index_that_is_missing_or_cut_is_named() {
    let copy = sharded();
    let bytes = copy.read(FILES[1]);
    copy.write(FILES[1], &bytes[..bytes.len() - 1]);
    let error = load(&copy).unwrap_err();
    assert!(matches!(error, EncoderError::Safetensors { .. }), "{error}");
    assert!(error.to_string().contains(FILES[1]), "{error}");
    copy.remove(FILES[1]);
    let error = load(&copy).unwrap_err();
    assert!(matches!(error, EncoderError::Read { .. }), "{error}");
    assert!(error.to_string().contains(FILES[1]), "{error}");
}

#[test]
fn another_size_than_the_index_announces_is_said() {
    let copy = sharded();
    edit(&copy, |index| index["metadata"]["total_size"] = json!(7));
    let loaded = load(&copy).unwrap();
    let bytes: usize = whole().values().map(|values| 4 * values.len()).sum();
    let note = format!("{INDEX} announces 7 bytes of tensors, the files hold {bytes}");
    assert_eq!(loaded.notes, [note]);
}

#[test]
fn a_pickle_is_refused_with_the_command_that_converts_it() {
    let copy = Copy::new();
    copy.remove("model.safetensors");
    copy.write("pytorch_model.bin", "PK");
    let text = load(&copy).unwrap_err().to_string();
    let path = copy.path().join("pytorch_model.bin");
    assert!(
        text.starts_with(&format!("{}: a pickle", path.display())),
        "{text}"
    );
    assert!(text.contains("python -c \"import"), "{text}");
    assert!(
        text.ends_with(&format!("'{}/'", copy.path().display())),
        "{text}"
    );
    assert!(!text.contains('\n'), "{text}");
    let error = copy.open().weights_sha256().unwrap_err();
    assert!(matches!(error, EncoderError::Pickle { .. }));
}

#[test]
fn the_prefix_of_a_wrapper_is_ignored_and_said() {
    for prefix in ["module.", "_orig_mod.", "_orig_mod.module."] {
        let copy = Copy::new();
        let wrapped = copy.tensors().into_iter();
        let wrapped = wrapped.map(|(name, tensor)| (format!("{prefix}{name}"), tensor));
        copy.write_tensors(&wrapped.collect());
        let loaded = load(&copy).unwrap();
        assert_eq!(named(&loaded.model, None), whole());
        let note = format!("every tensor's name begins with `{prefix}`, which is ignored");
        assert_eq!(loaded.notes, [note]);
    }
}

#[test]
fn an_error_about_many_tensors_is_one_short_line() {
    let copy = Copy::new();
    let wrapped = copy.tensors().into_iter();
    let mut wrapped: BTreeMap<_, _> = wrapped
        .map(|(name, tensor)| (format!("module.{name}"), tensor))
        .collect();
    // One name without the prefix: the others are not a wrapper's.
    wrapped.insert("extra".to_owned(), RawTensor::zeros(&[1]));
    copy.write_tensors(&wrapped);
    let error = load(&copy).unwrap_err();
    let text = error.to_string();
    let EncoderError::Tensors { problems, .. } = error else {
        panic!("{text}");
    };
    assert_eq!(problems.len(), 2 * 41 + 1);
    assert!(text.ends_with("; and 80 more"), "{text}");
    assert!(text.len() < 500 && !text.contains('\n'), "{text}");
}
