//! Folders that hold something else than a snapshot are told by what is in them, with the way to one.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use encoders::{EncoderError, Snapshot};
use serde_json::json;
use tempfile::TempDir;

use crate::tiny::{Copy, HEAD_SEED, LABELS, RawTensor};

/// A folder with these files, each with this content.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

/// Why the folder is no snapshot.
#[track_caller]
fn reason(error: EncoderError, folder: &Path) -> String {
    assert!(matches!(error, EncoderError::NoSnapshot { .. }), "{error}");
    let text = error.to_string();
    assert!(!text.contains('\n') && text.len() < 500, "{text}");
    let rest = text.strip_prefix(&format!("{}: ", folder.display()));
    rest.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[track_caller]
fn not_opened(folder: &TempDir) -> String {
    reason(Snapshot::open(folder.path()).unwrap_err(), folder.path())
}

/// Why the weights of a copy without them, and with these files instead, are not read.
#[track_caller]
fn not_read(files: &[&str]) -> String {
    let copy = Copy::new();
    copy.remove("model.safetensors");
    for name in files {
        let path = copy.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{}").unwrap();
    }
    let digest = copy.open().weights_sha256().unwrap_err();
    let loaded = copy.open().classifier(LABELS, HEAD_SEED, &Device::flex());
    let loaded = loaded.unwrap_err();
    assert_eq!(loaded.to_string(), digest.to_string());
    reason(loaded, copy.path())
}

#[test]
fn an_adapter_is_no_model() {
    let base = r#"{"base_model_name_or_path": "google-bert/bert-base-uncased"}"#;
    let folder = folder(&[("adapter_config.json", base)]);
    let text = not_opened(&folder);
    let start = "a PEFT adapter of `google-bert/bert-base-uncased`, no whole model; merge both with: python -c ";
    assert!(text.starts_with(start), "{text}");
    let text = not_read(&["adapter_config.json", "adapter_model.safetensors"]);
    assert!(text.starts_with("a PEFT adapter, no whole model"), "{text}");
}

#[test]
fn a_hub_cache_names_the_snapshot_in_it() {
    let files = [
        ("refs/main", "b1"),
        ("snapshots/a0/config.json", "{}"),
        ("snapshots/b1/config.json", "{}"),
        ("snapshots/c2/config.json", "{}"),
    ];
    let cached = "the hub's cache of a model, accepted is the snapshot in it: ";
    assert_eq!(
        not_opened(&folder(&files)),
        format!("{cached}`snapshots/b1`")
    );
    assert_eq!(
        not_opened(&folder(&files[1..])),
        format!("{cached}`snapshots/c2`")
    );
    let root = folder(&[
        ("models--a--b/refs/main", "0\n"),
        ("models--a--b/snapshots/0/config.json", "{}"),
        ("models--c/snapshots/1/config.json", "{}"),
        ("version.txt", "1"),
    ]);
    assert_eq!(
        not_opened(&root),
        "the root of the hub's cache, accepted is a snapshot in it: \
         `models--a--b/snapshots/0` or `models--c/snapshots/1`"
    );
}

#[test]
fn a_folder_of_snapshots_names_them() {
    let inner = folder(&[("modules.json", "[]"), ("0_Transformer/config.json", "{}")]);
    let text = "no snapshot itself, accepted is the one in it: ";
    assert_eq!(not_opened(&inner), format!("{text}`0_Transformer`"));
    // The configuration of sentence-transformers has the same name.
    fs::write(inner.path().join("config.json"), "{}").unwrap();
    assert_eq!(not_opened(&inner), format!("{text}`0_Transformer`"));
    let names = [
        "checkpoint-1",
        "checkpoint-2",
        "checkpoint-3",
        "checkpoint-4",
    ];
    let names = names.map(|name| format!("{name}/config.json"));
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "{}")).collect();
    assert_eq!(
        not_opened(&folder(&files)),
        format!("{text}`checkpoint-1` or `checkpoint-2` or `checkpoint-3` or one of 1 more")
    );
    assert_eq!(
        not_read(&["0_Transformer/model.safetensors"]),
        "no model.safetensors, accepted is the snapshot in it: `0_Transformer`"
    );
}

#[test]
fn weights_of_another_kind_are_named() {
    for (file, kind, way) in [
        ("tf_model.h5", "TensorFlow", "from_tf=True"),
        ("flax_model.msgpack", "Flax", "from_flax=True"),
        (
            "bert_model.ckpt.index",
            "TensorFlow 1",
            "take a snapshot that has them",
        ),
        ("model.onnx", "ONNX", "take a snapshot that has them"),
        ("model-q8.gguf", "GGUF", "take a snapshot that has them"),
    ] {
        let text = not_read(&[file]);
        let start =
            format!("no model.safetensors, but {kind} weights, `{file}`, which are not read; ");
        assert!(text.starts_with(&start) && text.contains(way), "{text}");
    }
    assert_eq!(
        not_read(&["bert.safetensors", "tf_model.h5"]),
        "no model.safetensors, but `bert.safetensors`; give it that name if it is the whole model"
    );
}

#[test]
fn a_pickle_in_several_files_is_refused_as_one_is() {
    let copy = Copy::new();
    copy.remove("model.safetensors");
    copy.write("pytorch_model.bin.index.json", "{}");
    let error = copy.open().weights_sha256().unwrap_err();
    assert!(matches!(error, EncoderError::Pickle { .. }), "{error}");
}

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 438007537\n";

#[test]
fn a_git_lfs_pointer_is_told_with_the_command_that_fetches_the_file() {
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        let copy = Copy::new();
        copy.write(file, POINTER);
        let error = load(&copy).unwrap_err();
        assert!(matches!(error, EncoderError::LfsPointer { .. }), "{error}");
        let (path, folder) = (copy.path().join(file), copy.path().display());
        assert_eq!(
            error.to_string(),
            format!(
                "{}: a git-LFS pointer, not the file itself; fetch it with: git -C '{folder}/' lfs pull",
                path.display()
            )
        );
    }
    let copy = Copy::new();
    copy.write("model.safetensors", POINTER);
    assert!(copy.open().weights_sha256().is_err());
}

fn load(copy: &Copy) -> Result<(), EncoderError> {
    let snapshot = Snapshot::open(copy.path())?;
    snapshot.tokenizer(16)?;
    snapshot.classifier(LABELS, HEAD_SEED, &Device::flex())?;
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_broken_link_in_place_of_a_file_is_named() {
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        let copy = Copy::new();
        let path = copy.path().join(file);
        copy.remove(file);
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let text = load(&copy).unwrap_err().to_string();
        let expected = format!("{}: a pipe or a device, accepted is a file", path.display());
        assert_eq!(text, expected);
        if file == "model.safetensors" {
            assert_eq!(
                copy.open().weights_sha256().unwrap_err().to_string(),
                expected
            );
        }
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        let text = load(&copy).unwrap_err().to_string();
        assert_eq!(
            text,
            format!("{}: a link to a file that is not there", path.display())
        );
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_file() {
    let copy = Copy::new();
    for file in ["config.json", "tokenizer.json"] {
        let bytes = copy.read(file);
        copy.write(file, [b"\xef\xbb\xbf", &bytes[..]].concat());
    }
    copy.write("tokenizer_config.json", "\u{feff}{}");
    load(&copy).unwrap();
}

#[test]
fn nan_and_infinite_weights_are_named_where_they_are_used() {
    let name = "bert.embeddings.word_embeddings.weight";
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let copy = Copy::new();
        let mut tensors = copy.tensors();
        let tensor = tensors.get_mut(name).unwrap();
        for index in [24 * 7 + 5, 24 * 9] {
            tensor.bytes[4 * index..][..4].copy_from_slice(&value.to_le_bytes());
        }
        // What is left aside is not computed with.
        let mut head = RawTensor::zeros(&[2, 24]);
        head.bytes[..4].copy_from_slice(&value.to_le_bytes());
        tensors.insert("qa_outputs.weight".to_owned(), head);
        copy.write_tensors(&tensors);
        let expected = format!(
            "{}: tensor `{name}` has 2 NaN or infinite values, the first at [7, 5]",
            copy.path().join("model.safetensors").display()
        );
        assert_eq!(load(&copy).unwrap_err().to_string(), expected);
        let notes = copy.open().classifier_notes(LABELS, &Device::flex());
        assert_eq!(notes.unwrap_err().to_string(), expected);
    }
}

#[test]
fn the_largest_finite_values_are_finite_in_every_type() {
    use safetensors::Dtype;
    let name = "bert.pooler.dense.bias";
    let cases: [(Dtype, Vec<u8>, Vec<u8>); 4] = [
        (
            Dtype::F64,
            f64::from(f32::MAX).to_le_bytes().into(),
            1e39_f64.to_le_bytes().into(),
        ),
        (
            Dtype::F32,
            f32::MAX.to_le_bytes().into(),
            f32::INFINITY.to_le_bytes().into(),
        ),
        (Dtype::F16, vec![0xff, 0x7b], vec![0x00, 0xfc]),
        (Dtype::BF16, vec![0x7f, 0x7f], vec![0xc0, 0x7f]),
    ];
    for (dtype, largest, beyond) in cases {
        let copy = Copy::new();
        let mut tensors = copy.tensors();
        let mut write = |values: &[u8]| {
            let mut bytes = vec![0; 24 * values.len()];
            let last = bytes.len() - values.len();
            bytes[last..].copy_from_slice(values);
            let shape = vec![24];
            tensors.insert(
                name.to_owned(),
                RawTensor {
                    dtype,
                    shape,
                    bytes,
                },
            );
            copy.write_tensors(&tensors);
        };
        write(&largest);
        load(&copy).unwrap_or_else(|error| panic!("{dtype:?}: {error}"));
        write(&beyond);
        let text = load(&copy).unwrap_err().to_string();
        assert!(
            text.ends_with("has 1 NaN or infinite values, the first at [23]"),
            "{dtype:?}: {text}"
        );
    }
    let copy = Copy::new();
    copy.configure("id2label", json!(null));
    load(&copy).unwrap();
}
