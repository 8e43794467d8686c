//! Writing a Hugging Face snapshot.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use burn::tensor::DType;
use burn_store::{
    BurnToPyTorchAdapter, FloatCastAdapter, ModuleAdapter, ModuleSnapshot, SafetensorsStore,
};

use crate::error::EncoderError;
use crate::family::bert::{BertConfig, BertForMaskedLM};

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
    replace(&folder.join("config.json"), &(text + "\n"))?;
    replace(&folder.join("tokenizer.json"), tokenizer_json)?;

    let path = folder.join("model.safetensors");
    let unwritten = |reason: String| unwritten(&path, reason);
    // burn-store keeps the permissions of a file it replaces, but makes a new one readable by its owner alone.
    let beside = tempfile::tempdir_in(folder).map_err(|e| unwritten(e.to_string()))?;
    let new = beside.path().join("model.safetensors");
    File::create(&new).map_err(|e| unwritten(e.to_string()))?;
    let mut store = SafetensorsStore::from_file(&new)
        .with_to_adapter(BurnToPyTorchAdapter.chain(FloatCastAdapter::to(DType::F16)))
        .clear_metadata()
        // Without it transformers does not load the file.
        .metadata("format", "pt")
        .overwrite(true);
    for (ours, theirs) in BertForMaskedLM::NAMES.checkpoint_patterns() {
        store = store.with_key_remapping(ours, theirs);
    }
    model
        .save_into(&mut store)
        .map_err(|e| unwritten(e.to_string()))?;
    std::fs::rename(&new, &path).map_err(|e| unwritten(e.to_string()))
}

fn replace(path: &Path, text: &str) -> Result<(), EncoderError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // The permissions of any new file: tempfile's default lets only the owner read it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder
        .tempfile_in(folder)
        .map_err(|e| unwritten(path, e))?;
    file.write_all(text.as_bytes())
        .map_err(|e| unwritten(path, e))?;
    file.persist(path).map_err(|e| unwritten(path, e))?;
    Ok(())
}

fn unwritten(path: &Path, reason: impl ToString) -> EncoderError {
    EncoderError::Write {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}
