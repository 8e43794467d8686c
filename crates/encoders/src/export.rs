//! Writing a Hugging Face snapshot.

mod classifier;
mod config;

use std::path::Path;

use burn::module::Module;
use burn::tensor::DType;
use burn_store::{
    BurnToPyTorchAdapter, FloatCastAdapter, ModuleAdapter, ModuleSnapshot, SafetensorsStore,
};
use files::FileError;

use crate::error::EncoderError;
use crate::family::bert::{BertConfig, BertForMaskedLM};
use crate::names::Names;

pub use classifier::{ProblemType, SaveDtype, SaveFormat, SaveOptions};

/// Writes `config.json`, `model.safetensors` in half precision, and `tokenizer.json`.
///
/// [`crate::Snapshot::open`] reads the folder, and so does transformers, under the names of
/// `BertForMaskedLM`. Each file is replaced at once, and the folder is made if it is missing.
///
/// # Errors
/// [`EncoderError::Write`].
pub fn write_snapshot(
    folder: impl AsRef<Path>,
    config: &BertConfig,
    model: &BertForMaskedLM,
    tokenizer_json: &str,
) -> Result<(), EncoderError> {
    let folder = folder.as_ref();
    std::fs::create_dir_all(folder).map_err(|e| unwritten(folder, e))?;

    let mut fields = serde_json::to_value(config).expect("a config is plain data");
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("architectures".to_owned(), ["BertForMaskedLM"].into());
        fields.insert("dtype".to_owned(), "float16".into());
        // Absent means the same as null: the dropout of the hidden states.
        fields.retain(|name, value| name != "classifier_dropout" || !value.is_null());
    }
    let text = serde_json::to_string_pretty(&fields).expect("a config is plain data");
    replace(&folder.join("config.json"), (text + "\n").as_bytes())?;
    replace(&folder.join("tokenizer.json"), tokenizer_json.as_bytes())?;

    let path = folder.join("model.safetensors");
    let bytes = safetensors(model, &BertForMaskedLM::NAMES, DType::F16);
    replace(&path, &bytes.map_err(|reason| unwritten(&path, reason))?)
}

/// The content of a `model.safetensors`, under the names that a checkpoint has.
fn safetensors<M: Module>(model: &M, names: &Names, dtype: DType) -> Result<Vec<u8>, String> {
    let mut store = SafetensorsStore::from_bytes(None)
        .with_to_adapter(BurnToPyTorchAdapter.chain(FloatCastAdapter::to(dtype)))
        .clear_metadata()
        // Without it transformers does not load the file.
        .metadata("format", "pt")
        .overwrite(true);
    for (ours, theirs) in names.checkpoint_patterns() {
        store = store.with_key_remapping(ours, theirs);
    }
    // In memory first: as a file, the store would let only its owner read it.
    let bytes = model.save_into(&mut store).and_then(|()| store.get_bytes());
    bytes.map_err(|error| error.to_string())
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), EncoderError> {
    files::replace(path, bytes).map_err(|error| not_replaced(path, error))
}

fn not_replaced(path: &Path, error: FileError) -> EncoderError {
    match error {
        FileError::Io { path, source } => unwritten(&path, source),
        other => unwritten(path, other),
    }
}

fn unwritten(path: &Path, reason: impl ToString) -> EncoderError {
    EncoderError::Write {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}
