//! Files for a test.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tasks::{Example, OwnFiles, OwnTask, Split, Targets};
use tempfile::TempDir;

/// A folder that is removed with its files.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, contents).expect("it is written");
        path
    }

    /// Writes a file for training and the same for validation.
    pub(crate) fn files(&self, name: &str, contents: impl AsRef<[u8]>) -> OwnFiles {
        let mut files = OwnFiles::new(self.file(name, contents));
        files.validation = Some(files.train.clone());
        files
    }

    /// The error of a task, without the path of the folder.
    pub(crate) fn error(&self, files: &OwnFiles) -> String {
        let error = match files.task() {
            Err(error) => error.to_string(),
            Ok(own) => panic!("no error: {}", own.statement),
        };
        self.short(&error)
    }

    /// The statement of a task, without the path of the folder.
    pub(crate) fn statement(&self, files: &OwnFiles) -> String {
        self.short(&task(files).statement)
    }

    pub(crate) fn short(&self, text: &str) -> String {
        assert!(!text.contains('\n'), "more than a line: {text}");
        text.replace(&format!("{}/", self.path().display()), "")
    }
}

pub(crate) fn task(files: &OwnFiles) -> OwnTask {
    files.task().unwrap_or_else(|error| panic!("{error}"))
}

/// Reads the training file of a task.
pub(crate) fn train(files: &OwnFiles) -> Split {
    let train = task(files).task.read_train();
    train.unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes.as_ref()).expect("it is compressed");
    encoder.finish().expect("it is compressed")
}

pub(crate) fn sentences(split: &Split) -> Vec<&str> {
    let examples = split.examples.iter();
    examples
        .map(|Example { sentence, .. }| sentence.as_str())
        .collect()
}

pub(crate) fn classes(split: &Split) -> &[usize] {
    match &split.targets {
        Some(Targets::Classes(classes)) => classes,
        other => panic!("no classes: {other:?}"),
    }
}
