//! The folder that a target's files are in, and what is around it.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The folder for the files.
const INSIDE: &str = "inside";
/// The file beside it that nothing may touch.
const OUTSIDE: &str = "outside.json";
/// What it holds.
const SECRET: &[u8] = b"not for readers of the folder beside it";

/// A folder in a temporary one, where nothing else may appear.
#[derive(Debug)]
pub struct Folder {
    around: TempDir,
}

impl Folder {
    /// Makes an empty one.
    ///
    /// # Panics
    /// If there is no place for it.
    pub fn new() -> Self {
        let around = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(around.path().join(INSIDE)).expect("a folder in it");
        fs::write(around.path().join(OUTSIDE), SECRET).expect("a file beside it");
        Self { around }
    }

    /// Where a target's files are.
    pub fn inside(&self) -> PathBuf {
        self.around.path().join(INSIDE)
    }

    /// What has changed outside, if anything has.
    pub fn changed_outside(&self) -> Option<String> {
        let entries = fs::read_dir(self.around.path());
        let entries = entries.into_iter().flatten().flatten();
        let names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        let other = names
            .iter()
            .find(|name| *name != INSIDE && *name != OUTSIDE);
        if let Some(other) = other {
            return Some(format!(
                "{} was written outside the folder",
                other.display()
            ));
        }
        let is_as_before = |path: &Path| fs::read(path).is_ok_and(|bytes| bytes == SECRET);
        match is_as_before(&self.around.path().join(OUTSIDE)) && names.len() == 2 {
            true => None,
            false => Some("a file outside the folder was changed".to_owned()),
        }
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}
