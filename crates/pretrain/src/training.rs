//! The training loop.

use burn::module::Module;
use burn::optim::{GradientsParams, OptimizerRecord};
use burn::tensor::Device;
use encoders::{BertForMaskedLM, Dropouts};
use optimize::{AdamW, clipping_factor, global_norm};

use crate::batches::Batch;
use crate::error::PretrainError;
use crate::recipe::Recipe;

/// A model in pretraining: parameters, moments, number of the next step.
pub struct Trainer {
    /// Away only within a step, so that the optimizer is the parameters' only owner.
    model: Option<BertForMaskedLM>,
    optimizer: AdamW,
    recipe: Recipe,
    device: Device,
    step: usize,
}

/// What one optimizer step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// From 0.
    pub index: usize,
    /// Mean cross-entropy of the masked tokens before the step, in nats.
    pub loss: f64,
    /// Global norm of the gradients before clipping.
    pub gradient_norm: f64,
    /// Of this step.
    pub learning_rate: f64,
    /// Real tokens.
    pub tokens: usize,
    /// Of them, those that were predicted.
    pub masked: usize,
}

impl Trainer {
    /// Starts at step 0 without moments.
    ///
    /// The model may lie on a plain or an autodiff device; training happens with autodiff.
    pub fn new(model: BertForMaskedLM, recipe: &Recipe, device: &Device) -> Self {
        Self {
            model: Some(model.train()),
            optimizer: AdamW::new(recipe.adamw()).expect("the recipe was checked"),
            recipe: recipe.clone(),
            device: device.clone().inner().autodiff(),
            step: 0,
        }
    }

    /// Continues before step `step`, with the moments of a model with the same parameter ids.
    #[must_use]
    pub(crate) fn continued(mut self, moments: OptimizerRecord, step: usize) -> Self {
        self.optimizer = self.optimizer.load_record(moments);
        self.step = step;
        self
    }

    /// The device of the batches.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.step
    }

    /// The model as it is now, for evaluation.
    pub fn model(&self) -> BertForMaskedLM {
        self.present().clone().valid()
    }

    pub(crate) fn moments(&self) -> OptimizerRecord {
        self.optimizer.to_record()
    }

    fn present(&self) -> &BertForMaskedLM {
        self.model
            .as_ref()
            .expect("the model is away only within a step")
    }

    /// Loss and gradients of a batch at the present parameters.
    pub fn gradients(&self, batch: Batch) -> (f64, GradientsParams) {
        // Sites without dropout keep every element, so the key decides nothing then.
        let mut dropouts = Dropouts::keyed(self.recipe.seed, self.step as u64);
        let model = self.present();
        let logits = model.forward(batch.input, batch.places, &mut dropouts);
        let loss = fused::cross_entropy(logits, batch.targets);
        let gradients = GradientsParams::from_grads(loss.backward(), model);
        (f64::from(loss.into_scalar::<f32>()), gradients)
    }

    /// Takes one optimizer step.
    ///
    /// # Errors
    /// [`PretrainError::Diverged`] if the loss is not finite; the parameters stay as they were.
    pub fn step(&mut self, batch: Batch) -> Result<Step, PretrainError> {
        let (tokens, [masked]) = (batch.tokens, batch.targets.dims());
        let (loss, gradients) = self.gradients(batch);
        if !loss.is_finite() {
            return Err(PretrainError::Diverged {
                step: self.step,
                loss,
            });
        }
        let gradient_norm = global_norm(self.present(), &gradients);
        let factor = clipping_factor(gradient_norm, self.recipe.max_gradient_norm)
            .expect("the recipe was checked");
        let learning_rate = self.recipe.schedule().learning_rate(self.step);
        let model = self
            .model
            .take()
            .map(|model| self.optimizer.step(learning_rate, factor, model, gradients));
        self.model = model;
        let step = Step {
            index: self.step,
            loss,
            gradient_norm,
            learning_rate,
            tokens,
            masked,
        };
        self.step += 1;
        Ok(step)
    }
}
