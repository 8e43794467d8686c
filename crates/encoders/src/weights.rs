//! Reading `model.safetensors` into a module through burn-store.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use burn::module::Module;
use burn::tensor::DType;
use burn_store::{
    FloatCastAdapter, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore,
};
use safetensors::tensor::Metadata;

use crate::error::{EncoderError, TensorProblem};
use crate::manifest::TensorInfo;

/// Reads names, shapes and types from the header, and checks that the file is as long as it says.
pub(crate) fn read_header(path: &Path) -> Result<BTreeMap<String, TensorInfo>, EncoderError> {
    let damaged = |reason: String| EncoderError::Safetensors {
        path: path.to_path_buf(),
        reason,
    };
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
            };
            (name, info)
        })
        .collect())
}

/// Loads a checkpoint whose header has been checked, in f32 whatever the file holds.
pub(crate) fn load<M: Module>(
    path: &Path,
    model: &mut M,
    fresh: &[&str],
) -> Result<(), EncoderError> {
    // From the checkpoint's names to module paths: `self` is a keyword, and fields are in snake case.
    // The adapter transposes the weight of a linear layer and finds gamma and beta of a normalisation
    // under either of their names.
    let mut store = SafetensorsStore::from_file(path)
        .with_from_adapter(PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32)))
        .with_key_remapping(r"^(embeddings|encoder|pooler)\.", "bert.$1.")
        .with_key_remapping(r"\.attention\.self\.", ".attention.self_attention.")
        .with_key_remapping(r"\.LayerNorm\.", ".layer_norm.")
        .validate(false)
        .allow_partial(true);
    let damaged = |reason: String| EncoderError::Safetensors {
        path: path.to_path_buf(),
        reason,
    };
    let result = model
        .load_from(&mut store)
        .map_err(|e| damaged(e.to_string()))?;
    if let Some(error) = result.errors.first() {
        return Err(damaged(error.to_string()));
    }
    // The header was checked against the manifest; this is what the module itself did not get.
    let problems: Vec<TensorProblem> = result
        .missing
        .into_iter()
        .filter(|(name, _)| !fresh.iter().any(|layer| name.starts_with(layer)))
        .map(|(name, _)| TensorProblem::Missing {
            name,
            expected: Vec::new(),
        })
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(EncoderError::Tensors {
            path: path.to_path_buf(),
            problems,
        })
    }
}
