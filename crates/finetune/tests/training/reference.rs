//! Reads what the generators under `tests/golden` wrote.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use encoders::{EncoderInput, Encoding};
use finetune::batch::{Batch, BatchTargets, Filling};
use safetensors::SafeTensors;
use serde_json::Value;

/// The folder of a case under this crate's `tests/golden`.
pub(crate) fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(case)
}

/// The tiny checkpoint, which the encoder's tests share.
pub(crate) fn tiny_snapshot() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden/tiny/snapshot")
}

/// The real checkpoint. The tests that call this are ignored by default, because they need the variable to be set.
pub(crate) fn minilm_snapshot() -> PathBuf {
    let assets = std::env::var_os("NOISYTUNE_ASSETS").expect("NOISYTUNE_ASSETS is not set");
    PathBuf::from(assets).join("models/all-MiniLM-L6-v2")
}

/// A JSON file of a case.
pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("the golden file is there"))
        .expect("the golden file is JSON")
}

/// Numbers of a JSON array.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    let array = value.as_array().expect("an array");
    array
        .iter()
        .map(|x| x.as_f64().expect("a number"))
        .collect()
}

/// A tensor of a golden safetensors file: shape and elements.
pub(crate) fn floats(file: &SafeTensors<'_>, name: &str) -> (Vec<usize>, Vec<f32>) {
    let view = file
        .tensor(name)
        .unwrap_or_else(|e| panic!("{name} is not in the golden file: {e}"));
    assert_eq!(view.dtype(), safetensors::Dtype::F32, "{name}");
    let (values, rest) = view.data().as_chunks::<4>();
    assert!(rest.is_empty());
    let values = values.iter().map(|b| f32::from_le_bytes(*b)).collect();
    (view.shape().to_vec(), values)
}

/// Integers of a golden safetensors file.
pub(crate) fn integers(file: &SafeTensors<'_>, name: &str) -> (Vec<usize>, Vec<i64>) {
    let view = file
        .tensor(name)
        .unwrap_or_else(|e| panic!("{name} is not in the golden file: {e}"));
    assert_eq!(view.dtype(), safetensors::Dtype::I64, "{name}");
    let (values, rest) = view.data().as_chunks::<8>();
    assert!(rest.is_empty());
    let values = values.iter().map(|b| i64::from_le_bytes(*b)).collect();
    (view.shape().to_vec(), values)
}

/// The ways to lay out the goldens' batches, all of which must give the same numbers.
pub(crate) const FILLINGS: [Filling; 2] = [Filling::Padded { token: 0, least: 0 }, Filling::Packed];

/// Labels of classes.
pub(crate) fn classes(labels: Vec<i64>, device: &Device) -> BatchTargets {
    let count = labels.len();
    BatchTargets::Classes(Tensor::from_data(TensorData::new(labels, [count]), device))
}

/// A batch from its parts, each `[batch, length]` but the targets `[batch]`; padding is on the right.
pub(crate) fn batch(
    [_, length]: [usize; 2],
    ids: Vec<i64>,
    types: Vec<i64>,
    mask: &[i64],
    targets: BatchTargets,
    filling: Filling,
    device: &Device,
) -> Batch {
    let encodings: Vec<Encoding> = mask
        .chunks(length)
        .zip(ids.chunks(length).zip(types.chunks(length)))
        .map(|(mask, (ids, types))| {
            let tokens = mask.iter().filter(|&&m| m == 1).count();
            let kept = |values: &[i64]| values[..tokens].iter().map(|&x| x as u32).collect();
            Encoding {
                ids: kept(ids),
                type_ids: kept(types),
            }
        })
        .collect();
    Batch {
        input: match filling {
            Filling::Padded { token, .. } => {
                EncoderInput::padded(&encodings, token, length, device)
            }
            Filling::Packed => EncoderInput::packed(&encodings, device),
        },
        targets,
        tokens: encodings.iter().map(|encoding| encoding.ids.len()).sum(),
    }
}
