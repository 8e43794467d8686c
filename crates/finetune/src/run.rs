//! One run of a study, from the pretrained model to its record.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use encoders::Classifier;
use study::plan::RunKey;
use study::record::{
    EpochRecord, EvaluationRecord, FORMAT, Machine, NoiseSummary, PredictionsFile,
    RecordedPredictions, RunRecord, Versions,
};
use tasks::MetricError;
use training::finite;

use crate::batch::Filling;
use crate::course::Course;
use crate::error::FinetuneError;
use crate::evaluation::{Evaluation, evaluate_while, predict_while};
use crate::jobs::Shared;
use crate::precision::lower;
use crate::progress::{Progress, RunStart};
use crate::saving::Saver;
use crate::setup::Setup;
use crate::trainer::Trainer;

/// The results of a run, up to its end or to where it failed.
#[derive(Default)]
struct Outcome {
    epochs: Vec<EpochRecord>,
    /// The predictions after the last of these epochs, by evaluation set.
    predictions: BTreeMap<String, PredictionsFile>,
    skipped_steps: usize,
    noise: Option<NoiseSummary>,
    course: Course,
}

/// Trains and scores one of the `jobs` runs in progress under a plan, and writes its predictions and, if wanted, its model
/// into the study's folder. A run that diverges is a failed run, not an error.
pub(crate) fn run_one(
    setup: &Setup,
    run: &RunKey,
    jobs: usize,
    folder: &Path,
    saver: &Saver<'_>,
    plan_sha256: Option<&str>,
    shared: &Shared<'_, impl Progress>,
) -> Result<RunRecord, FinetuneError> {
    let settings = setup.settings(run);
    shared.run_started(&RunStart {
        run: *run,
        label: settings.label(run.arm),
        steps: setup.steps(run),
    });
    let started = Instant::now();
    let mut outcome = Outcome::default();
    let (model, failed) = match outcome.train(setup, run, shared) {
        Ok(model) => (Some(model), None),
        Err(FinetuneError::Diverged(diverged)) => (None, Some(diverged.to_string())),
        // An undefined correlation has no number to record.
        Err(FinetuneError::Metric(undefined @ MetricError::Undefined { .. })) => {
            (None, Some(undefined.to_string()))
        }
        Err(other) => return Err(other),
    };
    // Scores can all be the same too, but then their correlation is undefined and the run has failed.
    let headline = outcome.predictions.get(&settings.headline.set);
    let only_class = headline.and_then(PredictionsFile::only_class);
    let only_class = only_class.map(str::to_owned);
    let mut predictions = BTreeMap::new();
    for (set, file) in outcome.predictions {
        let path = format!(
            "predictions/{}.{set}.tsv",
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
        epochs: outcome.epochs,
        seconds: started.elapsed().as_secs_f64(),
        predictions,
        only_class,
        saved_model: None,
        skipped_steps: outcome.skipped_steps,
        curve: outcome.course.curve,
        changes: outcome.course.changes,
        noise: outcome.noise,
        settings,
        versions: Versions::current(),
        machine: Machine::current(jobs, rayon::current_num_threads()),
        finished_unix: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        plan_sha256: plan_sha256.map(str::to_owned),
    };
    if let Some(model) = model {
        saver.save(&model, &mut record)?;
    }
    Ok(record)
}

impl Outcome {
    /// Works through the epochs and returns the model. If an error ends it, what it has stored until then is finite and can
    /// be recorded.
    fn train(
        &mut self,
        setup: &Setup,
        run: &RunKey,
        shared: &Shared<'_, impl Progress>,
    ) -> Result<Classifier, FinetuneError> {
        let steps = setup.steps(run);
        let (loaded, noise) = setup.start_model(run)?;
        if let Some(noise) = noise {
            // If the noise makes weights overflow f32, there is no model to train, and JSON has no number for it.
            finite("noise", 0, noise.noise_rms)?;
            self.noise = Some(noise);
        }
        self.course = Course::of(steps, loaded.model.clone())?;
        let mut trainer = setup.trainer(run, loaded, steps)?;
        let (data, recipe) = (&setup.data, &setup.config.recipe);
        let train = data.train.first(run.train_rows);
        for epoch in 1..=recipe.epochs {
            let trained = trainer.epoch(epoch, &train, data.pad_token_id, |trainer, step| {
                self.course.add(trainer, step)?;
                self.skipped_steps += usize::from(step.is_skipped);
                shared.step(run, step)
            })?;
            let last = epoch * steps / recipe.epochs - 1;
            let evaluated = score(setup, &trainer, last, || shared.go_on())?;
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
            self.epochs.push(EpochRecord {
                epoch,
                train_loss: trained.train_loss,
                evaluations: evaluated.iter().map(record).collect(),
                train_seconds: trained.seconds,
            });
            let sets = evaluated.iter().zip(&data.evaluation_sets);
            let files = sets.map(|((set, scored), (_, examples))| {
                let file = setup.predictions_file(&scored.predictions, Some(&examples.targets));
                ((*set).to_owned(), file)
            });
            self.predictions = files.collect();
        }
        let model = lower(recipe.precision, trainer.model());
        for (set, encodings) in &data.unlabelled_sets {
            let filling = Filling::of_evaluation(recipe, data.pad_token_id);
            let predicted = predict_while(
                &model,
                &data.task,
                encodings,
                filling,
                &setup.device,
                || shared.go_on(),
            )?;
            let file = setup.predictions_file(&predicted, None);
            self.predictions.insert(set.clone(), file);
        }
        Ok(trainer.model())
    }
}

/// Scores the model after a step on every evaluation set, in the task's order. The evaluation loss is checked too: if
/// the last step diverges, no training loss shows it.
fn score<'a>(
    setup: &'a Setup,
    trainer: &Trainer,
    step: usize,
    go_on: impl Fn() -> Result<(), FinetuneError>,
) -> Result<Vec<(&'a str, Evaluation)>, FinetuneError> {
    let (data, recipe) = (&setup.data, &setup.config.recipe);
    let model = lower(recipe.precision, trainer.model());
    let filling = Filling::of_evaluation(recipe, data.pad_token_id);
    let sets = data.evaluation_sets.iter().map(|(name, examples)| {
        let scored = evaluate_while(&model, &data.task, examples, filling, &setup.device, &go_on)?;
        finite("evaluation loss", step, scored.loss)?;
        Ok((name.as_str(), scored))
    });
    sets.collect()
}
