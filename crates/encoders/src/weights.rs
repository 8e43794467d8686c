//! Reading `model.safetensors` into a module through burn-store.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::DType;
use burn_store::{
    FloatCastAdapter, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore,
};
use safetensors::tensor::Metadata;

use crate::check::TensorInfo;
use crate::error::{EncoderError, TensorProblem};
use crate::names::Names;

/// A checkpoint's files, their headers read.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    files: Vec<PathBuf>,
    /// Every tensor by the name the checkpoint gives it.
    pub(crate) tensors: BTreeMap<String, TensorInfo>,
}

impl Weights {
    /// Reads names, shapes and types, and checks that the file is as long as its header says.
    pub(crate) fn open(path: &Path) -> Result<Self, EncoderError> {
        let tensors = read_header(path, 0)?;
        let files = vec![path.to_path_buf()];
        Ok(Self { files, tensors })
    }

    /// Loads the parameters at these module paths, each from its file, in f32 whatever the file holds.
    pub(crate) fn load<M: Module>(
        &self,
        model: &mut M,
        names: &Names,
        held: &[(String, usize)],
    ) -> Result<(), EncoderError> {
        for (index, path) in self.files.iter().enumerate() {
            let paths: BTreeSet<&str> = held
                .iter()
                .filter(|(_, file)| *file == index)
                .map(|(path, _)| path.as_str())
                .collect();
            if !paths.is_empty() {
                load_file(path, model, names, &paths)?;
            }
        }
        Ok(())
    }
}

fn damaged(path: &Path, reason: String) -> EncoderError {
    EncoderError::Safetensors {
        path: path.to_path_buf(),
        reason,
    }
}

fn read_header(path: &Path, index: usize) -> Result<BTreeMap<String, TensorInfo>, EncoderError> {
    let damaged = |reason: String| damaged(path, reason);
    let mut file = File::open(path).map_err(|e| EncoderError::read(path, e))?;
    let size = file
        .metadata()
        .map_err(|e| EncoderError::read(path, e))?
        .len();
    let mut length = [0; 8];
    file.read_exact(&mut length)
        .map_err(|_| damaged(format!("{size} bytes, the header alone needs 8 or more")))?;
    let header_length = u64::from_le_bytes(length);
    let Some(data_start) = header_length.checked_add(8).filter(|end| *end <= size) else {
        return Err(damaged(format!(
            "the header announces {header_length} bytes of description, the file has {size}"
        )));
    };
    let mut header = Vec::new();
    file.take(header_length)
        .read_to_end(&mut header)
        .map_err(|e| EncoderError::read(path, e))?;
    // Not `SafeTensors::read_metadata`: that wants the whole file in memory.
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| damaged(e.to_string()))?;
    let announced = data_start.checked_add(metadata.data_len() as u64);
    if announced != Some(size) {
        let announced = announced.unwrap_or(u64::MAX);
        return Err(damaged(format!(
            "the header announces {announced} bytes, the file has {size}"
        )));
    }
    Ok(metadata
        .tensors()
        .into_iter()
        .map(|(name, info)| {
            let info = TensorInfo {
                shape: info.shape.clone(),
                dtype: info.dtype,
                file: index,
            };
            (name, info)
        })
        .collect())
}

fn load_file<M: Module>(
    path: &Path,
    model: &mut M,
    names: &Names,
    paths: &BTreeSet<&str>,
) -> Result<(), EncoderError> {
    // The adapter transposes the weight of a linear layer and finds gamma and beta of a normalisation
    // under either of their names.
    let mut store = SafetensorsStore::from_file(path)
        .with_from_adapter(PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32)))
        .with_full_paths(paths.iter().copied())
        .validate(false)
        .allow_partial(true);
    for (theirs, ours) in names.to_module() {
        store = store.with_key_remapping(theirs, ours);
    }
    let result = model
        .load_from(&mut store)
        .map_err(|e| damaged(path, e.to_string()))?;
    if let Some(error) = result.errors.first() {
        return Err(damaged(path, error.to_string()));
    }
    // What the check found in the header and the module did not get.
    let applied: BTreeSet<&str> = result.applied.iter().map(String::as_str).collect();
    let problems: Vec<TensorProblem> = paths
        .difference(&applied)
        .map(|name| TensorProblem::Missing {
            name: (*name).to_owned(),
            expected: Vec::new(),
        })
        .collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(EncoderError::Tensors {
            path: path.to_path_buf(),
            problems,
        }),
    }
}
