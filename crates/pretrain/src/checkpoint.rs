//! The state of a run, stored so that it continues bit for bit.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use encoders::{BertConfig, BertForMaskedLM};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::PretrainError;
use crate::recipe::Recipe;
use crate::trainer::Trainer;

const PROGRESS: &str = "progress.json";

/// The folder for checkpoints in the folder of a run; each is a folder named by its step.
const FOLDER: &str = "checkpoints";

/// What the name of a folder begins with while a checkpoint is written into it.
const PART: &str = ".part-";

/// Settings that may change when a run is continued: they only decide its end.
const MAY_CHANGE: [&str; 2] = ["steps", "decay_steps"];

/// How far a run has got, and its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Optimizer steps taken.
    pub step: usize,
    /// Real tokens seen.
    pub tokens: u64,
    /// Tokens predicted.
    pub masked: u64,
    /// Seconds of training, including evaluation and checkpoints.
    pub seconds: f64,
    /// SHA-256 of the vocabulary and all sequences.
    pub data_sha256: String,
    /// The shape of the encoder.
    pub encoder: BertConfig,
    /// The recipe at this step.
    pub recipe: Recipe,
}

/// The latest checkpoint of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    folder: PathBuf,
    /// How far the run had got.
    pub state: RunState,
}

impl Checkpoint {
    /// Finds the latest checkpoint in the folder of a run.
    ///
    /// # Errors
    /// [`PretrainError::File`] or [`PretrainError::Checkpoint`].
    pub fn latest(run: &Path) -> Result<Option<Self>, PretrainError> {
        let Some((_, folder)) = stored(run)?.pop() else {
            return Ok(None);
        };
        let path = folder.join(PROGRESS);
        let text = std::fs::read(&path).map_err(|e| PretrainError::file(&path, e))?;
        let state = serde_json::from_slice(&text).map_err(|e| PretrainError::Checkpoint {
            path,
            reason: e.to_string(),
        })?;
        Ok(Some(Self { folder, state }))
    }

    /// Checks that a run with these settings can continue this one.
    ///
    /// # Errors
    /// [`PretrainError::OtherRun`] with the first setting that differs.
    pub fn check(&self, now: &RunState) -> Result<(), PretrainError> {
        let fields = |state: &RunState| {
            let recipe = serde_json::to_value(&state.recipe).expect("plain data");
            let encoder = serde_json::to_value(&state.encoder).expect("plain data");
            // The data last: another recipe packs the same text differently, and names the cause better.
            let data = json!({ "data": state.data_sha256 });
            [recipe, encoder, data]
                .into_iter()
                .filter_map(|part| part.as_object().cloned())
                .flatten()
                .collect::<Vec<_>>()
        };
        let (recorded, current) = (fields(&self.state), fields(now));
        for ((field, recorded), (_, current)) in recorded.into_iter().zip(current) {
            if !MAY_CHANGE.contains(&field.as_str()) && recorded != current {
                return Err(PretrainError::OtherRun {
                    path: self.folder.clone(),
                    field,
                    recorded: recorded.to_string(),
                    current: current.to_string(),
                });
            }
        }
        Ok(())
    }

    /// The trainer as it was when the checkpoint was stored.
    ///
    /// # Errors
    /// [`PretrainError::Checkpoint`] or [`PretrainError::Setting`].
    pub fn trainer(
        &self,
        recipe: &Recipe,
        model: BertForMaskedLM,
        device: &Device,
    ) -> Result<Trainer, PretrainError> {
        Trainer::continued(&self.folder, self.state.step, model, recipe, device)
    }

    /// Stores the trainer's state, then removes older checkpoints.
    ///
    /// # Errors
    /// [`PretrainError::File`] or [`PretrainError::Checkpoint`]; older checkpoints are then kept.
    pub fn store(run: &Path, trainer: &mut Trainer, state: &RunState) -> Result<(), PretrainError> {
        let parent = run.join(FOLDER);
        std::fs::create_dir_all(&parent).map_err(|e| PretrainError::file(&parent, e))?;
        // Hidden until it is complete, so that `latest` never finds half a checkpoint.
        let part = tempfile::Builder::new()
            .prefix(PART)
            .tempdir_in(&parent)
            .map_err(|e| PretrainError::file(&parent, e))?;
        trainer.write(part.path())?;
        let text = serde_json::to_string_pretty(state).expect("plain data");
        let path = part.path().join(PROGRESS);
        files::replace(&path, text.as_bytes())?;

        let older = stored(run)?;
        let target = parent.join(format!("{:08}", state.step));
        if !older.iter().any(|(step, _)| *step == state.step) {
            std::fs::rename(part.path(), &target).map_err(|e| PretrainError::file(&target, e))?;
        }
        for folder in abandoned(&parent, part.path())? {
            std::fs::remove_dir_all(&folder).map_err(|e| PretrainError::file(&folder, e))?;
        }
        for (step, folder) in older {
            if step != state.step {
                std::fs::remove_dir_all(&folder).map_err(|e| PretrainError::file(&folder, e))?;
            }
        }
        Ok(())
    }
}

/// Checkpoints that a process was killed over; the run's lock keeps out any other that might be at work on one.
fn abandoned(parent: &Path, own: &Path) -> Result<Vec<PathBuf>, PretrainError> {
    let entries = std::fs::read_dir(parent).map_err(|e| PretrainError::file(parent, e))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| PretrainError::file(parent, e))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if path != own && name.is_some_and(|name| name.starts_with(PART)) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Complete checkpoints by their steps, ascending.
fn stored(run: &Path) -> Result<Vec<(usize, PathBuf)>, PretrainError> {
    let parent = run.join(FOLDER);
    let entries = match std::fs::read_dir(&parent) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(PretrainError::file(&parent, e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| PretrainError::file(&parent, e))?.path();
        let step = path
            .file_name()
            .and_then(|name| name.to_str()?.parse().ok());
        found.extend(step.map(|step| (step, path)));
    }
    found.sort();
    Ok(found)
}
