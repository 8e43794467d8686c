//! One run of a study, from the pretrained model to its record.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use burn::tensor::Tensor;
use encoders::Classifier;
use study::plan::RunKey;
use study::record::{
    EpochRecord, EvaluationRecord, FORMAT, Machine, NoiseSummary, PredictionsFile,
    RecordedPredictions, RunRecord, Versions,
};
use tasks::MetricError;
use training::{Diverged, finite};

use crate::batch::Filling;
use crate::checkpoint::{Checkpoints, RunState};
use crate::course::Course;
use crate::error::FinetuneError;
use crate::evaluation::{Evaluation, evaluate_while, predict_while};
use crate::jobs::Shared;
use crate::lost_device::unless_lost;
use crate::precision::lower;
use crate::progress::{Progress, RunStart};
use crate::saving::Saver;
use crate::setup::Setup;
use crate::trainer::{EpochSoFar, Step, Trainer};

/// The folder of the files of predictions in a study's folder.
pub(crate) const PREDICTIONS: &str = "predictions";

/// The results of a run, up to its end or to where it failed.
struct Outcome {
    state: RunState,
    noise: Option<NoiseSummary>,
    started: Instant,
    /// Seconds of the processes that it continues, up to their checkpoints.
    earlier: f64,
}

/// What the runs of a study in its folder have in common.
pub(crate) struct Keeping<'a> {
    /// Runs in progress at the same time.
    pub(crate) jobs: usize,
    pub(crate) folder: &'a Path,
    /// The folder of all checkpoints.
    pub(crate) checkpoints: PathBuf,
    pub(crate) saver: Saver<'a>,
    pub(crate) plan_sha256: Option<String>,
    /// The hashes of all plans of the study.
    pub(crate) plans: Arc<[String]>,
    /// `None` without checkpoints.
    pub(crate) checkpoint_every: Option<Duration>,
}

/// Trains and scores a run of a study, and writes its predictions and, if wanted, its model
/// into the study's folder. A run that diverges is a failed run, not an error.
pub(crate) fn run_one(
    setup: &Setup,
    run: &RunKey,
    keeping: &Keeping<'_>,
    shared: &Shared<'_, impl Progress>,
) -> Result<RunRecord, FinetuneError> {
    unless_lost(setup, || train_and_record(setup, run, keeping, shared))
}

fn train_and_record(
    setup: &Setup,
    run: &RunKey,
    keeping: &Keeping<'_>,
    shared: &Shared<'_, impl Progress>,
) -> Result<RunRecord, FinetuneError> {
    let Keeping {
        jobs,
        folder,
        checkpoints,
        saver,
        plan_sha256,
        plans,
        checkpoint_every,
    } = keeping;
    let settings = setup.settings(run);
    shared.run_started(&RunStart {
        run: *run,
        label: settings.label(run.arm),
        steps: setup.steps(run),
    });
    let mut checkpoints = Checkpoints::of(
        setup,
        run,
        checkpoints,
        plan_sha256.as_deref(),
        plans,
        *checkpoint_every,
    );
    let mut outcome = Outcome {
        state: RunState::default(),
        noise: None,
        started: Instant::now(),
        earlier: 0.0,
    };
    let (model, failed) = match outcome.train(setup, run, &mut checkpoints, shared) {
        Ok(model) => (Some(model), None),
        Err(FinetuneError::Diverged(diverged)) => (None, Some(diverged.to_string())),
        // An undefined correlation has no number to record.
        Err(FinetuneError::Metric(undefined @ MetricError::Undefined { .. })) => {
            (None, Some(undefined.to_string()))
        }
        Err(other) => return Err(other),
    };
    let seconds = outcome.seconds();
    let Outcome { state, noise, .. } = outcome;
    // Scores can all be the same too, but then their correlation is undefined and the run has failed.
    let headline = state.predictions.get(&settings.headline.set);
    let only_class = headline.and_then(PredictionsFile::only_class);
    let only_class = only_class.map(str::to_owned);
    let mut predictions = BTreeMap::new();
    for (set, file) in state.predictions {
        let path = format!(
            "{PREDICTIONS}/{}.{set}.tsv",
            settings.file_name(run.arm, run.seed)
        );
        file.write(folder, &path)?;
        predictions.insert(set, RecordedPredictions::File(path));
    }
    let mut record = RunRecord {
        format: FORMAT,
        arm: run.arm,
        seed: run.seed,
        failed,
        epochs: state.epochs,
        seconds,
        predictions,
        only_class,
        saved_model: None,
        skipped_steps: state.skipped_steps,
        curve: state.course.curve,
        changes: state.course.changes,
        noise,
        settings,
        versions: Versions::current(),
        machine: Machine::current(*jobs, rayon::current_num_threads()),
        finished_unix: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        plan_sha256: plan_sha256.clone(),
    };
    if let Some(model) = model.filter(|_| !run.is_tuning) {
        saver.save(&model, &mut record)?;
    }
    Ok(record)
}

impl Outcome {
    fn seconds(&self) -> f64 {
        self.earlier + self.started.elapsed().as_secs_f64()
    }

    /// Trains from the start or the latest checkpoint and returns the model. If an error ends it, what it has stored until
    /// then is finite and can be recorded; if it is asked to stop, it writes a checkpoint.
    fn train(
        &mut self,
        setup: &Setup,
        run: &RunKey,
        checkpoints: &mut Checkpoints,
        shared: &Shared<'_, impl Progress>,
    ) -> Result<Classifier, FinetuneError> {
        let steps = setup.steps(run);
        let (mut loaded, noise) = setup.start_model(run)?;
        if let Some(noise) = noise {
            // If the noise makes weights overflow f32, there is no model to train, and JSON has no number for it.
            finite("noise", 0, noise.noise_rms)?;
            self.noise = Some(noise);
        }
        let stored = checkpoints.latest(&loaded.model, |path, reason| {
            shared.checkpoint_unusable(path, reason);
        })?;
        if let Some(found) = &stored {
            loaded.model = found.stepper.with_same_ids(loaded.model);
        }
        let course = Course::of(steps, loaded.model.clone())?;
        let mut trainer = setup.trainer(run, loaded, steps)?;
        if let Some(found) = stored {
            trainer = trainer.continued(found.stepper);
            if let Some(teacher) = found.teacher {
                trainer = trainer.with_teacher(teacher);
            }
            self.earlier = found.state.seconds;
            self.state = found.state;
            shared.run_continues(run, trainer.steps());
        }
        let worked = self.work(setup, run, &course, &mut trainer, checkpoints, shared);
        if let Err(FinetuneError::Stopped) = worked {
            self.store(&mut trainer, checkpoints)?;
        }
        worked?;
        Ok(trainer.model())
    }

    fn store(
        &mut self,
        trainer: &mut Trainer,
        checkpoints: &mut Checkpoints,
    ) -> Result<(), FinetuneError> {
        self.state.seconds = self.seconds();
        checkpoints.store(trainer, &self.state)
    }

    /// Works through what is left of the epochs and predicts the sets without labels.
    fn work(
        &mut self,
        setup: &Setup,
        run: &RunKey,
        course: &Course,
        trainer: &mut Trainer,
        checkpoints: &mut Checkpoints,
        shared: &Shared<'_, impl Progress>,
    ) -> Result<(), FinetuneError> {
        let steps = setup.steps(run);
        let (data, recipe) = (&setup.data, &setup.recipe(run));
        let train = setup.train(run);
        for epoch in self.state.epochs.len() + 1..=recipe.epochs {
            let so_far = self.state.in_epoch;
            let after = |trainer: &mut Trainer, step: &Step, so_far: &EpochSoFar| {
                course.add(&mut self.state.course, trainer, step)?;
                self.state.skipped_steps += usize::from(step.is_skipped);
                self.state.in_epoch = *so_far;
                shared.step(run, step)?;
                match checkpoints.is_due() {
                    true => self.store(trainer, checkpoints),
                    false => Ok(()),
                }
            };
            let trained = trainer.epoch(epoch, &train, data.pad_token_id, so_far, after)?;
            let last = epoch * steps / recipe.epochs - 1;
            let evaluated = score(setup, run, trainer, last, || shared.go_on())?;
            if let Some((_, scored)) = evaluated.first() {
                shared.epoch(run, epoch, scored.headline());
            }
            let record = |(set, scored): &(&str, Evaluation)| {
                let metrics = scored.scores.iter();
                let metrics = metrics.map(|(metric, score)| (metric.name().to_owned(), *score));
                let evaluation = EvaluationRecord {
                    loss: scored.loss,
                    metrics: metrics.collect(),
                };
                ((*set).to_owned(), evaluation)
            };
            self.state.epochs.push(EpochRecord {
                epoch,
                train_loss: trained.train_loss,
                evaluations: evaluated.iter().map(record).collect(),
                train_seconds: trained.seconds,
            });
            let sets = evaluated.iter().zip(setup.evaluation_sets(run));
            let files = sets.map(|((set, scored), (_, examples))| {
                let file = setup.predictions_file(&scored.predictions, Some(&examples.targets));
                ((*set).to_owned(), file)
            });
            self.state.predictions = files.collect();
            self.state.in_epoch = EpochSoFar::default();
            if epoch < recipe.epochs && checkpoints.is_due_after_epoch() {
                self.store(trainer, checkpoints)?;
            }
        }
        let model = lower(recipe.precision, trainer.model());
        let predicted = data.unlabelled_sets.iter().filter(|_| !run.is_tuning);
        for (set, encodings) in predicted {
            let filling = Filling::of_evaluation(recipe, data.pad_token_id);
            let predicted = predict_while(
                &model,
                &data.task,
                encodings,
                filling,
                &setup.device,
                |outputs| {
                    finite_outputs(outputs, steps - 1)?;
                    shared.go_on()
                },
            )?;
            let file = setup.predictions_file(&predicted, None);
            self.state.predictions.insert(set.clone(), file);
        }
        Ok(())
    }
}

/// Checks what the model says after a step about texts without labels: a class can be read off outputs that are not numbers,
/// and there is no loss to tell.
fn finite_outputs(outputs: Tensor<2>, step: usize) -> Result<(), Diverged> {
    let outputs = outputs.into_data().convert::<f32>();
    let mut outputs = outputs.iter::<f32>().map(f64::from);
    outputs.try_for_each(|output| finite("output on an unlabelled set", step, output))
}

/// Scores the model after a step on every evaluation set, in the task's order. The evaluation loss is checked too: if
/// the last step diverges, no training loss shows it.
fn score<'a>(
    setup: &'a Setup,
    run: &RunKey,
    trainer: &mut Trainer,
    step: usize,
    go_on: impl Fn() -> Result<(), FinetuneError>,
) -> Result<Vec<(&'a str, Evaluation)>, FinetuneError> {
    let (data, recipe) = (&setup.data, &setup.config.recipe);
    let model = lower(recipe.precision, trainer.model());
    let filling = Filling::of_evaluation(recipe, data.pad_token_id);
    let sets = setup.evaluation_sets(run).iter().map(|(name, examples)| {
        // Before the predictions are scored, as not every metric takes what is not finite.
        let check = |loss| {
            finite("evaluation loss", step, loss)?;
            go_on()
        };
        let scored = evaluate_while(&model, &data.task, examples, filling, &setup.device, check)?;
        Ok((name.as_str(), scored))
    });
    sets.collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn outputs_that_are_not_numbers_are_a_failure_without_labels_too() {
        let said = |value: f32| {
            let outputs = Tensor::from_data([[0.5, -1.0], [value, 2.0]], &Device::flex());
            finite_outputs(outputs, 7).map_err(|diverged| diverged.to_string())
        };
        assert_eq!(said(-65_504.0), Ok(()));
        let expected = "training diverged: the output on an unlabelled set of step 7 is ";
        assert_eq!(said(f32::NAN), Err(format!("{expected}NaN")));
        assert_eq!(said(f32::NEG_INFINITY), Err(format!("{expected}-inf")));
    }
}
