//! What is not a study's, and must not be overwritten as if it were.

use std::path::Path;

use study::record::{MODELS, shards_of};

use crate::error::FinetuneError;
use crate::run::PREDICTIONS;

/// What a study writes without asking, beside `runs.jsonl`, which it makes first.
const WRITTEN: [&str; 8] = [
    "data.json",
    "study.json",
    "summary.json",
    "report.html",
    "report.md",
    "figures",
    PREDICTIONS,
    MODELS,
];

/// Looks whether a folder without runs has something that a study would overwrite.
///
/// # Errors
/// [`FinetuneError::Foreign`] with the first of it.
pub(crate) fn refuse_foreign(folder: &Path) -> Result<(), FinetuneError> {
    if folder.join("runs.jsonl").exists() || !shards_of(folder)?.is_empty() {
        return Ok(());
    }
    let mut there = WRITTEN.iter().map(|name| folder.join(name));
    match there.find(|path| path.exists()) {
        None => Ok(()),
        Some(path) => Err(FinetuneError::Foreign {
            path,
            folder: folder.to_path_buf(),
        }),
    }
}
