//! One run of a study, from the pretrained model to its record.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use encoders::LoadedClassifier;
use noisytune_burn::NoisyTune;

use crate::arms::Start;
use crate::error::FinetuneError;
use crate::evaluation::evaluate;
use crate::jobs::Shared;
use crate::measure::Course;
use crate::plan::RunKey;
use crate::progress::{Progress, RunPlan};
use crate::record::{EpochRecord, Machine, NoiseSummary, RunRecord, Versions};
use crate::study::Study;
use crate::training::Trainer;

impl Study {
    /// Optimizer steps of a run.
    pub(crate) fn steps(&self, run: &RunKey) -> usize {
        let recipe = &self.config().recipe;
        recipe.epochs * recipe.steps_per_epoch(run.train_rows)
    }

    /// Loads the pretrained model as a run's arm wants it, on the plain device.
    ///
    /// # Errors
    /// Whatever is wrong with the weights, or if the noise would change nothing.
    pub(crate) fn start_model(
        &self,
        run: &RunKey,
    ) -> Result<(LoadedClassifier, Option<NoiseSummary>), FinetuneError> {
        let mut loaded = self.load(run.seed)?;
        let lambda = run.lambda.unwrap_or(0.0);
        let noise = match run.arm.noise(lambda, run.seed, &loaded.not_pretrained()) {
            None => None,
            Some(config) => {
                let (model, report) = loaded.model.try_noisy_tune(&config)?;
                loaded.model = model;
                Some(NoiseSummary::of(&report))
            }
        };
        Ok((loaded, noise))
    }

    /// A run's trainer before the first of `steps` steps.
    ///
    /// # Errors
    /// Where the model has nothing that the arm's method works on.
    pub(crate) fn trainer(
        &self,
        run: &RunKey,
        loaded: LoadedClassifier,
        steps: usize,
    ) -> Result<Trainer, FinetuneError> {
        let recipe = &self.config().recipe;
        let companion = run.arm.companion(&Start {
            model: &loaded.model,
            fresh: &loaded.not_pretrained(),
            recipe,
            hyperparameters: &run.arm.hyperparameters(&self.config().hyperparameters),
            steps,
            seed: run.seed,
        })?;
        let trainer = Trainer::new(loaded.model, recipe, steps, run.seed, self.device());
        Ok(trainer.with_companion(companion))
    }

    /// Trains and scores one run; a loss that stops being a number is a failed run, not an error.
    pub(crate) fn run_one(
        &self,
        run: &RunKey,
        jobs: usize,
        shared: &Shared<'_, impl Progress>,
    ) -> Result<RunRecord, FinetuneError> {
        let steps = self.steps(run);
        let settings = self.settings(run);
        shared.run_started(&RunPlan {
            run: *run,
            label: settings.label(run.arm),
            steps,
        });
        let started = Instant::now();
        let (loaded, noise) = self.start_model(run)?;
        let mut course = Course::new(steps, loaded.model.clone())?;
        let mut trainer = self.trainer(run, loaded, steps)?;

        let (data, recipe) = (self.data(), &self.config().recipe);
        let train = data.train.first(run.train_rows);
        let mut epochs = Vec::with_capacity(recipe.epochs);
        let mut dev_predictions = Vec::new();
        let mut skipped_steps = 0;
        let mut failed = None;
        for epoch in 1..=recipe.epochs {
            let trained = trainer.epoch(epoch, &train, data.pad_token_id, |trainer, step| {
                course.add(trainer, step)?;
                skipped_steps += usize::from(step.is_skipped);
                shared.step(run, step)
            });
            let trained = match trained {
                Ok(trained) => trained,
                Err(diverged @ FinetuneError::Diverged { .. }) => {
                    failed = Some(diverged.to_string());
                    break;
                }
                Err(other) => return Err(other),
            };
            let scored = evaluate(
                &recipe.precision.lower(trainer.model()),
                &data.dev,
                data.pad_token_id,
                self.device(),
            )?;
            shared.epoch(run, epoch, scored.accuracy);
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
            arm: run.arm,
            seed: run.seed,
            failed,
            dev_accuracy,
            epochs,
            seconds: started.elapsed().as_secs_f64(),
            dev_predictions,
            skipped_steps,
            curve: course.curve,
            changes: course.changes,
            noise,
            settings,
            versions: Versions::current(),
            machine: Machine::current(jobs),
            finished_unix: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
        })
    }
}
