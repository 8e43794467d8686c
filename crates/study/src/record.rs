//! One JSON line per run: everything needed to judge it and to repeat it.

mod log;
mod mixing;
mod predictions;
mod saved;
mod shard_files;
mod version_1;
mod version_2;

use std::collections::BTreeMap;

use noisytune_burn::NoiseReport;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::arm::Arm;
use crate::draw::Draw;
use crate::noise::NoiseSelection;
use crate::recipe::Recipe;
use crate::tuning::GridPoint;

pub use log::{RunLog, RunsOfFile};
pub use mixing::{device_kind, difference};
pub use predictions::{PredictionsFile, RecordedPredictions};
pub use saved::{MODELS, SavedModel, Saving, best_runs};
pub use shard_files::{RunFiles, refuse_other_shards, shards_of};

/// The version of the records that this build writes. It also reads every earlier one.
pub const FORMAT: u64 = 3;

/// The only evaluation set of version 1.
const DEV: &str = "dev";

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
// Serde derives strict functions on the type itself; the implementations below call them once the version is known.
#[serde(remote = "Self", deny_unknown_fields)]
pub struct RunRecord {
    /// Always [`FORMAT`], even if an earlier version was read.
    pub format: u64,
    /// What was done on top of plain finetuning.
    pub arm: Arm,
    /// Seed of every random choice.
    pub seed: u64,
    /// Why the run failed and has no score; `None` if it has one.
    pub failed: Option<String>,
    /// The epochs, first to last.
    pub epochs: Vec<EpochRecord>,
    /// Seconds of training and evaluation.
    pub seconds: f64,
    /// The predictions after the last epoch, by evaluation set.
    pub predictions: BTreeMap<String, RecordedPredictions>,
    /// The class that the run predicted for every example of the headline's set, if it predicted only one class. Such a
    /// run has learned nothing, whatever its score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_class: Option<String>,
    /// Its finetuned model, if that was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_model: Option<SavedModel>,
    /// Optimizer steps that were skipped because gradients overflowed in half precision.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped_steps: usize,
    /// The training loss, in at most 100 points; empty in records from before it was kept.
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
    /// How far the parameters have moved, measured 10 times over the run; empty in records from before it was kept.
    #[serde(default)]
    pub changes: Vec<ParameterChange>,
    /// What the noise did, if the arm has any.
    pub noise: Option<NoiseSummary>,
    /// The settings of the run.
    pub settings: Settings,
    /// Versions of the programs.
    pub versions: Versions,
    /// The machine it ran on.
    pub machine: Machine,
    /// When it ended, in seconds since 1970-01-01 UTC.
    pub finished_unix: u64,
    /// SHA-256 of the plan under which it was made; `None` in records from before plans were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_sha256: Option<String>,
}

/// One epoch, and the model's scores after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Mean over the examples of the loss each had when it was trained on.
    pub train_loss: f64,
    /// The scores, by evaluation set.
    pub evaluations: BTreeMap<String, EvaluationRecord>,
    /// Seconds of training alone, without evaluation.
    pub train_seconds: f64,
}

/// What a model scored on a whole evaluation set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// Mean loss over the examples.
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
    /// Optimizer steps taken by its end.
    pub step: usize,
    /// Mean of the steps' losses since the previous point.
    pub loss: f64,
}

/// How far finetuning has moved the pretrained parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterChange {
    /// Optimizer steps taken.
    pub step: usize,
    /// Mean of `|W_t - W_start|` over the elements of each group `query`, `key`, `value`, `dense` and
    /// `all`: the L1 norm of the change divided by the number of elements, so that groups of different sizes can be
    /// compared. `W_start` is what training starts from, noise included. The head is left out.
    pub l1: BTreeMap<String, f64>,
    /// How much larger the L1 norm of each group is than it was at the start, as a share of that, in the paper's Figure 4:
    /// `(|W_t| - |W_start|) / |W_start|`. Empty in records from before it was measured.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub l1_norm: BTreeMap<String, f64>,
}

/// Everything that decides a run's result apart from arm and seed; runs with different settings do not mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name of the task.
    pub task: String,
    /// Noise intensity; `None` for an arm without noise.
    pub lambda: Option<f64>,
    /// Noise intensity of the study's runs outside a sweep over λ, if it is not `lambda`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study_lambda: Option<f64>,
    /// Which pretrained parameters take the noise; everything for an arm without noise.
    #[serde(default, skip_serializing_if = "NoiseSelection::is_everything")]
    pub noise_selection: NoiseSelection,
    /// Training rows of the study's runs outside a sweep over them, if they are not `train.used`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study_train_rows: Option<usize>,
    /// What the seeds of the study decide, if that is not [`Draw::USUAL`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vary: Option<Vec<Draw>>,
    /// Learning rate and epochs of the study's runs outside a grid, if those of `recipe` are a point of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub study_grid_point: Option<GridPoint>,
    /// The training rows that the run is scored on and not trained on, if it is there to choose a recipe by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutRows>,
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
    /// The score by which runs are compared.
    pub headline: Headline,
    /// The device, as the user named it.
    pub device: String,
}

/// The rows of a file that are used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Rows of the file.
    pub rows: usize,
    /// Rows used, counted from the first.
    pub used: usize,
    /// SHA-256 of the file's bytes.
    pub sha256: String,
}

/// Training rows that are held out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOutRows {
    /// How many.
    pub rows: usize,
    /// Keys which they are.
    pub seed: u64,
}

/// Which pretrained model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecord {
    /// Name of the snapshot folder.
    pub name: String,
    /// SHA-256 of the weights, as `Snapshot::weights_sha256` of `encoders` defines it.
    pub sha256: String,
    /// Its `config.json`.
    pub config: Value,
    /// SHA-256 of the tokenizer's vocabulary, as `Snapshot::tokenizer_sha256` of `encoders` defines it; `None` in records from before
    /// it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer_sha256: Option<String>,
}

/// The noise report in a few numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseSummary {
    /// Parameters that were perturbed.
    pub perturbed: usize,
    /// Their elements.
    pub perturbed_elements: usize,
    /// Root mean square of the noise, over those elements.
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
    /// Burn's, from the lock file.
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
    /// Number of runs trained at the same time; 1 in records from before it was kept.
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
            None => version_2::upgraded(version_1::upgraded(record)),
            Some(format) if *format == 2 => version_2::upgraded(record),
            Some(format) if *format == FORMAT => record,
            Some(format) => {
                return Err(D::Error::custom(format_args!(
                    "format is {format}, accepted is 2 or {FORMAT}, or none for version 1"
                )));
            }
        };
        let record = Self::deserialize(Value::Object(record)).map_err(D::Error::custom)?;
        match record.leaves_its_folder() {
            None => Ok(record),
            Some((what, path)) => Err(D::Error::custom(format_args!(
                "{what} is {path:?}, accepted is a path inside the study's folder"
            ))),
        }
    }
}

impl EpochRecord {
    /// The score by a metric on an evaluation set, if the epoch has it.
    pub fn score(&self, headline: &Headline) -> Option<f64> {
        let evaluation = self.evaluations.get(&headline.set)?;
        evaluation.metrics.get(&headline.metric).copied()
    }
}

impl RunRecord {
    /// Its headline score after the last epoch, by which it is compared; `None` if it failed.
    pub fn score(&self) -> Option<f64> {
        self.score_by(&self.settings.headline)
    }

    /// Its score after the last epoch by a metric on an evaluation set; `None` if it failed or has none.
    pub fn score_by(&self, measure: &Headline) -> Option<f64> {
        match self.failed {
            None => self.epochs.last()?.score(measure),
            Some(_) => None,
        }
    }

    /// What of it is in a file or folder outside the study's, with the path. Predictions are read from where it says, and a
    /// model that is no longer the best is removed from there.
    fn leaves_its_folder(&self) -> Option<(&'static str, &str)> {
        let predictions = self.predictions.values().filter_map(|place| match place {
            RecordedPredictions::File(path) => Some(("a file of predictions", path.as_str())),
            RecordedPredictions::Classes(_) => None,
        });
        let model = self.saved_model.as_ref();
        let model = model.map(|saved| ("the folder of a model", saved.folder.as_str()));
        let mut paths = predictions.chain(model);
        paths.find(|(_, path)| !files::stays_inside(path))
    }

    /// Its arm, and what distinguishes it from the arm's other runs of this seed.
    pub fn label(&self) -> String {
        self.settings.label(self.arm)
    }

    /// Whether λ, training rows, learning rate and epochs are the study's own, not those of a sweep or a grid.
    pub fn is_at_study_settings(&self) -> bool {
        let settings = &self.settings;
        settings.study_lambda.is_none()
            && settings.study_train_rows.is_none()
            && settings.study_grid_point.is_none()
    }

    /// Whether it is there to choose a recipe by, and scored on held-out training rows instead of dev.
    pub fn is_tuning(&self) -> bool {
        self.settings.held_out.is_some()
    }
}

impl Settings {
    /// [`label`](Self::label) and the seed, as the beginning of a file name.
    pub fn file_name(&self, arm: Arm, seed: u64) -> String {
        let mut name = arm.name().to_owned();
        if let (Some(lambda), Some(_)) = (self.lambda, self.study_lambda) {
            name += &format!("-lambda{lambda}");
        }
        if let Some(point) = self.grid_point() {
            let tuning = self.held_out.map_or("", |_| "-tuning");
            name += &format!(
                "{tuning}-lr{:e}-epochs{}",
                point.learning_rate, point.epochs
            );
        }
        if self.is_of_rows() {
            name += &format!("-rows{}", self.train.used);
        }
        format!("{name}-seed{seed}")
    }

    /// An arm, and what distinguishes these settings from those of the arm's other runs.
    pub fn label(&self, arm: Arm) -> String {
        let mut label = arm.name().to_owned();
        if let (Some(lambda), Some(_)) = (self.lambda, self.study_lambda) {
            label += &format!(", λ = {lambda}");
        }
        if let Some(point) = self.grid_point() {
            let tuning = self.held_out.map_or("", |_| "tuning ");
            label += &format!(", {tuning}{point}");
        }
        if self.is_of_rows() {
            label += &format!(", {} rows", self.train.used);
        }
        label
    }

    /// The point of the grid that the recipe is, if it is one.
    pub fn grid_point(&self) -> Option<GridPoint> {
        self.study_grid_point.map(|_| GridPoint::of(&self.recipe))
    }

    /// Whether it is a run of a sweep over training rows. Tuning takes rows away too, the same from every run.
    fn is_of_rows(&self) -> bool {
        self.study_train_rows.is_some() && self.held_out.is_none()
    }
}

impl Settings {
    /// The rows on which the headline score is computed.
    pub fn headline_rows(&self) -> Option<&Provenance> {
        self.evaluation.get(&self.headline.set)
    }
}

impl ModelRecord {
    /// The same with the tokenizer of another, if it is not known.
    #[must_use]
    pub fn with_tokenizer_of(mut self, other: &Self) -> Self {
        self.tokenizer_sha256 = self.tokenizer_sha256.or(other.tokenizer_sha256.clone());
        self
    }

    /// Layers and width from its configuration, whatever the family calls them.
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
    /// The versions of this build.
    pub fn current() -> Self {
        Self {
            noisytune_burn: env!("CARGO_PKG_VERSION").to_owned(),
            burn: env!("BURN_VERSION").to_owned(),
        }
    }
}

impl Machine {
    /// The machine that the program runs on, for one of `jobs` runs that each have so many worker threads.
    pub fn current(jobs: usize, threads: usize) -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            threads,
            jobs,
        }
    }
}
