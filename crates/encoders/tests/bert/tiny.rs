//! The tiny checkpoint of `golden/tiny`: its folder, its batch, and altered copies of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use encoders::{BertConfig, Classifier, Encoding, Snapshot};
use safetensors::{Dtype, SafeTensors, View};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::golden;

/// Labels of the tiny classifier.
pub(crate) const LABELS: usize = 2;
/// Seed of layers that a checkpoint leaves out.
pub(crate) const HEAD_SEED: u64 = 3;

/// A text, or a pair, with the token ids transformers gives it.
#[derive(Deserialize)]
pub(crate) struct Sentence {
    pub(crate) text: String,
    pub(crate) pair: Option<String>,
    pub(crate) ids: Vec<u32>,
    pub(crate) type_ids: Vec<u32>,
}

impl Sentence {
    pub(crate) fn texts(&self) -> (&str, Option<&str>) {
        (&self.text, self.pair.as_deref())
    }

    pub(crate) fn encoding(&self) -> Encoding {
        Encoding {
            ids: self.ids.clone(),
            type_ids: self.type_ids.clone(),
        }
    }
}

/// `sentences.json`.
#[derive(Deserialize)]
pub(crate) struct Sentences {
    /// The rows of `expected.safetensors`.
    pub(crate) batch: Vec<Sentence>,
    pub(crate) more_max_length: usize,
    pub(crate) more: Vec<Sentence>,
}

pub(crate) fn sentences() -> Sentences {
    golden::json("tiny/sentences.json")
}

pub(crate) fn snapshot() -> Snapshot {
    Snapshot::open(golden::path("tiny/snapshot")).unwrap()
}

/// The configuration of the tiny checkpoint.
pub(crate) fn config() -> BertConfig {
    let snapshot = snapshot();
    let config: &BertConfig = snapshot.config().try_into().unwrap();
    config.clone()
}

/// The classifier of a snapshot, with the head that it brings.
#[track_caller]
pub(crate) fn classifier(snapshot: &Snapshot) -> Classifier {
    let loaded = snapshot.finetuned_classifier(LABELS, &Device::flex());
    loaded.unwrap().model
}

/// The classifier of a snapshot in which all layers but those of `fresh` are pretrained.
#[track_caller]
pub(crate) fn with_fresh(snapshot: &Snapshot, fresh: &[&str]) -> Classifier {
    let loaded = snapshot
        .classifier(LABELS, HEAD_SEED, &Device::flex())
        .unwrap();
    assert_eq!(loaded.fresh, fresh);
    loaded.model
}

/// A copy of the snapshot, to be altered.
pub(crate) struct Copy(TempDir);

impl Copy {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            let from = golden::path("tiny/snapshot").join(name);
            fs::copy(from, folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    /// With the weights of `golden/tiny/variants`.
    pub(crate) fn of_variant(name: &str) -> Self {
        let copy = Self::new();
        let from = golden::path("tiny/variants").join(format!("{name}.safetensors"));
        fs::copy(from, copy.path().join("model.safetensors")).unwrap();
        copy
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn open(&self) -> Snapshot {
        Snapshot::open(self.path()).unwrap()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }

    /// Sets a field of `config.json`.
    pub(crate) fn configure(&self, field: &str, value: Value) {
        let mut config: Value = serde_json::from_slice(&self.read("config.json")).unwrap();
        config[field] = value;
        self.write("config.json", config.to_string());
    }

    pub(crate) fn tensors(&self) -> BTreeMap<String, RawTensor> {
        let bytes = self.read("model.safetensors");
        let file = SafeTensors::deserialize(&bytes).unwrap();
        file.iter()
            .map(|(name, view)| {
                let tensor = RawTensor {
                    dtype: view.dtype(),
                    shape: view.shape().to_vec(),
                    bytes: view.data().to_vec(),
                };
                (name.to_owned(), tensor)
            })
            .collect()
    }

    pub(crate) fn write_tensors(&self, tensors: &BTreeMap<String, RawTensor>) {
        let bytes = safetensors::serialize(tensors, None).unwrap();
        self.write("model.safetensors", bytes);
    }
}

/// A tensor as it stands in a file.
#[derive(Clone)]
pub(crate) struct RawTensor {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl RawTensor {
    pub(crate) fn zeros(shape: &[usize]) -> Self {
        Self {
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            bytes: vec![0; 4 * shape.iter().product::<usize>()],
        }
    }
}

impl View for &RawTensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
