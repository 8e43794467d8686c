//! Saving the finetuned models of a study.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use encoders::{Classifier, ProblemType, SaveDtype, SaveFormat, SaveOptions};
use files::{FileError, NewFolder};
use study::record::{MODELS, RunRecord, SavedModel, Saving};
use study::{CardFacts, model_card};
use tasks::Outputs;

use crate::error::FinetuneError;
use crate::setup::{Setup, names_of_outputs};

/// Which finetuned models a session saves, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveModels {
    /// Which of them.
    pub saving: Saving,
    /// The type of their weights.
    pub dtype: SaveDtype,
    /// The file of their weights.
    pub format: SaveFormat,
    /// The name of the data, for their cards.
    pub data: String,
    /// The command that repeats the runs, for their cards.
    pub command: String,
}

/// Saves the models of runs as they end, from several threads.
pub(crate) struct Saver<'a> {
    setup: &'a Setup,
    models: Option<&'a SaveModels>,
    /// The study's folder.
    folder: &'a Path,
    /// The recorded runs whose models are there.
    saved: Mutex<Vec<RunRecord>>,
}

impl<'a> Saver<'a> {
    /// Finds the models of the `records` that are there, among which the best are chosen, and whether others can be written. What a
    /// killed process has left half-written is removed, unless this one is `among_others` that may be writing.
    pub(crate) fn open(
        setup: &'a Setup,
        models: Option<&'a SaveModels>,
        folder: &'a Path,
        records: &[RunRecord],
        among_others: bool,
    ) -> Result<Self, FinetuneError> {
        if models.is_some() {
            let place = folder.join(MODELS);
            // An error now costs less than one after the first run.
            drop(NewFolder::begin(&place.join("model"))?);
            if !among_others {
                files::remove_unfinished(&place)?;
            }
        }
        let saved = records.iter().filter(|run| run.has_model(folder));
        Ok(Self {
            setup,
            models,
            folder,
            saved: Mutex::new(saved.cloned().collect()),
        })
    }

    /// Saves the model of a run that is about to be recorded, if it is among those to save.
    pub(crate) fn save(
        &self,
        model: &Classifier,
        run: &mut RunRecord,
    ) -> Result<(), FinetuneError> {
        let Some(models) = self.models else {
            return Ok(());
        };
        let is_wanted = match models.saving {
            Saving::All => true,
            Saving::Best => {
                let saved = self.saved();
                let mut others = saved.iter().filter(|other| other.is_repeated_by(run));
                others.all(|other| run.is_better_than(other))
            }
        };
        let name = run.settings.file_name(run.arm, run.seed);
        let place = format!("{MODELS}/{name}");
        if !is_wanted {
            // A process that was killed before it recorded the run may have left its model.
            files::remove_folder(&self.folder.join(place))?;
            return Ok(());
        }
        run.saved_model = Some(SavedModel {
            folder: place.clone(),
            saving: models.saving,
        });
        let problem = self.problem();
        let labels = match &problem {
            ProblemType::SingleLabelClassification(labels) => Some(labels.as_slice()),
            ProblemType::Regression => None,
        };
        // Of a burnpack, transformers reads nothing at all.
        let is_safetensors = models.format == SaveFormat::Safetensors;
        let reading = self.setup.snapshot.config().without_class();
        let reading = reading.filter(|_| is_safetensors);
        let facts = CardFacts {
            labels,
            only_label: labels.and_then(|labels| self.label_of(run.only_class.as_deref()?, labels)),
            data: &models.data,
            command: &models.command,
            weights: models.format.file_name(),
            dtype: models.dtype.name(),
            library: match (models.format, reading) {
                (SaveFormat::Safetensors, None) => "transformers",
                (SaveFormat::Safetensors, Some(_)) | (SaveFormat::Burnpack, _) => "burn",
            },
            reading,
        };
        let options = SaveOptions {
            card: model_card(run, &facts),
            problem: problem.clone(),
            dtype: models.dtype,
            format: models.format,
            max_length: self.setup.max_length()?,
        };
        self.setup
            .snapshot
            .save_classifier(model, self.folder.join(place), &options)?;
        Ok(())
    }

    /// Removes the models that a run, now on disk, has replaced as the best of its arm.
    pub(crate) fn recorded(&self, run: &RunRecord) -> Result<(), FileError> {
        if !run.has_model(self.folder) {
            return Ok(());
        }
        let mut saved = self.saved();
        saved.push(run.clone());
        let repeated = saved.iter().filter(|other| other.is_repeated_by(run));
        remove_replaced(&repeated.collect::<Vec<_>>(), self.folder)?;
        saved.retain(|run| run.has_model(self.folder));
        Ok(())
    }

    /// The label of a class of the task, which records know by the task's own name.
    fn label_of<'l>(&self, class: &str, labels: &'l [String]) -> Option<&'l str> {
        match self.setup.data.task.outputs() {
            Outputs::Score { .. } => None,
            Outputs::Classes(names) => {
                let at = names.iter().position(|name| name == class)?;
                labels.get(at).map(String::as_str)
            }
        }
    }

    fn saved(&self) -> MutexGuard<'_, Vec<RunRecord>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the models predict: for GLUE's tasks the hub's names of the classes.
    fn problem(&self) -> ProblemType {
        let task = &self.setup.data.task;
        match task.outputs() {
            Outputs::Score { .. } => ProblemType::Regression,
            Outputs::Classes(_) => {
                let names = names_of_outputs(task).into_iter();
                let last = |mut names: Vec<String>| names.pop().unwrap_or_default();
                ProblemType::SingleLabelClassification(names.map(last).collect())
            }
        }
    }
}

/// Removes the models that were saved as the best of their arms and are not, among recorded runs whose models are there.
pub(crate) fn remove_replaced(saved: &[&RunRecord], folder: &Path) -> Result<(), FileError> {
    // A model that was saved for itself stays, also where another is better.
    let replaced = saved.iter().filter_map(|run| {
        let model = run.saved_model.as_ref()?;
        let mut others = saved.iter().filter(|other| other.is_repeated_by(run));
        let is_replaced = others.any(|other| other.is_better_than(run));
        (model.saving == Saving::Best && is_replaced).then(|| folder.join(&model.folder))
    });
    for folder in replaced {
        files::remove_folder(&folder)?;
    }
    Ok(())
}

/// The recorded runs whose models are gone though they are among those to save.
///
/// Of every run that is wanted, or of the best one of each arm that has none in the study's folder.
pub(crate) fn without_models<'a>(
    saving: Saving,
    records: &'a [RunRecord],
    folder: &Path,
) -> Vec<&'a RunRecord> {
    let mut wanted: Vec<&RunRecord> = match saving {
        Saving::All => records.iter().filter(|run| run.failed.is_none()).collect(),
        Saving::Best => study::record::best_runs(records),
    };
    wanted.retain(|run| !run.has_model(folder));
    wanted
}
