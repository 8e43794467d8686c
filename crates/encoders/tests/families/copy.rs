//! A copy of a tiny checkpoint, to be altered.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use encoders::Snapshot;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use tempfile::TempDir;

use crate::golden;

/// A copy of a snapshot.
pub(crate) struct Copy(TempDir);

impl Copy {
    /// Copies the snapshot of a family by its folder.
    pub(crate) fn of(family: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            let from = golden::path(family).join("snapshot").join(name);
            fs::copy(from, folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn open(&self) -> Snapshot {
        Snapshot::open(self.path()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Sets a field of `config.json`.
    pub(crate) fn configure(&self, field: &str, value: Value) {
        let path = self.path().join("config.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        config[field] = value;
        fs::write(path, config.to_string()).unwrap();
    }

    /// Every tensor of the checkpoint: shape and bytes of f32.
    pub(crate) fn tensors(&self) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
        let bytes = fs::read(self.path().join("model.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file.iter().map(|(name, view)| {
            assert_eq!(view.dtype(), Dtype::F32, "{name}");
            (
                name.to_owned(),
                (view.shape().to_vec(), view.data().to_vec()),
            )
        });
        tensors.collect()
    }

    pub(crate) fn write_tensors(&self, tensors: &BTreeMap<String, (Vec<usize>, Vec<u8>)>) {
        let views = tensors.iter().map(|(name, (shape, bytes))| {
            let view = safetensors::tensor::TensorView::new(Dtype::F32, shape.clone(), bytes);
            (name, view.unwrap())
        });
        let bytes = safetensors::serialize(views, None).unwrap();
        fs::write(self.path().join("model.safetensors"), bytes).unwrap();
    }
}
