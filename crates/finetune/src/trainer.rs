//! The training of one run.

use std::path::Path;
use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use encoders::{Classifier, Role};
use fused::Rows;
use optimize::{AdamW, LinearSchedule};
use serde::{Deserialize, Serialize};
use study::{Precision, Recipe};
use training::{
    BatchGradients, Counters, LossScale, Pass, Replicas, StateError, Stepper, StepperState, Update,
};

use crate::batch::{Batch, Filling};
use crate::data::Examples;
use crate::error::FinetuneError;
use crate::methods::{Companion, EmbeddingNoise, HiddenNoise, Weights};
use crate::objective::{Objective, TaskLoss};
use crate::optimizer::adamw;
use crate::order::epoch_steps;
use crate::passes::Passes;

/// A model trained by a recipe and a method.
///
/// Every random choice depends on the seed, and none on what ran before.
pub struct Trainer {
    stepper: Stepper<Classifier, Box<dyn Update<Classifier>>>,
    forward: Forward,
    device: Device,
    order_seed: u64,
}

/// How a batch goes through the model in training.
struct Forward {
    recipe: Recipe,
    weights: Option<Box<dyn Weights>>,
    embeddings: Option<Box<dyn EmbeddingNoise>>,
    hidden: Option<Box<dyn HiddenNoise>>,
    objective: Box<dyn Objective>,
    seed: u64,
    dropout: bool,
}

/// What one optimizer step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Number of the step, from 0.
    pub index: usize,
    /// Mean loss over the step's examples before the step.
    pub loss: f64,
    /// Global norm of the gradients before clipping.
    pub gradient_norm: f64,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Whether the gradients overflowed and the parameters stayed as they were; only in half precision.
    pub is_skipped: bool,
    /// Number of sentences.
    pub examples: usize,
    /// Number of real tokens.
    pub tokens: usize,
}

/// How far an epoch has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochSoFar {
    /// Optimizer steps taken.
    pub steps: usize,
    /// Sum over the examples of the loss each had when it was trained on.
    pub loss_sum: f64,
    /// Seconds of training.
    pub seconds: f64,
}

/// What one epoch did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Mean over the epoch's examples of the loss each had when it was trained on.
    pub train_loss: f64,
    /// Seconds of training, without evaluation.
    pub seconds: f64,
}

impl Trainer {
    /// Prepares for `steps` optimizer steps.
    ///
    /// The model may be on a plain or an autodiff device; training happens with autodiff.
    ///
    /// # Errors
    /// [`FinetuneError::Study`] if the recipe is not one that [`Recipe::validate`] accepts.
    pub fn new(
        model: Classifier,
        recipe: &Recipe,
        steps: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Self, FinetuneError> {
        recipe.validate()?;
        let schedule = LinearSchedule::new(recipe.learning_rate, steps, recipe.warmup_ratio)
            .expect("the recipe was checked");
        let loss_scale = match recipe.precision {
            Precision::F16 => LossScale::dynamic(),
            Precision::F32 | Precision::Bf16 => LossScale::none(),
        };
        let optimizer: Box<dyn Update<Classifier>> =
            Box::new(AdamW::new(adamw(recipe)).expect("the recipe was checked"));
        let trainer = Self {
            stepper: Stepper::new(
                model,
                optimizer,
                move |step| schedule.learning_rate(step),
                recipe.max_gradient_norm,
                loss_scale,
            )
            .expect("the recipe was checked"),
            forward: Forward {
                recipe: recipe.clone(),
                weights: None,
                embeddings: None,
                hidden: None,
                objective: Box::new(TaskLoss),
                seed,
                dropout: true,
            },
            device: device.clone().inner().autodiff(),
            order_seed: seed,
        };
        Ok(trainer.deferring())
    }

    /// Lets the token embeddings that a step does not look up take it later, if that is possible.
    ///
    /// It is not for an objective that follows the parameters from step to step, nor where
    /// [`Stepper::deferring`] has to do without.
    fn deferring(mut self) -> Self {
        let is_followed = self.forward.objective.teacher().is_some();
        let parameters = self.stepper.model().parameters();
        let mut tables = parameters
            .into_iter()
            .filter(|parameter| parameter.role == Role::TokenEmbedding && !is_followed);
        // A family with two tables would need a look-up for each.
        let table = tables.next().filter(|_| tables.next().is_none());
        let path = table.map(|table| table.path);
        self.stepper = self.stepper.deferring(path.as_deref());
        self
    }

    /// Takes every step at all token embeddings at once, before the first step: the same results to the last bit, for
    /// comparisons.
    #[must_use]
    pub fn with_nothing_deferred(mut self) -> Self {
        self.stepper = self.stepper.deferring(None);
        self
    }

    /// Whether token embeddings that a step does not look up take it later. They do under AdamW on flex, unless the method
    /// follows the parameters from step to step as SMART's teacher does.
    pub fn is_deferring(&self) -> bool {
        self.stepper.is_deferring()
    }

    /// Draws the order of the examples by this seed; the default is the seed of the dropout.
    #[must_use]
    pub fn with_order_of(mut self, seed: u64) -> Self {
        self.order_seed = seed;
        self
    }

    /// Lets an arm's method take part in every step.
    #[must_use]
    pub fn with_companion(mut self, companion: Companion) -> Self {
        self.forward.weights = companion.weights;
        self.forward.embeddings = companion.embeddings;
        self.forward.hidden = companion.hidden;
        if let Some(objective) = companion.objective {
            self.forward.objective = objective;
        }
        if let Some(update) = companion.update {
            self.stepper = self.stepper.with_optimizer(update);
        }
        self.deferring()
    }

    /// Turns dropout off, for comparisons with a reference.
    #[must_use]
    pub fn without_dropout(mut self) -> Self {
        self.forward.dropout = false;
        self
    }

    /// Lets the batches of each step go through replicas on the trainer's device and on these in turn; the sums have the
    /// bits of one device, see [`Replicas`].
    ///
    /// The method must not keep tensors: Mixout's targets and a teacher are on one device.
    #[must_use]
    pub fn with_replicas(mut self, others: impl IntoIterator<Item = Device>) -> Self {
        self.stepper = self.stepper.with_replicas(Replicas::on(others));
        self
    }

    /// The device for the batches.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The device for batch `index` of a step, where there are replicas.
    pub fn device_of(&self, index: usize) -> &Device {
        self.stepper
            .replicas()
            .device_of(index)
            .unwrap_or(&self.device)
    }

    /// The model as it is now, for evaluation.
    pub fn model(&mut self) -> Classifier {
        self.stepper.model().clone().valid()
    }

    /// The factor by which gradients are multiplied until they reach the optimizer; 1 except for f16.
    pub fn loss_scale(&self) -> &LossScale {
        self.stepper.loss_scale()
    }

    /// The mean loss over the examples of several batches at the current parameters, and its gradients times the loss
    /// scale.
    pub fn gradients(&mut self, batches: Vec<Batch>) -> (f64, GradientsParams) {
        self.stepper.gradients(batches, &mut self.forward)
    }

    /// Takes one optimizer step on the mean loss over the examples of several batches.
    ///
    /// # Errors
    /// [`FinetuneError::Diverged`] if the loss or the gradient norm is not finite; the parameters stay as they were.
    pub fn step(&mut self, batches: Vec<Batch>) -> Result<Step, FinetuneError> {
        let examples = batches.iter().map(Batch::examples).sum();
        let tokens = batches.iter().map(|batch| batch.tokens).sum();
        let taken = self.stepper.step(batches, &mut self.forward)?;
        // Nobody else reads the parameters, which brings all of them up to date.
        if !taken.is_skipped && self.forward.objective.teacher().is_some() {
            let parameters = self.stepper.model();
            self.forward.objective.stepped(parameters, taken.index);
        }
        Ok(Step {
            index: taken.index,
            loss: taken.loss,
            gradient_norm: taken.gradient_norm,
            learning_rate: taken.learning_rate,
            is_skipped: taken.is_skipped,
            examples,
            tokens,
        })
    }

    /// Continues with a stored state.
    #[must_use]
    pub fn continued(mut self, state: StepperState<Classifier>) -> Self {
        self.stepper = self.stepper.continued(state);
        self
    }

    /// Continues with the stored weights of the method's teacher, if it has one.
    #[must_use]
    pub fn with_teacher(mut self, teacher: Classifier) -> Self {
        self.forward.objective.set_teacher(teacher);
        self
    }

    /// The weights of the method's teacher, if it has one.
    pub fn teacher(&self) -> Option<&Classifier> {
        self.forward.objective.teacher()
    }

    /// Writes parameters and optimizer state to a folder, and returns the rest of the stepper's state; see
    /// [`Stepper::write`].
    ///
    /// # Errors
    /// [`StateError`].
    pub fn write(&mut self, folder: &Path) -> Result<Counters, StateError> {
        self.stepper.write(folder)
    }

    /// Optimizer steps taken, including skipped ones.
    pub fn steps(&self) -> usize {
        self.stepper.steps()
    }

    /// Takes the steps of one epoch after those that `so_far` has, and passes each to `after` with the epoch so far; an
    /// error from it ends the epoch.
    ///
    /// # Errors
    /// [`FinetuneError::Diverged`], or what `after` returns.
    pub fn epoch(
        &mut self,
        epoch: usize,
        examples: &Examples,
        pad_token_id: u32,
        mut so_far: EpochSoFar,
        mut after: impl FnMut(&mut Self, &Step, &EpochSoFar) -> Result<(), FinetuneError>,
    ) -> Result<Epoch, FinetuneError> {
        let (started, before) = (Instant::now(), so_far.seconds);
        let recipe = &self.forward.recipe;
        let filling = Filling::of(recipe, pad_token_id);
        let steps = epoch_steps(recipe, self.order_seed, epoch, &examples.lengths());
        for step in steps.iter().skip(so_far.steps) {
            let batches = step.iter().enumerate();
            let batches = batches
                .map(|(index, positions)| examples.batch(positions, filling, self.device_of(index)))
                .collect();
            let step = self.step(batches)?;
            so_far.steps += 1;
            so_far.loss_sum += step.loss * step.examples as f64;
            so_far.seconds = before + started.elapsed().as_secs_f64();
            after(self, &step, &so_far)?;
        }
        Ok(Epoch {
            train_loss: so_far.loss_sum / examples.len().max(1) as f64,
            seconds: before + started.elapsed().as_secs_f64(),
        })
    }
}

impl BatchGradients<Classifier, Batch> for Forward {
    fn examples(&self, batch: &Batch) -> usize {
        batch.examples()
    }

    fn rows(&self, batch: &Batch) -> Option<Vec<usize>> {
        Some(batch.input.looked_up())
    }

    fn at_rows(&self, batch: Batch, rows: &Rows) -> Batch {
        Batch {
            input: batch.input.at_rows(rows),
            ..batch
        }
    }

    fn gradients(
        &mut self,
        parameters: &Classifier,
        batch: Batch,
        pass: Pass,
    ) -> (Tensor<1>, GradientsParams) {
        let model = match &self.weights {
            None => parameters.clone(),
            Some(weights) => weights.substitute(parameters, pass.step),
        };
        let noise = self.embeddings.as_ref();
        let noise = noise.map(|embeddings| embeddings.noise(&batch.input, pass.index));
        let mut passes = Passes::new(parameters, model, batch.input, pass.index);
        passes.noise = noise;
        passes.hidden_noise = self.hidden.as_deref();
        passes.dropout = self.dropout.then_some(self.seed);
        passes.precision = self.recipe.precision;
        passes.gradient_checkpointing = self.recipe.gradient_checkpointing;
        passes.scale = pass.scale;
        let loss = self.objective.loss(&mut passes, &batch.targets);
        let gradients = passes.gradients(loss.clone());
        (loss.inner(), gradients)
    }
}
