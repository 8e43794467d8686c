//! One JSON line a run: everything needed to judge it and to repeat it.

use std::path::{Path, PathBuf};

use encoders::BertConfig;
use noisytune_burn::NoiseReport;
use serde::{Deserialize, Serialize};

use crate::arm::Arm;
use crate::data::Provenance;
use crate::error::FinetuneError;
use crate::recipe::Recipe;
use crate::write;

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// What was done to the parameters.
    pub arm: Arm,
    /// Of every random choice.
    pub seed: u64,
    /// Why the run has no score, if it has none.
    pub failed: Option<String>,
    /// Accuracy on dev after the last epoch; `None` if the run failed.
    pub dev_accuracy: Option<f64>,
    /// First to last.
    pub epochs: Vec<EpochRecord>,
    /// Training and evaluation.
    pub seconds: f64,
    /// The predicted class of each dev example after the last epoch.
    pub dev_predictions: Vec<usize>,
    /// What the noise did, if there was any.
    pub noise: Option<NoiseSummary>,
    /// What the run was told to do.
    pub settings: Settings,
    /// Programs.
    pub versions: Versions,
    /// Where it ran.
    pub machine: Machine,
    /// Seconds since 1970-01-01 UTC when it ended.
    pub finished_unix: u64,
}

/// The score of one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: usize,
    /// Mean over the examples, as each was trained on.
    pub train_loss: f64,
    /// Mean over dev.
    pub dev_loss: f64,
    /// Over the whole of dev.
    pub dev_accuracy: f64,
    /// Of training, evaluation not counted.
    pub train_seconds: f64,
}

/// All that decides a run's result apart from arm and seed; runs that differ in it do not mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name of the task.
    pub task: String,
    /// Noise intensity; `None` for an arm without noise.
    pub lambda: Option<f64>,
    /// Hyperparameters.
    pub recipe: Recipe,
    /// The pretrained model.
    pub model: ModelRecord,
    /// Rows trained on.
    pub train: Provenance,
    /// Rows scored on.
    pub dev: Provenance,
    /// Where the tensors live, as the user named it.
    pub device: String,
}

/// Which pretrained model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecord {
    /// Name of the snapshot folder.
    pub name: String,
    /// Of `model.safetensors`.
    pub sha256: String,
    /// Its `config.json`.
    pub config: BertConfig,
}

/// The noise report in a few numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseSummary {
    /// Parameters that were perturbed.
    pub perturbed: usize,
    /// Their elements.
    pub perturbed_elements: usize,
    /// Root mean square of the noise over those elements.
    pub noise_rms: f64,
    /// Paths that were left alone, with the reason.
    pub skipped: Vec<(String, String)>,
}

/// Versions of the programs that made a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// This project.
    #[serde(rename = "noisytune-burn")]
    pub noisytune_burn: String,
    /// Burn, by the lock file.
    pub burn: String,
}

/// Where a run took place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub arch: String,
    /// Worker threads.
    pub threads: usize,
}

impl NoiseSummary {
    /// Sums up a report.
    pub fn of(report: &NoiseReport) -> Self {
        let (mut perturbed, mut elements, mut squares) = (0, 0, 0.0);
        for entry in report.perturbed() {
            if let noisytune_burn::Outcome::Perturbed { noise_rms, .. } = entry.outcome {
                perturbed += 1;
                elements += entry.elements;
                squares += noise_rms * noise_rms * entry.elements as f64;
            }
        }
        Self {
            perturbed,
            perturbed_elements: elements,
            noise_rms: (squares / elements.max(1) as f64).sqrt(),
            skipped: report
                .skipped()
                .map(|(entry, reason)| (entry.path.clone(), reason.to_string()))
                .collect(),
        }
    }
}

impl Versions {
    /// Of this build.
    pub fn current() -> Self {
        Self {
            noisytune_burn: env!("CARGO_PKG_VERSION").to_owned(),
            burn: env!("BURN_VERSION").to_owned(),
        }
    }
}

impl Machine {
    /// The machine the program runs on.
    pub fn current() -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            threads: rayon::current_num_threads(),
        }
    }
}

/// The file of records in a study's folder.
#[derive(Clone, Debug)]
pub struct RunLog {
    path: PathBuf,
    records: Vec<RunRecord>,
}

impl RunLog {
    /// Opens `runs.jsonl` in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`FinetuneError::File`] if the folder cannot be written, [`FinetuneError::Record`] if a line
    /// is not a record.
    pub fn open(folder: &Path) -> Result<Self, FinetuneError> {
        write::prepare_folder(folder)?;
        let path = folder.join("runs.jsonl");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(FinetuneError::file(&path, e)),
        };
        let records = text
            .lines()
            .enumerate()
            .map(|(index, line)| {
                serde_json::from_str(line).map_err(|e| FinetuneError::Record {
                    path: path.clone(),
                    line: index + 1,
                    reason: e.to_string(),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { path, records })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// First to last.
    pub fn records(&self) -> &[RunRecord] {
        &self.records
    }

    /// Adds a record; on disk the file changes at once or not at all.
    ///
    /// # Errors
    /// [`FinetuneError::File`].
    pub fn push(&mut self, record: RunRecord) -> Result<&RunRecord, FinetuneError> {
        self.records.push(record);
        let mut text = String::new();
        for record in &self.records {
            text += &serde_json::to_string(record).expect("records are plain data");
            text.push('\n');
        }
        write::replace(&self.path, text.as_bytes())?;
        Ok(self.records.last().expect("one was just pushed"))
    }
}
