//! A study with its model and data: trains the missing runs, records them, and summarises all.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use burn::tensor::Device;
use study::plan::{self, PlannedStudy, RunKey, RunRecipe};
use study::record::{ModelRecord, RunFiles, RunLog, RunRecord, Settings};
use study::{Arm, Method, Preregistration, Shard, StudyConfig, StudySummary};
use tasks::Task;

use crate::checkpoint::{self, checkpoints_of};
use crate::data::TaskData;
use crate::error::FinetuneError;
use crate::jobs;
use crate::precision;
use crate::progress::{Progress, StudyStart};
use crate::run::{Keeping, run_one};
use crate::saving::{SaveModels, Saver, without_models};
use crate::setup::Setup;
use crate::shards::known;

/// A study ready to run.
#[derive(Clone, Debug)]
pub struct Session {
    setup: Setup,
    /// Other devices with their names, each of which has runs of its own.
    elsewhere: Vec<(Device, String)>,
    jobs: usize,
    models: Option<SaveModels>,
    checkpoint_every: Option<Duration>,
}

impl Session {
    /// Reads model and data, and checks everything that can be checked before training.
    ///
    /// # Errors
    /// If something is wrong with the configuration, the snapshot or the task's files.
    pub fn open(
        config: StudyConfig,
        task: Task,
        model: &Path,
        device: &Device,
        device_name: &str,
    ) -> Result<Self, FinetuneError> {
        config.validate()?;
        precision::check(config.recipe.precision, device)?;
        Self::open_to_merge(config, task, model, device, device_name)
    }

    /// The same for [`merge`](Self::merge), which trains nothing: `device` is any that can read the model, and `device_name`
    /// that of the runs.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_to_merge(
        config: StudyConfig,
        task: Task,
        model: &Path,
        device: &Device,
        device_name: &str,
    ) -> Result<Self, FinetuneError> {
        Ok(Self {
            setup: Setup::open(config, task, model, device, device_name)?,
            elsewhere: Vec::new(),
            jobs: 1,
            models: None,
            checkpoint_every: None,
        })
    }

    /// Sets the model's name in the records. The default is the name of its folder, which in a download cache is only
    /// the commit.
    pub fn with_model_name(mut self, name: &str) -> Self {
        self.setup.model.name = name.to_owned();
        self
    }

    /// Trains so many runs at the same time, each on its share of the threads; the default is 1.
    ///
    /// In the records, only the order of the runs and their times depend on it.
    pub fn with_jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.jobs = jobs.get();
        self
    }

    /// Trains runs on these devices too, with the names that their records have: one run at a time on each, and the next
    /// run on the first that is free. Overrides [`with_jobs`](Self::with_jobs).
    ///
    /// In the records, only the order of the runs, their devices and their times depend on it, as far as the devices compute
    /// the same.
    #[must_use]
    pub fn with_other_devices(mut self, others: &[(Device, String)]) -> Self {
        let names = others.iter().map(|(_, name)| name.clone());
        let own = self.setup.device_name.clone();
        self.setup.device_names = std::iter::once(own).chain(names).collect();
        self.elsewhere = others.to_vec();
        self.jobs = 1 + self.elsewhere.len();
        self
    }

    /// Trains every run on these devices too: they and the session's own share the batches of a step, in turn. The name
    /// given to [`open`](Self::open) should tell all.
    ///
    /// The records are those of the session's device alone, bit for bit as far as the devices compute the same: what
    /// [`Recipe::gradient_accumulation`](study::Recipe::gradient_accumulation) accumulates there is summed over the devices here.
    ///
    /// # Errors
    /// [`FinetuneError::Replicas`] if a step has fewer batches than there are devices, or if the method of an arm keeps
    /// tensors.
    pub fn with_replicas(mut self, others: Vec<Device>) -> Result<Self, FinetuneError> {
        let devices = 1 + others.len();
        let batches = self.setup.config.recipe.gradient_accumulation;
        if batches < devices {
            return Err(FinetuneError::Replicas(format!(
                "{batches} {} per step, expected at least one for each of {devices} devices",
                if batches == 1 { "batch" } else { "batches" }
            )));
        }
        let runs = plan::runs(&self.setup.plan());
        let keeps = |arm: &Arm| {
            matches!(arm.method(), Method::Mixout | Method::Mixconnect)
                || arm.method().has_teacher()
        };
        if let Some(arm) = runs.iter().map(|run| run.arm).find(keeps) {
            return Err(FinetuneError::Replicas(format!(
                "{} keeps tensors, which are on one device; expected other arms, or a device for each run",
                arm.name()
            )));
        }
        self.setup.replicas = others;
        Ok(self)
    }

    /// Lets every run predict these evaluation sets after its last epoch too, though they have no labels. The
    /// predictions become files beside those of the other sets.
    ///
    /// # Errors
    /// [`FinetuneError::Task`] if the task has no such set or its file cannot be used.
    pub fn with_predictions_of(mut self, sets: &[&str]) -> Result<Self, FinetuneError> {
        self.setup.predict(sets)?;
        Ok(self)
    }

    /// Saves finetuned models in `models` of the study's folder, each in a folder named after its arm and seed.
    ///
    /// Each is a snapshot that [`encoders::Snapshot`] and transformers read, with a model card. The default is to save
    /// none. What was saved before stays, but for a best model that a better one replaces.
    #[must_use]
    pub fn with_saved_models(mut self, models: SaveModels) -> Self {
        self.models = Some(models);
        self
    }

    /// Lets every run write a checkpoint this often, in [`CHECKPOINTS`](crate::CHECKPOINTS) of the study's folder; the
    /// default is to write none.
    ///
    /// One is written too when the run is to stop, and at the end of an epoch if a tenth of the time has passed since the
    /// last. After [`Duration::ZERO`], they are only written there, at the end of every epoch. A run has at most two, and
    /// none once it is recorded. Whatever this is set to, a run with a checkpoint continues from it: its record then
    /// differs in nothing but its times from that of a run without interruption.
    #[must_use]
    pub fn with_checkpoints(mut self, every: Duration) -> Self {
        self.checkpoint_every = Some(every);
        self
    }

    /// How many runs at the same time suit this machine's CPU: one per thread, as long as the parameters, gradients and
    /// optimizer states of all runs fit into 1 GiB.
    ///
    /// Two threads on two runs share nothing and never wait. On one run they wait for each other at every operation,
    /// which costs more the smaller the model is.
    pub fn suited_jobs(&self) -> NonZeroUsize {
        jobs::suited(self.setup.num_params(), rayon::current_num_threads())
    }

    /// The pretrained model.
    pub fn model(&self) -> &ModelRecord {
        &self.setup.model
    }

    /// The study's configuration.
    pub fn config(&self) -> &StudyConfig {
        &self.setup.config
    }

    /// The tokenized task.
    pub fn data(&self) -> &TaskData {
        &self.setup.data
    }

    /// What a user should know about the model and the data, one line each.
    pub fn notes(&self) -> &[String] {
        &self.setup.notes
    }

    /// The studies with their points and runs.
    pub fn plan(&self) -> Vec<PlannedStudy> {
        self.setup.plan()
    }

    pub(crate) fn saves_models(&self) -> bool {
        self.models.is_some()
    }

    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Trains the runs that the folder does not yet hold, and summarises all of them. Records that shards have left become part
    /// of `runs.jsonl`, as by [`merge`](Self::merge).
    ///
    /// A run that diverges is recorded as failed and counts towards no mean; the study continues. Records of runs that
    /// the configuration does not ask for are left alone.
    ///
    /// # Errors
    /// [`StudyError::OtherStudy`](study::StudyError::OtherStudy) if the folder holds runs with other settings,
    /// [`FileError::InUse`](files::FileError::InUse) while another process works on it, [`FinetuneError::Stopped`] if
    /// [`Progress::should_stop`] returns true, and any error that keeps a run from starting, or a record or a model from
    /// being written.
    pub fn run(
        &self,
        folder: &Path,
        progress: &mut (impl Progress + Send),
    ) -> Result<StudySummary, FinetuneError> {
        let (log, _) = self.gather(folder, progress)?;
        let log = self.work(log, folder, None, progress)?;
        self.summarise(&log, folder)
    }

    /// Summarises the recorded runs. The log stays locked until the summary is written.
    pub(crate) fn summarise(
        &self,
        _: &RunLog,
        folder: &Path,
    ) -> Result<StudySummary, FinetuneError> {
        // Read from the file, not from memory, so that the summary does not depend on which runs are new.
        let summary = StudySummary::of(&self.setup.config, &RunLog::read(folder)?, folder)?;
        summary.save(&folder.join("summary.json"))?;
        Ok(summary)
    }

    /// Trains the runs of the study, or of a shard, that no file of the folder holds yet, and adds them to the log.
    pub(crate) fn work(
        &self,
        log: RunLog,
        folder: &Path,
        shard: Option<Shard>,
        progress: &mut (impl Progress + Send),
    ) -> Result<RunLog, FinetuneError> {
        let setup = &self.setup;
        let mut records = known(&log, folder, shard)?;
        let mut runs = self.share(&records, shard);
        let mut missing = without_record(&runs, &records);
        let plan_sha256 = self.file_plan(&log, folder, shard, progress)?;
        setup.data.summary.save(&folder.join("data.json"))?;
        setup.config.save(&folder.join("study.json"))?;
        let checkpoints = checkpoints_of(folder, shard);
        if shard.is_some() {
            let name = |run: &RunKey| setup.settings(run).file_name(run.arm, run.seed);
            let names: Vec<String> = missing.iter().map(name).collect();
            let is_wanted = |name: &str| names.iter().any(|wanted| wanted == name);
            checkpoint::adopt(&checkpoints_of(folder, None), &checkpoints, is_wanted)?;
        }
        checkpoint::tidy(&checkpoints, &records)?;
        let checkpoint_every = self.checkpoint_every.filter(|_| !missing.is_empty());
        if checkpoint_every.is_some() {
            checkpoint::check_place(&checkpoints)?;
        }
        let jobs = self.jobs.min(missing.len()).max(1);
        progress.study_started(&StudyStart {
            runs: runs.len(),
            recorded: runs.len() - missing.len(),
            steps: missing.iter().map(|run| setup.steps(run)).sum(),
            checkpoint_bytes: checkpoint_every.map(|_| setup.checkpoint_bytes(&missing, jobs)),
        });
        for record in &records {
            if runs.contains(&RunKey::of(record)) {
                progress.run_recorded(record);
            }
        }
        let planned = records.iter().filter(|record| !record.is_tuning());
        let planned = planned.filter(|record| runs.contains(&RunKey::of(record)));
        let planned: Vec<RunRecord> = planned.cloned().collect();
        if let Some(models) = &self.models {
            let lost = without_models(models.saving, &planned, folder);
            if !lost.is_empty() {
                progress.models_are_lost(models.saving, &lost);
            }
        }
        let keeping = Keeping {
            jobs,
            folder,
            checkpoints,
            saver: Saver::open(
                setup,
                self.models.as_ref(),
                folder,
                &planned,
                shard.is_some(),
            )?,
            plan_sha256,
            plans: Preregistration::hashes(folder)?.into(),
            checkpoint_every,
        };
        let elsewhere: Vec<Setup> = (self.elsewhere.iter())
            .map(|(device, name)| setup.on(device, name))
            .collect();
        let train = |job: usize, run: &RunKey, shared: &jobs::Shared<'_, _>| {
            let elsewhere = job.checked_sub(1).and_then(|job| elsewhere.get(job));
            run_one(elsewhere.unwrap_or(setup), run, &keeping, shared)
        };
        let mut log = log;
        loop {
            // A recipe is chosen when the tuning runs have ended; one that cannot be chosen leaves its runs unmade.
            missing.retain(|run| !matches!(run.recipe, RunRecipe::BestOf(_)));
            if missing.is_empty() {
                break;
            }
            log = jobs::work_through(jobs, missing, log, progress, train, |record| {
                keeping.saver.recorded(record)?;
                checkpoint::remove(&keeping.checkpoints, record)
            })?;
            records = known(&log, folder, shard)?;
            runs = self.share(&records, shard);
            missing = without_record(&runs, &records);
            if !missing.is_empty() {
                progress.recipes_chosen(&StudyStart {
                    runs: runs.len(),
                    recorded: runs.len() - missing.len(),
                    steps: missing.iter().map(|run| setup.steps(run)).sum(),
                    checkpoint_bytes: checkpoint_every
                        .map(|_| setup.checkpoint_bytes(&missing, jobs)),
                });
            }
        }
        checkpoint::tidy(&keeping.checkpoints, [])?;
        if shard.is_some() {
            self.refuse_unchosen(&runs, &records)?;
        }
        Ok(log)
    }
}

impl Session {
    /// The runs of the study, or a shard's share of them.
    fn share(&self, records: &[RunRecord], shard: Option<Shard>) -> Vec<RunKey> {
        let runs = self.resolved(records);
        match shard {
            None => runs,
            Some(shard) => shard.share(&runs),
        }
    }

    /// The plan of the runs that are still to be made beside these records; once every run has been made, there is nothing left
    /// to plan.
    pub(crate) fn preregistration(
        &self,
        records: &[RunRecord],
        shard: Option<Shard>,
    ) -> Option<Preregistration> {
        let missing = without_record(&self.share(records, shard), records);
        let settings = self.setup.settings(&RunKey {
            recipe: RunRecipe::Study,
            is_tuning: false,
            ..*missing.first()?
        });
        let rows = self.setup.data.train.len();
        Some(Preregistration::of(&self.setup.config, rows, &settings))
    }

    /// Files the plan, if runs are to be made, and returns its hash for their records.
    pub(crate) fn file_plan(
        &self,
        log: &RunLog,
        folder: &Path,
        shard: Option<Shard>,
        progress: &mut impl Progress,
    ) -> Result<Option<String>, FinetuneError> {
        let Some(plan) = self.preregistration(&known(log, folder, shard)?, shard) else {
            return Ok(None);
        };
        let earlier = Preregistration::paths(folder)?;
        let filed = match shard {
            None => plan.file(folder, !log.records().is_empty())?,
            Some(_) => {
                let runs = RunFiles::read(folder)?;
                let [merged, sharded] = [
                    runs.merged().next().is_some(),
                    runs.of_shards().next().is_some(),
                ];
                plan.file_by_shard(folder, merged, sharded)?
            }
        };
        let plans = Preregistration::paths(folder)?;
        if !earlier.is_empty()
            && let Some(extension) = plans.get(earlier.len())
        {
            progress.plan_extended(extension);
        }
        Ok(filed)
    }

    /// The settings that a run has now; on which of several devices it was made changes nothing.
    pub(crate) fn settings(&self, run: &RunKey, records: &[RunRecord]) -> Settings {
        let mut settings = self.setup.settings(run);
        let record = records.iter().find(|record| RunKey::of(record) == *run);
        let recorded = record.map(|record| record.settings.device.as_str());
        let mut others = self.elsewhere.iter().map(|(_, name)| name);
        if let Some(device) = others.find(|name| recorded == Some(name.as_str())) {
            settings.device = device.clone();
        }
        settings
    }
}

/// Those of the runs that no record describes.
fn without_record(runs: &[RunKey], records: &[RunRecord]) -> Vec<RunKey> {
    let missing = runs.iter().filter(|run| !holds(records, run));
    missing.copied().collect()
}

pub(crate) fn holds(records: &[RunRecord], run: &RunKey) -> bool {
    records.iter().any(|record| RunKey::of(record) == *run)
}
