//! What is not a study's, and must not be overwritten as if it were.

use std::path::Path;

use study::record::{MODELS, shards_of};

use crate::error::FinetuneError;

/// The files that a study replaces without asking, beside `runs.jsonl`, which it makes first.
const WRITTEN: [&str; 5] = [
    "data.json",
    "study.json",
    "summary.json",
    "report.html",
    "report.md",
];

/// Looks whether a folder without runs has something that a study would replace; models only if it saves some.
///
/// # Errors
/// [`FinetuneError::Foreign`] with the first of it.
pub(crate) fn refuse_foreign(folder: &Path, saves_models: bool) -> Result<(), FinetuneError> {
    let models = saves_models.then_some(MODELS);
    let mut there = WRITTEN.into_iter().chain(models);
    let Some(name) = there.find(|name| folder.join(name).exists()) else {
        return Ok(());
    };
    // In this order: a shard that begins at the same time makes its file of runs first.
    if folder.join("runs.jsonl").exists() || !shards_of(folder)?.is_empty() {
        return Ok(());
    }
    Err(FinetuneError::Foreign {
        path: folder.join(name),
        folder: folder.to_path_buf(),
    })
}
