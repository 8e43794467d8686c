//! The training of a masked language model.

use std::path::Path;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use encoders::{BertForMaskedLM, Dropouts};
use optimize::AdamW;
use training::{BatchGradients, Counters, LossScale, Pass, Stepper, StepperState};

use crate::batches::Batch;
use crate::error::PretrainError;
use crate::recipe::Recipe;

/// A model in pretraining: its parameters, moments and the number of the next step.
pub struct Trainer {
    stepper: Stepper<BertForMaskedLM, AdamW>,
    seed: u64,
    device: Device,
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
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Real tokens.
    pub tokens: usize,
    /// How many of them were predicted.
    pub masked: usize,
}

impl Trainer {
    /// Starts at step 0 without moments.
    ///
    /// The model may be on a plain or an autodiff device; training happens with autodiff.
    ///
    /// # Errors
    /// [`PretrainError::Setting`].
    pub fn new(
        model: BertForMaskedLM,
        recipe: &Recipe,
        device: &Device,
    ) -> Result<Self, PretrainError> {
        recipe.validate()?;
        let optimizer = AdamW::new(recipe.adamw()).expect("the recipe was checked");
        let schedule = recipe.schedule();
        let stepper = Stepper::new(
            model,
            optimizer,
            move |step| schedule.learning_rate(step),
            recipe.max_gradient_norm,
            LossScale::none(),
        );
        Ok(Self {
            stepper: stepper.expect("the recipe was checked"),
            seed: recipe.seed,
            device: device.clone().inner().autodiff(),
        })
    }

    /// Continues from the state that was written to a folder before step `step`; `model` gives the structure alone.
    ///
    /// # Errors
    /// [`PretrainError::Setting`] or [`PretrainError::Checkpoint`].
    pub(crate) fn continued(
        folder: &Path,
        step: usize,
        model: BertForMaskedLM,
        recipe: &Recipe,
        device: &Device,
    ) -> Result<Self, PretrainError> {
        // One batch per step, none skipped, no loss scale.
        let counters = Counters {
            steps: step,
            skipped: 0,
            passes: step,
            loss_scale: LossScale::none(),
        };
        let state = StepperState::read(folder, counters, model.clone())?;
        let trainer = Self::new(model, recipe, device)?;
        Ok(Self {
            stepper: trainer.stepper.continued(state),
            ..trainer
        })
    }

    /// Writes parameters and moments to a folder.
    pub(crate) fn write(&mut self, folder: &Path) -> Result<(), PretrainError> {
        self.stepper.write(folder)?;
        Ok(())
    }

    /// The device that batches must be on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.stepper.steps()
    }

    /// The model as it is now, for evaluation.
    pub fn model(&mut self) -> BertForMaskedLM {
        self.stepper.model().clone().valid()
    }

    /// Loss and gradients of a batch at the current parameters.
    pub fn gradients(&mut self, batch: Batch) -> (f64, GradientsParams) {
        self.stepper
            .gradients(vec![batch], &mut MaskedWords { seed: self.seed })
    }

    /// Takes one optimizer step.
    ///
    /// # Errors
    /// [`PretrainError::Diverged`] if the loss or the gradient norm is not finite; the parameters stay as they were.
    pub fn step(&mut self, batch: Batch) -> Result<Step, PretrainError> {
        let (tokens, [masked]) = (batch.tokens, batch.targets.dims());
        let mut objective = MaskedWords { seed: self.seed };
        let taken = self.stepper.step(vec![batch], &mut objective)?;
        Ok(Step {
            index: taken.index,
            loss: taken.loss,
            gradient_norm: taken.gradient_norm,
            learning_rate: taken.learning_rate,
            tokens,
            masked,
        })
    }
}

/// Cross-entropy of the masked words, with dropout keyed by this seed.
struct MaskedWords {
    seed: u64,
}

impl BatchGradients<BertForMaskedLM, Batch> for MaskedWords {
    fn examples(&self, batch: &Batch) -> usize {
        let [masked] = batch.targets.dims();
        masked
    }

    fn gradients(
        &mut self,
        model: &BertForMaskedLM,
        batch: Batch,
        pass: Pass,
    ) -> (Tensor<1>, GradientsParams) {
        // Without dropout every element is kept, and the key does not matter.
        let mut dropouts = Dropouts::keyed(self.seed, pass.index as u64);
        let logits = model.forward(batch.input, batch.places, &mut dropouts);
        let loss = fused::cross_entropy(logits, batch.targets);
        let scaled = match pass.scale {
            1.0 => loss.clone(),
            scale => loss.clone() * scale,
        };
        let gradients = GradientsParams::from_grads(scaled.backward(), model);
        (loss.inner(), gradients)
    }
}
