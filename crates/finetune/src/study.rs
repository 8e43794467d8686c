//! A comparison with its model and data: runs what is missing, records it, sums it up.

use std::num::NonZeroUsize;
use std::path::Path;

use burn::tensor::Device;
use encoders::{LoadedClassifier, Snapshot};
use glue::TaskSpec;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::StudyConfig;
use crate::data::TaskData;
use crate::error::FinetuneError;
use crate::plan::{self, PlannedStudy, RunKey};
use crate::progress::{Progress, StudyPlan};
use crate::record::{ModelRecord, RunLog, RunRecord, Settings};
use crate::summary::StudySummary;

/// A study with its model and data read and checked.
#[derive(Clone, Debug)]
pub struct Study {
    config: StudyConfig,
    snapshot: Snapshot,
    data: TaskData,
    model: ModelRecord,
    notes: Vec<String>,
    device: Device,
    device_name: String,
    jobs: usize,
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
        config.recipe.precision.check(device)?;
        let snapshot = Snapshot::open(model)?;
        let tokenizer = snapshot.tokenizer(config.recipe.max_length)?;
        let data = TaskData::read(
            task,
            data,
            &tokenizer,
            snapshot.config().pad_token_id(),
            config.max_train_samples,
            config.max_eval_samples,
        )?;
        let mut notes = tokenizer.notes().to_vec();
        notes.extend(snapshot.classifier_notes(task.labels.outputs(), device)?);
        let record = ModelRecord {
            name: model
                .canonicalize()
                .ok()
                .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
                .unwrap_or_default(),
            sha256: snapshot.weights_sha256()?,
            config: snapshot.config().clone(),
        };
        Ok(Self {
            config,
            snapshot,
            data,
            model: record,
            notes,
            device: device.clone().inner(),
            device_name: device_name.to_owned(),
            jobs: 1,
        })
    }

    /// Calls the model something else than its folder in the records: a folder of a download cache is
    /// named as its commit only.
    pub fn with_model_name(mut self, name: &str) -> Self {
        self.model.name = name.to_owned();
        self
    }

    /// Has so many runs in work at the same time, each on its share of the threads; 1 unless told otherwise.
    ///
    /// Of what is recorded only the order of the runs and their times depend on it.
    pub fn with_jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.jobs = jobs.get();
        self
    }

    /// Runs in work at the same time.
    pub fn jobs(&self) -> usize {
        self.jobs
    }

    /// The pretrained model.
    pub fn model(&self) -> &ModelRecord {
        &self.model
    }

    /// What a user should know about the model, one line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The study's configuration.
    pub fn config(&self) -> &StudyConfig {
        &self.config
    }

    /// The tokenized task.
    pub fn data(&self) -> &TaskData {
        &self.data
    }

    /// The studies with their points and runs.
    pub fn plan(&self) -> Vec<PlannedStudy> {
        plan::plan(&self.config, self.data.train.len())
    }

    /// Runs what is not yet recorded in the folder and summarises all of it.
    ///
    /// A run whose loss stops being a number is recorded as failed and counts in no mean; the study
    /// goes on. Records of runs that the configuration does not ask for are left alone.
    ///
    /// # Errors
    /// [`FinetuneError::OtherStudy`] if the folder holds runs with other settings,
    /// [`FinetuneError::InUse`] while another process works on it, [`FinetuneError::Stopped`] if
    /// [`Progress::should_stop`] says so, and whatever keeps a run from starting or a record from being
    /// written.
    pub fn run(
        &self,
        folder: &Path,
        progress: &mut (impl Progress + Send),
    ) -> Result<StudySummary, FinetuneError> {
        let log = RunLog::open(folder)?;
        if let Some(line) = log.torn_line() {
            progress.torn_line(log.path(), line);
        }
        self.refuse_other_studies(&log)?;
        self.config.save(&folder.join("study.json"))?;
        let runs = plan::runs(&self.plan());
        let missing: Vec<RunKey> = runs
            .iter()
            .filter(|run| !holds(log.records(), run))
            .copied()
            .collect();
        progress.study_started(&StudyPlan {
            runs: runs.len(),
            recorded: runs.len() - missing.len(),
            steps: missing.iter().map(|run| self.steps(run)).sum(),
        });
        for record in log.records() {
            if runs.contains(&RunKey::of(record)) {
                progress.run_recorded(record);
            }
        }
        // Locked until the summary is written.
        let _log = self.work_through(missing, log, progress)?;
        // From the file and not from memory: the summary does not depend on which runs are new.
        let summary = StudySummary::of(&self.config, &RunLog::read(folder)?)?;
        summary.save(&folder.join("summary.json"))?;
        Ok(summary)
    }

    /// Loads the pretrained model with the head of a seed, on the plain device.
    pub(crate) fn load(&self, seed: u64) -> Result<LoadedClassifier, FinetuneError> {
        let labels = self.data.task.labels.outputs();
        Ok(self.snapshot.classifier(labels, seed, &self.device)?)
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// Everything that decides the result of a run, apart from its arm and seed.
    pub(crate) fn settings(&self, run: &RunKey) -> Settings {
        let mut train = self.data.train.provenance.clone();
        let study_rows = std::mem::replace(&mut train.used, run.train_rows);
        Settings {
            task: self.data.task.name.to_owned(),
            lambda: run.lambda,
            study_lambda: run
                .lambda
                .and((run.lambda != Some(self.config.lambda)).then_some(self.config.lambda)),
            study_train_rows: (run.train_rows != study_rows).then_some(study_rows),
            hyperparameters: run.arm.hyperparameters(&self.config.hyperparameters),
            recipe: self.config.recipe.clone(),
            model: self.model.clone(),
            train,
            dev: self.data.dev.provenance.clone(),
            device: self.device_name.clone(),
        }
    }

    /// Compares the settings of every record with this study's, field by field for the message.
    ///
    /// What a study varies is not compared, but the value that its other runs have.
    fn refuse_other_studies(&self, log: &RunLog) -> Result<(), FinetuneError> {
        for (index, record) in log.records().iter().enumerate() {
            let (recorded, current) = (&record.settings, self.settings(&RunKey::of(record)));
            let lambda = recorded
                .lambda
                .map(|own| recorded.study_lambda.unwrap_or(own));
            let current_lambda = recorded.lambda.map(|_| self.config.lambda);
            let rows = recorded.study_train_rows.unwrap_or(recorded.train.used);
            let own = |settings: &Settings| json(&(settings.train.rows, &settings.train.sha256));
            let fields = [
                ("task", json(&recorded.task), json(&current.task)),
                ("lambda", json(&lambda), json(&current_lambda)),
                ("recipe", json(&recorded.recipe), json(&current.recipe)),
                ("model", json(&recorded.model), json(&current.model)),
                ("training data", own(recorded), own(&current)),
                ("training rows", json(&rows), json(&self.data.train.len())),
                ("dev data", json(&recorded.dev), json(&current.dev)),
                (
                    "hyperparameters",
                    json(&recorded.hyperparameters),
                    json(&current.hyperparameters),
                ),
                ("device", json(&recorded.device), json(&current.device)),
            ];
            let difference = fields
                .into_iter()
                .find_map(|(name, recorded, current)| difference(name, &recorded, &current));
            if let Some((field, recorded, current)) = difference {
                return Err(FinetuneError::OtherStudy {
                    path: log.path().to_path_buf(),
                    line: index + 1,
                    field,
                    recorded: recorded.to_string(),
                    current: current.to_string(),
                });
            }
        }
        Ok(())
    }
}

/// The first value that differs, with its place: `recipe.epochs` rather than two whole recipes.
fn difference(name: &str, recorded: &Value, current: &Value) -> Option<(String, Value, Value)> {
    if recorded == current {
        return None;
    }
    let (Value::Object(ours), Value::Object(theirs)) = (recorded, current) else {
        return Some((name.to_owned(), recorded.clone(), current.clone()));
    };
    let value = |object: &Map<String, Value>, key: &str| object.get(key).cloned();
    ours.keys().chain(theirs.keys()).find_map(|key| {
        let [ours, theirs] = [ours, theirs].map(|object| value(object, key).unwrap_or_default());
        difference(&format!("{name}.{key}"), &ours, &theirs)
    })
}

fn holds(records: &[RunRecord], run: &RunKey) -> bool {
    records.iter().any(|record| RunKey::of(record) == *run)
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("settings are plain data")
}
