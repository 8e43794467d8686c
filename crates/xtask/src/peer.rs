//! The PyTorch side: its environment, and checkpoints of other sizes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;

use crate::rows::Model;

/// Threads on each side.
pub(crate) const THREADS: &str = "2";

/// Makes a checkpoint with random weights: CONFIG-SOURCE TARGET LAYERS HIDDEN HEADS.
const RANDOM_BERT: &str = include_str!("random_bert.py");

/// The folder of models, data and the PyTorch script.
pub(crate) struct Assets(PathBuf);

impl Assets {
    /// Finds the folder through the environment.
    pub(crate) fn find() -> Result<Self, String> {
        let folder = std::env::var_os("NOISYTUNE_ASSETS").ok_or(
            "NOISYTUNE_ASSETS is not set, expected the folder with models/, datasets/ and peer/",
        )?;
        let folder = Path::new(&folder)
            .canonicalize()
            .map_err(|e| format!("{}: {e}", Path::new(&folder).display()))?;
        Ok(Self(folder))
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The Python of an environment with PyTorch, which is created if missing.
    pub(crate) fn python(&self, environment: &Path) -> Result<PathBuf, String> {
        let python = environment.join("bin/python");
        if !python.exists() {
            eprintln!(
                "making the PyTorch environment in {}",
                environment.display()
            );
            let mut make = Command::new("bash");
            make.arg(self.path("peer/make-venv.sh")).arg(environment);
            succeed(make.stdout(Stdio::null()))?;
        }
        Ok(python)
    }

    /// The checkpoint of a row; one with random weights is created in `work` if missing.
    pub(crate) fn model(
        &self,
        model: &Model,
        python: &Path,
        work: &Path,
    ) -> Result<PathBuf, String> {
        let minilm = self.path("models/all-MiniLM-L6-v2");
        let Model::Random(layers, hidden, heads) = *model else {
            return Ok(minilm);
        };
        let target = work.join(format!("random-{layers}x{hidden}"));
        if !target.join("model.safetensors").exists() {
            let mut make = Command::new(python);
            make.args(["-c", RANDOM_BERT]).arg(minilm).arg(&target);
            make.args([layers, hidden, heads].map(|n| n.to_string()));
            make.env("HF_HUB_OFFLINE", "1").stderr(Stdio::null());
            succeed(&mut make)?;
        }
        Ok(target)
    }
}

/// Runs a command; fails if it fails.
pub(crate) fn succeed(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(e) => Err(format!("{command:?}: {e}")),
    }
}

/// Runs a program and reads the JSON line at the end of its output.
pub(crate) fn last_line<T: DeserializeOwned>(command: &mut Command) -> Result<T, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(|e| {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or_default();
        format!("{command:?} printed no timing ({e}): {said}")
    })
}
