//! `model.safetensors.index.json`: which file holds which tensor.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::Deserialize;

use crate::check::TensorInfo;
use crate::error::EncoderError;
use crate::reading;

/// The name that transformers gives the file.
pub(crate) const FILE: &str = "model.safetensors.index.json";

/// Which file holds which tensor.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Index {
    #[serde(default)]
    metadata: Metadata,
    /// File names by tensor names.
    pub(crate) weight_map: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Metadata {
    total_size: Option<u64>,
}

impl Index {
    /// Reads the file and checks that every name in it is that of a file beside it.
    pub(crate) fn read(path: &Path) -> Result<Self, EncoderError> {
        let bytes = reading::text(path)?;
        let wrong = |reason: String| wrong(path, reason);
        let index: Self = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        if index.weight_map.is_empty() {
            return Err(wrong("weight_map is empty".to_owned()));
        }
        for (tensor, file) in &index.weight_map {
            let mut parts = Path::new(file).components();
            let is_plain =
                matches!(parts.next(), Some(Component::Normal(part)) if part == file.as_str());
            if !is_plain || parts.next().is_some() || file.contains(char::is_control) {
                return Err(wrong(format!(
                    "weight_map puts `{tensor}` into `{file}`, accepted is a file of the same folder"
                )));
            }
        }
        Ok(index)
    }

    /// The names of the files, sorted.
    pub(crate) fn files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = self.weight_map.values().map(String::as_str).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Checks that a file holds what the index says, and nothing that it says is elsewhere.
    pub(crate) fn check_file(
        &self,
        path: &Path,
        file: &str,
        held: &BTreeMap<String, TensorInfo>,
    ) -> Result<(), EncoderError> {
        for tensor in held.keys() {
            let expected = self.weight_map.get(tensor);
            if expected.is_none_or(|expected| expected != file) {
                let expected = expected.map_or("no file", String::as_str);
                return Err(wrong(
                    path,
                    format!("`{file}` holds `{tensor}`, for which weight_map names {expected}"),
                ));
            }
        }
        let mut mapped = self
            .weight_map
            .iter()
            .filter(|(_, in_file)| *in_file == file);
        match mapped.find(|(tensor, _)| !held.contains_key(*tensor)) {
            None => Ok(()),
            Some((tensor, _)) => Err(wrong(
                path,
                format!("weight_map puts `{tensor}` into `{file}`, which does not hold it"),
            )),
        }
    }

    /// What to say where the files hold another number of bytes than the index announces.
    pub(crate) fn size_note(&self, bytes: u64) -> Option<String> {
        let announced = self.metadata.total_size.filter(|size| *size != bytes)?;
        Some(format!(
            "{FILE} announces {announced} bytes of tensors, the files hold {bytes}"
        ))
    }
}

fn wrong(path: &Path, reason: String) -> EncoderError {
    EncoderError::Index {
        path: path.to_path_buf(),
        reason,
    }
}
