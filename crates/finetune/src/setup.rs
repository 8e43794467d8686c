//! What every run of a study shares: its settings, the pretrained model, the data, the device.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use encoders::{LoadedClassifier, Role, Snapshot};
use noisytune_burn::{NoisyTune, NoisyTuneError};
use study::plan::{self, PlannedStudy, RunKey, RunRecipe};
use study::record::{Headline, HeldOutRows, ModelRecord, NoiseSummary, PredictionsFile, Settings};
use study::{Draw, GridPoint, Head, Method, NoiseSelection, Recipe, StudyConfig, StudyKind};
use tasks::{Outputs, Predictions, Targets, Task};

use crate::checkpoint;
use crate::data::{Examples, TaskData};
use crate::error::FinetuneError;
use crate::held_out::HeldOutExamples;
use crate::methods::{self, Start};
use crate::subset::{self, subset};
use crate::trainer::Trainer;

/// A study's settings with its model and data, read and checked. Cheap to clone: each device has one.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) config: StudyConfig,
    pub(crate) data: Arc<TaskData>,
    pub(crate) model: ModelRecord,
    pub(crate) device: Device,
    /// Those that share the batches of a run with it.
    pub(crate) replicas: Vec<Device>,
    /// The training rows apart, if recipes are looked for on a grid.
    tuning: Option<Arc<HeldOutExamples>>,
    /// What a user should know about the model and the data, one line each.
    pub(crate) notes: Vec<String>,
    pub(crate) snapshot: Snapshot,
    /// The order of the outputs of the checkpoint's head, where it is kept.
    own_head: Option<Vec<usize>>,
    pub(crate) device_name: String,
    /// Of all devices that the session's runs may be on, if there are several.
    pub(crate) device_names: Arc<[String]>,
}

impl Setup {
    /// Reads model and data, and checks everything that can be checked before training.
    pub(crate) fn open(
        config: StudyConfig,
        task: Task,
        model: &Path,
        device: &Device,
        device_name: &str,
    ) -> Result<Self, FinetuneError> {
        config.validate()?;
        let mut snapshot = Snapshot::open(model)?;
        if let Some(pooling) = config.recipe.classifier_pooling {
            snapshot = snapshot.with_classifier_pooling(match pooling {
                study::ClassifierPooling::Cls => encoders::ClassifierPooling::Cls,
                study::ClassifierPooling::Mean => encoders::ClassifierPooling::Mean,
            })?;
        }
        if config.recipe.fresh_pooler {
            snapshot = snapshot.with_fresh_pooler()?;
        }
        let tokenizer = snapshot.tokenizer(config.recipe.max_length)?;
        let mut notes = tokenizer.notes().to_vec();
        let own_head = match config.recipe.head {
            Head::Fresh => {
                notes.extend(snapshot.classifier_notes(task.outputs().count(), device)?);
                None
            }
            Head::Checkpoint => {
                let head = snapshot.own_head(&names_of_outputs(&task), device)?;
                notes.extend(head.notes);
                Some(head.order)
            }
        };
        let data = TaskData::read(
            task,
            &tokenizer,
            snapshot.config().pad_token_id(),
            config.max_train_samples,
            config.max_eval_samples,
        )?;
        notes.extend(data.notes.iter().cloned());
        notes.extend(plan::undecided(&config, data.train.len())?);
        if config.varies(Draw::Subset) {
            let runs = plan::runs(&plan::plan(&config, data.train.len()));
            let counts: BTreeSet<usize> = (runs.iter().filter(|run| !run.is_tuning))
                .map(|run| run.train_rows)
                .collect();
            for count in counts {
                subset::check(&data.train, count)?;
            }
        }
        let tuning = match config.studies.contains(&StudyKind::Baseline) {
            true => Some(Arc::new(HeldOutExamples::of(
                &data.train,
                &config.tuning(),
            )?)),
            false => None,
        };
        let record = ModelRecord {
            name: model
                .canonicalize()
                .ok()
                .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
                .unwrap_or_default(),
            sha256: snapshot.weights_sha256()?,
            config: serde_json::to_value(snapshot.config()).expect("a configuration is plain data"),
            tokenizer_sha256: Some(snapshot.tokenizer_sha256()?),
        };
        Ok(Self {
            config,
            snapshot,
            own_head,
            data: Arc::new(data),
            tuning,
            model: record,
            device: device.clone().inner(),
            replicas: Vec::new(),
            notes,
            device_name: device_name.to_owned(),
            device_names: Arc::default(),
        })
    }

    /// Reads the task's sets of these names that have no labels, so that every run predicts them.
    pub(crate) fn predict(&mut self, sets: &[&str]) -> Result<(), FinetuneError> {
        let tokenizer = self.snapshot.tokenizer(self.config.recipe.max_length)?;
        let known = self.data.notes.len();
        Arc::make_mut(&mut self.data).read_unlabelled(&tokenizer, sets)?;
        self.notes.extend_from_slice(&self.data.notes[known..]);
        Ok(())
    }

    /// The same on another device.
    pub(crate) fn on(&self, device: &Device, device_name: &str) -> Self {
        Self {
            device: device.clone().inner(),
            device_name: device_name.to_owned(),
            ..self.clone()
        }
    }

    /// The longest sequence that is read, in tokens.
    pub(crate) fn max_length(&self) -> Result<usize, FinetuneError> {
        let most = self.snapshot.usual_max_length()?;
        Ok(self.config.recipe.max_length.min(most))
    }

    /// Number of parameters of the encoder.
    pub(crate) fn num_params(&self) -> usize {
        self.snapshot.config().num_params()
    }

    /// The most that checkpoints of these runs take on disk, with so many runs at the same time.
    pub(crate) fn checkpoint_bytes(&self, runs: &[RunKey], jobs: usize) -> u64 {
        // A value and two moments; RecAdam also keeps where it started, and SMART its teacher.
        let mut methods = runs.iter().map(|run| run.arm.method());
        let has_more = methods.any(|method| method == Method::RecAdam || method.has_teacher());
        checkpoint::most_bytes(self.num_params(), 3 + usize::from(has_more), jobs)
    }

    /// Floating-point operations of the matrix products in a forward pass over a sequence of `length` tokens.
    pub(crate) fn matrix_flops(&self, length: usize) -> f64 {
        self.snapshot.config().matrix_flops(length)
    }

    /// The studies with their points and runs.
    pub(crate) fn plan(&self) -> Vec<PlannedStudy> {
        plan::plan(&self.config, self.data.train.len())
    }

    /// Number of optimizer steps of a run.
    pub(crate) fn steps(&self, run: &RunKey) -> usize {
        let recipe = self.recipe(run);
        recipe.epochs * recipe.steps_per_epoch(run.train_rows)
    }

    /// The hyperparameters of a run. A recipe that has not been chosen yet has the most epochs that it can have.
    pub(crate) fn recipe(&self, run: &RunKey) -> Recipe {
        let own = &self.config.recipe;
        match run.recipe {
            RunRecipe::Study => own.clone(),
            RunRecipe::Grid(point) => point.applied_to(own),
            RunRecipe::BestOf(_) => Recipe {
                epochs: self.config.tuning().epochs.into_iter().max().unwrap_or(1),
                ..own.clone()
            },
        }
    }

    /// What a run is trained on.
    pub(crate) fn train(&self, run: &RunKey) -> Cow<'_, Examples> {
        match self.tuning.as_ref().filter(|_| run.is_tuning) {
            Some(tuning) => Cow::Borrowed(&tuning.train),
            None if self.config.varies(Draw::Subset) => {
                let seed = self.config.seed_of(Draw::Subset, run.seed);
                subset(&self.data.train, run.train_rows, seed)
            }
            None => self.data.train.first(run.train_rows),
        }
    }

    /// What a run is scored on, the set of its headline first.
    pub(crate) fn evaluation_sets(&self, run: &RunKey) -> &[(String, Examples)] {
        match self.tuning.as_ref().filter(|_| run.is_tuning) {
            Some(tuning) => std::slice::from_ref(&tuning.validation),
            None => &self.data.evaluation_sets,
        }
    }

    /// Everything that decides the result of a run, apart from its arm and seed.
    pub(crate) fn settings(&self, run: &RunKey) -> Settings {
        let mut train = self.data.train.provenance.clone();
        let study_rows = std::mem::replace(&mut train.used, run.train_rows);
        Settings {
            task: self.data.task.name().to_owned(),
            lambda: run.lambda,
            study_lambda: run
                .lambda
                .and((run.lambda != Some(self.config.lambda)).then_some(self.config.lambda)),
            noise_selection: match run.arm.has_noise() {
                true => self.config.noise_selection,
                false => NoiseSelection::Everything,
            },
            study_train_rows: (run.train_rows != study_rows).then_some(study_rows),
            vary: self.config.varied_of(run.train_rows == study_rows),
            hyperparameters: run.arm.method().numbers(&self.config.hyperparameters),
            study_grid_point: match run.recipe {
                RunRecipe::Grid(_) => Some(GridPoint::of(&self.config.recipe)),
                RunRecipe::Study | RunRecipe::BestOf(_) => None,
            },
            held_out: run.is_tuning.then(|| HeldOutRows {
                // A recorded run may have had more rows than the study has now.
                rows: study_rows.saturating_sub(run.train_rows),
                seed: self.config.tuning().split_seed,
            }),
            recipe: self.recipe(run),
            model: self.model.clone(),
            train,
            evaluation: self
                .evaluation_sets(run)
                .iter()
                .map(|(name, examples)| (name.clone(), examples.provenance.clone()))
                .collect(),
            headline: Headline {
                set: self.evaluation_sets(run)[0].0.clone(),
                metric: self.data.task.headline().name().to_owned(),
            },
            device: self.device_name.clone(),
        }
    }

    /// The predictions for an evaluation set and its labels, if it has any: classes by name, scores as numbers.
    pub(crate) fn predictions_file(
        &self,
        predictions: &Predictions,
        targets: Option<&Targets>,
    ) -> PredictionsFile {
        let classes = |classes: &[usize]| {
            let name = |class: &usize| match self.data.task.outputs() {
                Outputs::Classes(names) => names[*class].clone(),
                Outputs::Score { .. } => class.to_string(),
            };
            classes.iter().map(name).collect()
        };
        let scores = |scores: &[f32]| scores.iter().map(f32::to_string).collect();
        PredictionsFile {
            predictions: match predictions {
                Predictions::Classes(predicted) => classes(predicted),
                Predictions::Scores(predicted) => scores(predicted),
            },
            labels: match targets {
                None => Vec::new(),
                Some(Targets::Classes(labels)) => classes(labels),
                Some(Targets::Scores(labels)) => scores(labels),
            },
        }
    }

    /// Loads the pretrained model with the noise of a run's arm and the head of its seed or of the checkpoint, without
    /// autodiff.
    ///
    /// # Errors
    /// If something is wrong with the weights, or if the noise would change nothing.
    pub(crate) fn start_model(
        &self,
        run: &RunKey,
    ) -> Result<(LoadedClassifier, Option<NoiseSummary>), FinetuneError> {
        let mut loaded = match &self.own_head {
            None => {
                let outputs = self.data.task.outputs().count();
                let seed = self.config.seed_of(Draw::Head, run.seed);
                self.snapshot.classifier(outputs, seed, &self.device)?
            }
            Some(order) => self
                .snapshot
                .classifier_with_own_head(order, &self.device)?,
        };
        let lambda = run.lambda.unwrap_or(0.0);
        let seed = self.config.seed_of(Draw::Noise, run.seed);
        let mut left_out = loaded.not_pretrained();
        if self.config.noise_selection == NoiseSelection::ExceptTokenEmbeddings {
            let is_table = |role| role == Role::TokenEmbedding;
            let tables = loaded.model.parameters_of("token embeddings", is_table)?;
            left_out.extend(tables.into_iter().map(|table| table.path));
        }
        let noise = match run.arm.noise(lambda, seed, &left_out) {
            None => None,
            Some(config) => {
                let (model, report) = loaded
                    .model
                    .try_noisy_tune(&config)
                    .map_err(NoisyTuneError::from)?;
                loaded.model = model;
                Some(NoiseSummary::of(&report))
            }
        };
        Ok((loaded, noise))
    }

    /// The trainer of a run, before the first of its `steps` steps.
    ///
    /// # Errors
    /// If the model has nothing that the arm's method works on.
    pub(crate) fn trainer(
        &self,
        run: &RunKey,
        loaded: LoadedClassifier,
        steps: usize,
    ) -> Result<Trainer, FinetuneError> {
        let recipe = &self.recipe(run);
        let method = run.arm.method();
        let companion = methods::companion(
            method,
            &Start {
                model: &loaded.model,
                fresh: &loaded.not_pretrained(),
                recipe,
                hyperparameters: &method.numbers(&self.config.hyperparameters),
                steps,
                seed: self.config.seed_of(Draw::Method, run.seed),
            },
        )?;
        let [order, dropout] =
            [Draw::Order, Draw::Dropout].map(|draw| self.config.seed_of(draw, run.seed));
        let trainer = Trainer::new(loaded.model, recipe, steps, dropout, &self.device)?;
        let trainer = trainer.with_order_of(order).with_companion(companion);
        Ok(trainer.with_replicas(self.replicas.iter().cloned()))
    }
}

/// The names of each output of a task: a class's own, and for GLUE the hub's; none for a score.
pub(crate) fn names_of_outputs(task: &Task) -> Vec<Vec<String>> {
    match task.outputs() {
        Outputs::Score { .. } => vec![Vec::new()],
        Outputs::Classes(classes) => {
            let glue = tasks::glue::named(task.name());
            let glue = glue.filter(|glue| glue.outputs == *task.outputs());
            let hub = |index: usize| glue.as_ref()?.hub_classes.get(index).copied();
            let names = |(index, name): (usize, &String)| {
                let hub = hub(index).map(str::to_owned);
                [name.clone()].into_iter().chain(hub).collect()
            };
            classes.iter().enumerate().map(names).collect()
        }
    }
}
