//! The training loop.

use std::time::Instant;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, FloatDType, Int, Tensor};
use encoders::{BertForSequenceClassification, Dropouts};
use optimize::{AdamW, LinearSchedule, clipping_factor, squared_global_norm};

use crate::arms::{Companion, EmbeddingNoise, Update, Weights};
use crate::checkpointing;
use crate::data::{Batch, Examples};
use crate::error::FinetuneError;
use crate::loss_scale::LossScale;
use crate::order::epoch_steps;
use crate::recipe::Recipe;

/// A model in training: parameters, optimizer state, schedule.
///
/// Every random choice is keyed by the seed, none by what ran before.
pub struct Trainer {
    /// Away only within a step, so that the optimizer is the parameters' only owner.
    model: Option<BertForSequenceClassification>,
    optimizer: Box<dyn Update>,
    weights: Option<Box<dyn Weights>>,
    embeddings: Option<Box<dyn EmbeddingNoise>>,
    schedule: LinearSchedule,
    loss_scale: LossScale,
    recipe: Recipe,
    device: Device,
    seed: u64,
    step: usize,
    /// Steps that the loss scale left out.
    skipped: usize,
    /// Batches that went through the model before this step; each has dropout masks of its own.
    passes: usize,
    dropout: bool,
}

/// What one optimizer step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// From 0.
    pub index: usize,
    /// Mean cross-entropy of the batch before the step.
    pub loss: f64,
    /// Global norm of the gradients before clipping.
    pub gradient_norm: f64,
    /// Of this step.
    pub learning_rate: f64,
    /// Whether the gradients overflowed and the parameters stayed as they were; in half precision only.
    pub is_skipped: bool,
    /// Sentences.
    pub examples: usize,
    /// Real tokens.
    pub tokens: usize,
}

/// What one epoch did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Mean over the epoch's examples of the loss each had when it was trained on.
    pub train_loss: f64,
    /// Of training alone.
    pub seconds: f64,
}

/// The losses of a step's batches, each with its share of the step's examples, still on the device.
#[derive(Default)]
struct MeanLoss(Vec<(Tensor<1>, f64)>);

impl MeanLoss {
    fn add(&mut self, loss: Tensor<1>, share: f64) {
        self.0.push((loss, share));
    }

    /// The mean, and the norm whose square is given (0 without): read at once, because a device that is waited for
    /// has nothing to do afterwards until it is given more.
    fn read_with(self, squared_norm: Option<Tensor<1>>) -> (f64, f64) {
        let (mut numbers, shares): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        numbers.extend(squared_norm);
        let numbers: Vec<f32> = Tensor::cat(numbers, 0)
            .into_data()
            .try_into_vec()
            .expect("losses and norms are f32");
        let (losses, squared_norm) = numbers.split_at(shares.len());
        let losses = losses.iter().map(|loss| f64::from(*loss));
        let mean = losses.zip(shares).map(|(loss, share)| loss * share).sum();
        let norm = squared_norm
            .first()
            .map_or(0.0, |square| f64::from(*square).sqrt());
        (mean, norm)
    }
}

impl Trainer {
    /// Prepares `steps` optimizer steps.
    ///
    /// The model may lie on a plain or an autodiff device; training happens with autodiff.
    pub fn new(
        model: BertForSequenceClassification,
        recipe: &Recipe,
        steps: usize,
        seed: u64,
        device: &Device,
    ) -> Self {
        Self {
            model: Some(model.train()),
            optimizer: Box::new(AdamW::new(recipe.adamw()).expect("the recipe was checked")),
            weights: None,
            embeddings: None,
            schedule: LinearSchedule::new(recipe.learning_rate, steps, recipe.warmup_ratio)
                .expect("the recipe was checked"),
            loss_scale: LossScale::new(recipe.precision),
            recipe: recipe.clone(),
            device: device.clone().inner().autodiff(),
            seed,
            step: 0,
            skipped: 0,
            passes: 0,
            dropout: true,
        }
    }

    /// Lets an arm's method take part in every step.
    #[must_use]
    pub fn with_companion(mut self, companion: Companion) -> Self {
        self.weights = companion.weights;
        self.embeddings = companion.embeddings;
        self.optimizer = companion.update.unwrap_or(self.optimizer);
        self
    }

    /// Turns dropout off, for comparisons with a reference.
    #[must_use]
    pub fn without_dropout(mut self) -> Self {
        self.dropout = false;
        self
    }

    /// The device of the batches.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The model as it is now, for evaluation.
    pub fn model(&self) -> BertForSequenceClassification {
        self.present().clone().valid()
    }

    fn present(&self) -> &BertForSequenceClassification {
        self.model
            .as_ref()
            .expect("the model is away only within a step")
    }

    /// What the gradients are multiplied by until they reach the optimizer; 1 but for f16.
    pub fn loss_scale(&self) -> &LossScale {
        &self.loss_scale
    }

    /// Loss of a batch at the present parameters, and its gradients times the loss scale.
    pub fn gradients(&self, batch: Batch) -> (f64, GradientsParams) {
        self.accumulated_gradients(vec![batch])
    }

    /// The mean loss of the examples of several batches, and its gradients times the loss scale.
    pub fn accumulated_gradients(&self, batches: Vec<Batch>) -> (f64, GradientsParams) {
        let (loss, gradients) = self.losses_and_gradients(batches);
        let (loss, _) = loss.read_with(None);
        (loss, gradients)
    }

    /// [`accumulated_gradients`](Self::accumulated_gradients) with the loss still on the device.
    fn losses_and_gradients(&self, batches: Vec<Batch>) -> (MeanLoss, GradientsParams) {
        let mut loss = MeanLoss::default();
        let batches = match <[Batch; 1]>::try_from(batches) {
            Ok([batch]) => {
                let (own, gradients) = self.pass(batch, self.passes, 1.0);
                loss.add(own, 1.0);
                return (loss, gradients);
            }
            Err(batches) => batches,
        };
        let total: usize = batches.iter().map(Batch::examples).sum();
        let mut sum = GradientsAccumulator::new();
        for (index, batch) in batches.into_iter().enumerate() {
            let share = batch.examples() as f64 / total as f64;
            let (own, gradients) = self.pass(batch, self.passes + index, share);
            loss.add(own, share);
            sum.accumulate(self.present(), gradients);
        }
        (loss, sum.grads())
    }

    /// Loss of a batch, and the gradients of its share of the step's loss, times the loss scale.
    fn pass(&self, batch: Batch, pass: usize, share: f64) -> (Tensor<1>, GradientsParams) {
        let mut dropouts = if self.dropout {
            Dropouts::keyed(self.seed, pass as u64)
        } else {
            Dropouts::off()
        };
        let parameters = self.present();
        let model = match &self.weights {
            None => parameters.clone(),
            Some(weights) => weights.substitute(parameters, self.step),
        };
        let model = self.recipe.precision.lower(model);
        let noise = self.embeddings.as_ref();
        let noise = noise.map(|embeddings| embeddings.noise(&batch.input, pass));
        let scale = share * self.loss_scale.value();
        let mut loss = None;
        let backward = |logits| {
            let mean = mean_cross_entropy(logits, batch.labels);
            loss = Some(mean.clone());
            if scale == 1.0 {
                mean.backward()
            } else {
                (mean * scale).backward()
            }
        };
        let gradients = if self.recipe.gradient_checkpointing {
            checkpointing::gradients(parameters, &model, batch.input, noise, dropouts, backward)
        } else {
            let logits = match noise {
                None => model.forward(batch.input, &mut dropouts),
                Some(noise) => model.forward_perturbed(batch.input, noise, &mut dropouts),
            };
            GradientsParams::from_grads(backward(logits), parameters)
        };
        let loss = loss.expect("the backward pass begins at the loss");
        (loss.inner(), gradients)
    }

    /// Takes one optimizer step.
    ///
    /// # Errors
    /// [`FinetuneError::Diverged`] if the loss is not finite; the parameters stay as they were.
    pub fn step(&mut self, batch: Batch) -> Result<Step, FinetuneError> {
        self.accumulated_step(vec![batch])
    }

    /// Takes one optimizer step on the mean loss of the examples of several batches.
    ///
    /// # Errors
    /// [`FinetuneError::Diverged`] if the loss is not finite; the parameters stay as they were.
    pub fn accumulated_step(&mut self, batches: Vec<Batch>) -> Result<Step, FinetuneError> {
        let examples = batches.iter().map(Batch::examples).sum();
        let tokens = batches.iter().map(|batch| batch.tokens).sum();
        let passes = batches.len();
        let (loss, gradients) = self.losses_and_gradients(batches);
        let (loss, gradient_norm) = loss.read_with(squared_global_norm(self.present(), &gradients));
        if !loss.is_finite() {
            return Err(FinetuneError::Diverged {
                step: self.step,
                loss,
            });
        }
        let scale = self.loss_scale.value();
        let gradient_norm = gradient_norm / scale;
        // A step that is left out counts in neither the schedule nor the optimizer.
        let learning_rate = self.schedule.learning_rate(self.step - self.skipped);
        let is_skipped = !self.loss_scale.accepts(gradient_norm);
        if is_skipped {
            self.skipped += 1;
        } else {
            let factor = clipping_factor(gradient_norm, self.recipe.max_gradient_norm)
                .expect("the recipe was checked")
                / scale;
            let model = self.model.take();
            self.model =
                model.map(|model| self.optimizer.step(learning_rate, factor, model, gradients));
        }
        let step = Step {
            index: self.step,
            loss,
            gradient_norm,
            learning_rate,
            is_skipped,
            examples,
            tokens,
        };
        self.step += 1;
        self.passes += passes;
        Ok(step)
    }

    /// Takes the steps of one epoch and hands each to `after`, whose error ends it.
    ///
    /// # Errors
    /// [`FinetuneError::Diverged`], or what `after` returns.
    pub fn epoch(
        &mut self,
        epoch: usize,
        examples: &Examples,
        pad_token_id: u32,
        mut after: impl FnMut(&Self, &Step) -> Result<(), FinetuneError>,
    ) -> Result<Epoch, FinetuneError> {
        let started = Instant::now();
        let filling = self.recipe.filling(pad_token_id);
        let mut total = 0.0;
        let steps = epoch_steps(&self.recipe, self.seed, epoch, &examples.lengths());
        for step in &steps {
            let batches = step
                .iter()
                .map(|positions| examples.batch(positions, filling, &self.device))
                .collect();
            let step = self.accumulated_step(batches)?;
            total += step.loss * step.examples as f64;
            after(self, &step)?;
        }
        Ok(Epoch {
            train_loss: total / examples.len().max(1) as f64,
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

/// Mean cross-entropy of logits `[batch, labels]` against classes `[batch]`.
pub(crate) fn mean_cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    // Half precision would lose most of a small loss.
    let logits = logits.cast(FloatDType::F32);
    CrossEntropyLossConfig::new()
        .init(&logits.device())
        .forward(logits, labels)
}
