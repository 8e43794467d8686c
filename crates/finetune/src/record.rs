//! One JSON line a run: everything needed to judge it and to repeat it.

mod log;

use std::collections::BTreeMap;

use encoders::EncoderConfig;
use noisytune_burn::NoiseReport;
use serde::{Deserialize, Serialize};

use crate::arms::Arm;
use crate::data::Provenance;
use crate::recipe::Recipe;

pub use log::RunLog;

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
    /// Optimizer steps that were left out because gradients overflowed in half precision.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped_steps: usize,
    /// The training loss, in at most 100 points; empty in records made before it was kept.
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
    /// How far the parameters have moved, at 10 checkpoints; empty in records made before it was kept.
    #[serde(default)]
    pub changes: Vec<Checkpoint>,
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

/// A stretch of the training loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurvePoint {
    /// Optimizer steps taken at its end.
    pub step: usize,
    /// Mean of the steps' losses since the point before.
    pub loss: f64,
}

/// How far finetuning has moved the pretrained parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Optimizer steps taken.
    pub step: usize,
    /// Mean of `|W_t - W_start|` over the elements of each group `query`, `key`, `value`, `dense` and
    /// `all`: the L1 norm of the change divided by the number of elements, so that groups of any size
    /// compare. `W_start` is what training starts from, noise included. The head is left out.
    pub l1: BTreeMap<String, f64>,
}

/// All that decides a run's result apart from arm and seed; runs that differ in it do not mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name of the task.
    pub task: String,
    /// Noise intensity; `None` for an arm without noise.
    pub lambda: Option<f64>,
    /// Noise intensity of the study's runs that are not about it, where it is not `lambda`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study_lambda: Option<f64>,
    /// Training rows of the study's runs that are not about them, where they are not `train.used`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study_train_rows: Option<usize>,
    /// The numbers of the arm's own method, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hyperparameters: BTreeMap<String, f64>,
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
    /// Of the weights, as [`encoders::Snapshot::weights_sha256`] defines it.
    pub sha256: String,
    /// Its `config.json`.
    pub config: EncoderConfig,
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
    /// Worker threads of the run.
    pub threads: usize,
    /// Runs that were in work at the same time; 1 in records made before it was kept.
    #[serde(default = "one")]
    pub jobs: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn one() -> usize {
    1
}

impl RunRecord {
    /// Its arm, and what sets it apart from the arm's other runs of this seed.
    pub fn label(&self) -> String {
        self.settings.label(self.arm)
    }

    /// Whether λ and training rows are the study's, and not those of a sweep over them.
    pub fn is_at_study_settings(&self) -> bool {
        self.settings.study_lambda.is_none() && self.settings.study_train_rows.is_none()
    }
}

impl Settings {
    pub(crate) fn label(&self, arm: Arm) -> String {
        let mut label = arm.name().to_owned();
        if let (Some(lambda), Some(_)) = (self.lambda, self.study_lambda) {
            label += &format!(", λ = {lambda}");
        }
        if self.study_train_rows.is_some() {
            label += &format!(", {} rows", self.train.used);
        }
        label
    }
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
    /// The machine the program runs on, for one of `jobs` runs.
    pub fn current(jobs: usize) -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            threads: rayon::current_num_threads(),
            jobs,
        }
    }
}
