//! A comparison: arms by seeds, run in order and recorded one by one.

use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use burn::tensor::Device;
use encoders::{LoadedClassifier, Snapshot};
use glue::TaskSpec;
use noisytune_burn::NoisyTune;
use serde::{Deserialize, Serialize};

use crate::arm::Arm;
use crate::data::{TaskData, sha256_of};
use crate::error::FinetuneError;
use crate::evaluation::evaluate;
use crate::progress::{Progress, RunPlan};
use crate::recipe::{Recipe, at_least_one};
use crate::record::{
    EpochRecord, Machine, ModelRecord, NoiseSummary, RunLog, RunRecord, Settings, Versions,
};
use crate::summary::StudySummary;
use crate::training::Trainer;

/// What to compare.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyConfig {
    /// In the order they run within a seed.
    pub arms: Vec<Arm>,
    /// Seeds `first_seed`, `first_seed + 1`, ...
    pub seeds: usize,
    /// The first of them.
    pub first_seed: u64,
    /// Noise intensity λ of the arms with noise; the paper's is 0.15.
    pub lambda: f64,
    /// Hyperparameters of every run.
    pub recipe: Recipe,
    /// Training rows to use, from the first on; all where `None`.
    pub max_train_samples: Option<usize>,
    /// Dev rows to use, from the first on; all where `None`.
    pub max_eval_samples: Option<usize>,
}

/// A study with its model and data read and checked.
#[derive(Clone, Debug)]
pub struct Study {
    config: StudyConfig,
    snapshot: Snapshot,
    data: TaskData,
    model: ModelRecord,
    device: Device,
    device_name: String,
}

impl StudyConfig {
    /// Checks the values that need no file.
    ///
    /// # Errors
    /// [`FinetuneError::Setting`] or, for λ, [`FinetuneError::Noise`].
    pub fn validate(&self) -> Result<(), FinetuneError> {
        at_least_one("seeds", self.seeds)?;
        at_least_one("number of arms", self.arms.len())?;
        let last = self.first_seed.checked_add(self.seeds as u64 - 1);
        if last.is_none() {
            return Err(FinetuneError::setting(
                "first seed",
                self.first_seed,
                "a number that leaves room for the other seeds below 2^64",
            ));
        }
        noisytune_burn::NoisyTuneConfig::new(self.lambda).init()?;
        self.recipe.validate()
    }

    /// Every run, seed by seed: a pair is complete before the next seed starts.
    pub fn runs(&self) -> impl Iterator<Item = (Arm, u64)> + '_ {
        (0..self.seeds as u64).flat_map(move |offset| {
            let seed = self.first_seed + offset;
            self.arms.iter().map(move |&arm| (arm, seed))
        })
    }
}

impl Study {
    /// Reads model and data and checks everything that can be checked before training.
    ///
    /// # Errors
    /// Whatever is wrong with the configuration, the snapshot or the task's files.
    pub fn open(
        config: StudyConfig,
        task: &'static TaskSpec,
        model: &Path,
        data: &Path,
        device: &Device,
        device_name: &str,
    ) -> Result<Self, FinetuneError> {
        config.validate()?;
        let snapshot = Snapshot::open(model)?;
        let tokenizer = snapshot.tokenizer(config.recipe.max_length)?;
        let data = TaskData::read(
            task,
            data,
            &tokenizer,
            snapshot.config().pad_token_id,
            config.max_train_samples,
            config.max_eval_samples,
        )?;
        let record = ModelRecord {
            name: model
                .canonicalize()
                .ok()
                .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
                .unwrap_or_default(),
            sha256: sha256_of(&snapshot.weights())?,
            config: snapshot.config().clone(),
        };
        Ok(Self {
            config,
            snapshot,
            data,
            model: record,
            device: device.clone().inner(),
            device_name: device_name.to_owned(),
        })
    }

    /// The study's configuration.
    pub fn config(&self) -> &StudyConfig {
        &self.config
    }

    /// The tokenized task.
    pub fn data(&self) -> &TaskData {
        &self.data
    }

    /// Runs what is not yet recorded in the folder and summarises all of it.
    ///
    /// A run whose loss stops being a number is recorded as failed and counts in no mean; the study
    /// goes on.
    ///
    /// # Errors
    /// [`FinetuneError::OtherStudy`] if the folder holds runs with other settings, and whatever
    /// keeps a run from starting or a record from being written.
    pub fn run(
        &self,
        folder: &Path,
        progress: &mut impl Progress,
    ) -> Result<StudySummary, FinetuneError> {
        let mut log = RunLog::open(folder)?;
        self.refuse_other_studies(&log)?;
        let runs: Vec<(Arm, u64)> = self.config.runs().collect();
        let is_recorded = |log: &RunLog, (arm, seed): (Arm, u64)| {
            log.records().iter().any(|r| r.arm == arm && r.seed == seed)
        };
        let recorded = runs.iter().filter(|run| is_recorded(&log, **run)).count();
        progress.study_started(runs.len(), recorded);
        for &(arm, seed) in &runs {
            if is_recorded(&log, (arm, seed)) {
                continue;
            }
            let record = self.run_one(arm, seed, progress)?;
            progress.run_finished(log.push(record)?);
        }
        let records: Vec<&RunRecord> = log
            .records()
            .iter()
            .filter(|r| runs.contains(&(r.arm, r.seed)))
            .collect();
        let summary = StudySummary::of(
            self.data.task.name,
            &self.data.task.metrics[0].to_string(),
            &self.config.arms,
            &records,
        )?;
        summary.save(&folder.join("summary.json"))?;
        Ok(summary)
    }

    /// Loads the pretrained model as a run's arm wants it, on the plain device.
    ///
    /// # Errors
    /// Whatever is wrong with the weights, or if the noise would change nothing.
    pub fn start_model(
        &self,
        arm: Arm,
        seed: u64,
    ) -> Result<(LoadedClassifier, Option<NoiseSummary>), FinetuneError> {
        let labels = self.data.task.labels.outputs();
        let mut loaded = self.snapshot.classifier(labels, seed, &self.device)?;
        let noise = match arm.noise(self.config.lambda, seed, &loaded.fresh) {
            None => None,
            Some(config) => {
                let (model, report) = loaded.model.try_noisy_tune(&config)?;
                loaded.model = model;
                Some(NoiseSummary::of(&report))
            }
        };
        Ok((loaded, noise))
    }

    /// A trainer of this study, before its first step.
    pub(crate) fn trainer(&self, loaded: LoadedClassifier, steps: usize, seed: u64) -> Trainer {
        Trainer::new(loaded.model, &self.config.recipe, steps, seed, &self.device)
    }

    fn run_one(
        &self,
        arm: Arm,
        seed: u64,
        progress: &mut impl Progress,
    ) -> Result<RunRecord, FinetuneError> {
        let recipe = &self.config.recipe;
        let steps = recipe.epochs * recipe.steps_per_epoch(self.data.train.len());
        progress.run_started(RunPlan { arm, seed, steps });
        let started = Instant::now();
        let (loaded, noise) = self.start_model(arm, seed)?;
        let mut trainer = self.trainer(loaded, steps, seed);

        let mut epochs = Vec::with_capacity(recipe.epochs);
        let mut dev_predictions = Vec::new();
        let mut failed = None;
        for epoch in 1..=recipe.epochs {
            let (train, pad) = (&self.data.train, self.data.pad_token_id);
            let trained = match trainer.epoch(epoch, train, pad, |step| progress.step(step)) {
                Ok(trained) => trained,
                Err(diverged @ FinetuneError::Diverged { .. }) => {
                    failed = Some(diverged.to_string());
                    break;
                }
                Err(other) => return Err(other),
            };
            let scored = evaluate(&trainer.model(), &self.data.dev, pad, &self.device)?;
            progress.epoch(epoch, scored.accuracy);
            epochs.push(EpochRecord {
                epoch,
                train_loss: trained.train_loss,
                dev_loss: scored.loss,
                dev_accuracy: scored.accuracy,
                train_seconds: trained.seconds,
            });
            dev_predictions = scored.predictions;
        }
        let dev_accuracy = match failed {
            None => epochs.last().map(|epoch| epoch.dev_accuracy),
            Some(_) => None,
        };
        Ok(RunRecord {
            arm,
            seed,
            failed,
            dev_accuracy,
            epochs,
            seconds: started.elapsed().as_secs_f64(),
            dev_predictions,
            noise,
            settings: self.settings(arm),
            versions: Versions::current(),
            machine: Machine::current(),
            finished_unix: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
        })
    }

    fn settings(&self, arm: Arm) -> Settings {
        Settings {
            task: self.data.task.name.to_owned(),
            lambda: arm
                .noise(self.config.lambda, 0, &[])
                .map(|_| self.config.lambda),
            recipe: self.config.recipe.clone(),
            model: self.model.clone(),
            train: self.data.train.provenance.clone(),
            dev: self.data.dev.provenance.clone(),
            device: self.device_name.clone(),
        }
    }

    /// Compares the settings of every record with this study's, field by field for the message.
    fn refuse_other_studies(&self, log: &RunLog) -> Result<(), FinetuneError> {
        for (index, record) in log.records().iter().enumerate() {
            let (recorded, current) = (&record.settings, self.settings(record.arm));
            let fields = [
                ("task", json(&recorded.task), json(&current.task)),
                ("lambda", json(&recorded.lambda), json(&current.lambda)),
                ("recipe", json(&recorded.recipe), json(&current.recipe)),
                ("model", json(&recorded.model), json(&current.model)),
                ("training data", json(&recorded.train), json(&current.train)),
                ("dev data", json(&recorded.dev), json(&current.dev)),
                ("device", json(&recorded.device), json(&current.device)),
            ];
            for (field, recorded, current) in fields {
                if recorded != current {
                    return Err(FinetuneError::OtherStudy {
                        path: log.path().to_path_buf(),
                        line: index + 1,
                        field,
                        recorded,
                        current,
                    });
                }
            }
        }
        Ok(())
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("settings are plain data")
}
