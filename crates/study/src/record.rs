//! One JSON line per run: everything needed to judge it and to repeat it.

mod log;
mod mixing;
mod predictions;
mod version_1;

use std::collections::BTreeMap;

use noisytune_burn::NoiseReport;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::arm::Arm;
use crate::recipe::Recipe;

pub use log::RunLog;
pub use predictions::{PredictionsFile, RecordedPredictions};

/// The version of the records that this build writes; it reads every earlier one.
pub const FORMAT: u64 = 2;

/// The set that version 1 knew.
const DEV: &str = "dev";

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
// Strict derived functions of its own, which the implementations below call once the version is known.
#[serde(remote = "Self", deny_unknown_fields)]
pub struct RunRecord {
    /// [`FORMAT`], whichever version it was read from.
    pub format: u64,
    /// What was done beside plain finetuning.
    pub arm: Arm,
    /// Of every random choice.
    pub seed: u64,
    /// Why the run has no score, if it has none.
    pub failed: Option<String>,
    /// First to last.
    pub epochs: Vec<EpochRecord>,
    /// Training and evaluation.
    pub seconds: f64,
    /// What it predicted after the last epoch, by evaluation set.
    pub predictions: BTreeMap<String, RecordedPredictions>,
    /// The class that every prediction for the headline's set is, if they are all the same: such a run has learned
    /// nothing, whatever it scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_class: Option<String>,
    /// Optimizer steps that were left out because gradients overflowed in half precision.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped_steps: usize,
    /// The training loss, in at most 100 points; empty in records made before it was kept.
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
    /// How far the parameters have moved, 10 times over the run; empty in records made before it was kept.
    #[serde(default)]
    pub changes: Vec<ParameterChange>,
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

/// One epoch, and what the model scored after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: usize,
    /// Mean over the examples, as each was trained on.
    pub train_loss: f64,
    /// By evaluation set.
    pub evaluations: BTreeMap<String, EvaluationRecord>,
    /// Of training, evaluation not counted.
    pub train_seconds: f64,
}

/// What a model scored on a set, over the whole of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// Mean over the examples.
    pub loss: f64,
    /// Scores by the name of the metric.
    #[serde(flatten)]
    pub metrics: BTreeMap<String, f64>,
}

/// The number that a task is judged by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headline {
    /// The evaluation set.
    pub set: String,
    /// The metric.
    pub metric: String,
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
pub struct ParameterChange {
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
    /// Rows scored on, by evaluation set.
    pub evaluation: BTreeMap<String, Provenance>,
    /// What the runs are compared by.
    pub headline: Headline,
    /// Where the tensors live, as the user named it.
    pub device: String,
}

/// Which rows of which file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Rows of the file.
    pub rows: usize,
    /// Rows used, from the first on.
    pub used: usize,
    /// Of the file's bytes.
    pub sha256: String,
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
    pub config: Value,
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

impl Serialize for RunRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// Records of every version are read as those of today.
impl<'de> Deserialize<'de> for RunRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = Map::<String, Value>::deserialize(deserializer)?;
        let record = match record.get("format") {
            None => version_1::upgraded(record),
            Some(format) if *format == FORMAT => record,
            Some(format) => {
                return Err(D::Error::custom(format_args!(
                    "format is {format}, accepted is {FORMAT}, or none for version 1"
                )));
            }
        };
        Self::deserialize(Value::Object(record)).map_err(D::Error::custom)
    }
}

impl EpochRecord {
    /// The score of a set by a metric, if the epoch has it.
    pub fn score(&self, headline: &Headline) -> Option<f64> {
        let evaluation = self.evaluations.get(&headline.set)?;
        evaluation.metrics.get(&headline.metric).copied()
    }
}

impl RunRecord {
    /// What the run is compared by: its headline score after the last epoch; `None` if it failed.
    pub fn score(&self) -> Option<f64> {
        match self.failed {
            None => self.epochs.last()?.score(&self.settings.headline),
            Some(_) => None,
        }
    }

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
    /// The same as [`label`](Self::label) with the seed, as the beginning of a file name.
    pub fn file_name(&self, arm: Arm, seed: u64) -> String {
        let mut name = arm.name().to_owned();
        if let (Some(lambda), Some(_)) = (self.lambda, self.study_lambda) {
            name += &format!("-lambda{lambda}");
        }
        if self.study_train_rows.is_some() {
            name += &format!("-rows{}", self.train.used);
        }
        format!("{name}-seed{seed}")
    }

    /// An arm, and what sets these settings apart from those of the arm's other runs.
    pub fn label(&self, arm: Arm) -> String {
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

impl Settings {
    /// The rows that the headline is scored on.
    pub fn headline_rows(&self) -> Option<&Provenance> {
        self.evaluation.get(&self.headline.set)
    }
}

impl ModelRecord {
    /// Layers and width by its configuration, whatever the family calls them.
    pub fn size(&self) -> Option<(u64, u64)> {
        let number = |names: [&str; 3]| {
            let mut found = names
                .iter()
                .filter_map(|name| self.config.get(name)?.as_u64());
            found.next()
        };
        let layers = number(["num_hidden_layers", "n_layers", "n_layer"])?;
        Some((layers, number(["hidden_size", "dim", "d_model"])?))
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
    /// The machine the program runs on, for one of `jobs` runs on so many worker threads.
    pub fn current(jobs: usize, threads: usize) -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            threads,
            jobs,
        }
    }
}
