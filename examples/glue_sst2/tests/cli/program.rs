//! Starts the program that cargo built for these tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Snapshot and data of a study that takes seconds.
pub(crate) struct World {
    /// The folder, removed when the value is dropped.
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    /// A tiny BERT and a dozen sentences.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let model = folder.path().join("model");
        std::fs::create_dir(&model).expect("a folder");
        let tiny = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../crates/encoders/tests/golden/tiny/snapshot");
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            std::fs::copy(tiny.join(name), model.join(name)).expect("the tiny checkpoint");
        }
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a folder");
        // The program says so if a dev sentence is in the training file.
        for (name, rows) in [
            (
                "train.tsv",
                "a fine thing\t1\nno fun at all\t0\nso good\t1\nso bad and long\t0\n",
            ),
            (
                "dev.tsv",
                "a fine story\t1\nno joy at all\t0\nso nice\t1\nso dull and long\t0\n",
            ),
        ] {
            let text = format!("sentence\tlabel\n{rows}{rows}");
            std::fs::write(data.join(name), text).expect("a file");
        }
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the example on this world with more arguments.
    pub(crate) fn run(&self, more: &[&str]) -> Output {
        self.command(more).output().expect("the example starts")
    }

    /// The command that [`run`](Self::run) runs.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let mut command = program();
        command
            .current_dir(self.folder.path())
            .args(["--out", "out"])
            .args(with_defaults(
                more,
                &[
                    ("--model", "model"),
                    ("--data", "data"),
                    ("--epochs", "1"),
                    ("--batch-size", "4"),
                    ("--max-length", "32"),
                ],
            ));
        command
    }
}

/// The arguments, plus every default whose option is not among them, nor a grid of it.
fn with_defaults<'a>(arguments: &[&'a str], defaults: &[(&'a str, &'a str)]) -> Vec<&'a str> {
    let is_given = |option: &str| {
        let grid = format!("{option}-grid");
        arguments
            .iter()
            .any(|given| *given == option || *given == grid)
    };
    let missing = defaults.iter().filter(|(option, _)| !is_given(option));
    let missing = missing.flat_map(|&(option, value)| [option, value]);
    missing.chain(arguments.iter().copied()).collect()
}

/// The program, which cargo built for these tests.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_glue_sst2"))
}

/// The beginning of a command that the program prints, with the features of this build.
pub(crate) const CARGO_RUN: &str = if cfg!(feature = "hub") {
    "cargo run --example glue_sst2 --features hub -- "
} else {
    "cargo run --example glue_sst2 -- "
};

/// Checks the exit code, the single line on standard error (apart from the heading of a study that had
/// begun), and that nothing panicked.
pub(crate) fn assert_error(output: &Output, code: i32, parts: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    let is_heading = |line: &&str| line.starts_with("preset ");
    let lines: Vec<&str> = text.lines().skip_while(is_heading).collect();
    let [line] = lines.as_slice() else {
        panic!("one line, not: {text}");
    };
    for part in parts {
        assert!(line.contains(part), "`{part}` is not in: {line}");
    }
}
