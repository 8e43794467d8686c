//! The committed inputs: small valid files, and those that were a fault once.

use std::fs;
use std::path::{Path, PathBuf};

use crate::targets::Target;

/// The inputs of a target, by the names of their files.
///
/// # Panics
/// If they cannot be read.
pub fn inputs(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = folder(target);
    // A target may have none but those that only a program can make.
    let entries = fs::read_dir(&folder).into_iter().flatten();
    let mut inputs = (target.made)();
    for entry in entries {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").display().to_string();
        inputs.push((name, fs::read(&path).expect("a file")));
    }
    assert!(!inputs.is_empty(), "{}: no inputs", folder.display());
    inputs.sort();
    inputs
}

/// Where a target's inputs are.
pub fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name)
}
