//! Starts the program that cargo built for these tests, on a tiny model.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder of its own to run in, removed when the value is dropped.
pub(crate) struct World(tempfile::TempDir);

/// Made-up files of every task, in GLUE's official layout.
pub(crate) fn tasks_folder() -> PathBuf {
    repository().join("crates/tasks/tests/golden/glue/tsv")
}

/// A tiny BERT.
pub(crate) fn tiny_model() -> PathBuf {
    repository().join("crates/encoders/tests/golden/tiny/snapshot")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl World {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    /// The records of a study, the baseline's first: runs side by side end in any order.
    pub(crate) fn records(&self, out: &str) -> Vec<Value> {
        let text = self.read(&format!("{out}/runs.jsonl"));
        let record = |line| serde_json::from_str(line).expect("a record");
        let mut records: Vec<Value> = text.lines().map(record).collect();
        records.sort_by_key(|record| (record["arm"].to_string(), record["seed"].as_u64()));
        records
    }

    /// The program, which is to train a tiny BERT for an epoch, one run per arm, with more arguments.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let model = tiny_model();
        let has = |name| more.iter().any(|option: &&str| option.starts_with(name));
        let (one_seed, one_epoch) = (!has("--seeds"), !has("--epochs-grid"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_glue"));
        command
            .current_dir(self.0.path())
            .arg("--model")
            .arg(model)
            .args(["--batch-size=4", "--max-length=32", "--quiet"])
            .args(one_epoch.then_some("--epochs=1"))
            .args(one_seed.then_some("--seeds=1"))
            .args(more);
        command
    }

    /// Runs the [`command`](Self::command) to its end.
    pub(crate) fn run(&self, more: &[&str]) -> Output {
        self.command(more).output().expect("the program starts")
    }

    /// [`run`](Self::run), which must succeed; returns what it prints.
    pub(crate) fn succeed(&self, more: &[&str]) -> String {
        let output = self.run(more);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{more:?}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// [`run`](Self::run), which must fail with this exit code and one line that holds every part.
    pub(crate) fn refuse(&self, more: &[&str], code: i32, parts: &[&str]) {
        let output = self.run(more);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{more:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{more:?}: {text}");
        for part in parts {
            assert!(text.contains(part), "`{part}` is not in: {text}");
        }
    }
}
