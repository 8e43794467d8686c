//! A report written into its own folder, and read back.

use std::path::Path;

use report::Written;

use crate::sample::Sample;

/// The figures of a report of all studies.
pub(crate) const FIGURES: [&str; 10] = [
    "pairs",
    "training-loss",
    "dev-by-epoch",
    "lambda",
    "noise-kind",
    "data-size",
    "l1-change",
    "l1-norm",
    "companions",
    "gain-by-cost",
];

/// What was written.
pub(crate) struct Files {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) written: Written,
    pub(crate) html: String,
    pub(crate) markdown: String,
}

pub(crate) fn write(sample: &Sample) -> Files {
    let folder = tempfile::tempdir().expect("a folder");
    let written = sample
        .with(|material| report::write(folder.path(), material))
        .expect("a report");
    Files {
        html: read(&written.html),
        markdown: read(&written.markdown),
        written,
        folder,
    }
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a file of the report")
}

/// The stems of the figures' files.
pub(crate) fn names(written: &Written) -> Vec<String> {
    let stem = |path: &std::path::PathBuf| {
        path.file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    written.figures.iter().map(stem).collect()
}
