//! The readers, one file for each crate that has some.

mod checkpoints;
mod hubs;
mod predictions;
mod pretraining;
mod snapshots;
mod studies;
mod tables;

use std::fmt::Display;
use std::fs;
use std::path::Path;

use crate::mutation::Form;

/// A reader of files that may come from anywhere.
#[derive(Debug)]
pub struct Target {
    /// Its name on the command line, and of its folder in `corpus`.
    pub name: &'static str,
    /// What an input is.
    pub form: Form,
    /// Lays out the files beside the input that are always the same.
    pub prepare: fn(&Path),
    /// Puts an input into the folder and reads it; returns the messages about what is refused.
    pub read: fn(&Path, &[u8]) -> Vec<String>,
    /// Inputs beside those in `corpus` that only this program can make.
    pub made: fn() -> Vec<(String, Vec<u8>)>,
    /// Most bytes of memory for a byte of input, beside `PLUS`.
    pub per_byte: usize,
}

/// What a reader may allocate whatever its input is: buffers, the files beside the input, tables of libraries.
const PLUS: usize = 64 << 20;

impl Target {
    /// The most bytes that the reader may have at a time for an input of so many bytes.
    pub fn most(&self, bytes: usize) -> usize {
        PLUS + bytes.saturating_mul(self.per_byte)
    }
}

/// Every reader.
pub static TARGETS: [Target; 23] = [
    snapshots::CONFIG,
    snapshots::TOKENIZER,
    snapshots::TOKENIZER_OF_ITS_OWN,
    snapshots::TOKENIZER_CONFIG,
    snapshots::VOCABULARY,
    snapshots::SAFETENSORS,
    snapshots::SHARD_INDEX,
    tables::TSV,
    tables::CSV,
    tables::GZIP,
    tables::JSON_LINES,
    tables::PARQUET,
    studies::RECORDS,
    studies::PLAN,
    checkpoints::STATE,
    checkpoints::TENSORS,
    hubs::HUB,
    predictions::TEXTS,
    predictions::PREDICTIONS,
    pretraining::TEXT,
    pretraining::TEXT_GZIP,
    pretraining::VOCABULARY,
    pretraining::PROGRESS,
];

/// A target of which an input is one file.
const fn target(
    name: &'static str,
    form: Form,
    prepare: fn(&Path),
    read: fn(&Path, &[u8]) -> Vec<String>,
) -> Target {
    Target {
        name,
        form,
        prepare,
        read,
        made: Vec::new,
        per_byte: 1_000,
    }
}

/// Writes a file of a target.
fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).expect("a folder");
    }
    fs::write(path, bytes).expect("a file of a target");
}

/// What of a result was refused.
fn refused<T, E: Display>(messages: &mut Vec<String>, result: Result<T, E>) -> Option<T> {
    result
        .map_err(|error| messages.push(error.to_string()))
        .ok()
}
