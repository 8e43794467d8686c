//! The forward passes that an objective may ask for.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use encoders::{Classifier, Dropouts, EncoderInput};

use crate::checkpointing::{self, Begun};

/// The forward passes of one training batch.
///
/// The first pass has the dropout masks that plain finetuning would have; every further pass has its own. So an
/// objective that gives its other passes no weight is plain finetuning to the last bit.
pub struct Passes<'a> {
    /// The parameters that get the gradients.
    pub(crate) parameters: &'a Classifier,
    /// The model that is run, made from the parameters.
    pub(crate) model: Classifier,
    pub(crate) input: EncoderInput,
    /// The noise that the method adds to the token embeddings in every pass.
    pub(crate) noise: Option<Tensor<3>>,
    /// Seed and number of the batch; `None` without dropout.
    pub(crate) dropout: Option<(u64, usize)>,
    pub(crate) gradient_checkpointing: bool,
    passed: u64,
    begun: Vec<Begun>,
}

/// The bit from which dropout keys hold the number of the pass; the number of a batch never gets that large.
const FURTHER: u32 = 48;

impl<'a> Passes<'a> {
    pub(crate) fn new(
        parameters: &'a Classifier,
        model: Classifier,
        input: EncoderInput,
        dropout: Option<(u64, usize)>,
    ) -> Self {
        Self {
            parameters,
            model,
            input,
            noise: None,
            dropout,
            gradient_checkpointing: false,
            passed: 0,
            begun: Vec::new(),
        }
    }

    /// Computes the logits.
    ///
    /// # Shapes
    /// - output: `[batch, labels]`
    pub fn logits(&mut self) -> Tensor<2> {
        let noise = self.noise.clone();
        self.pass(noise)
    }

    /// Computes the logits with `perturbation` added to the token embeddings.
    ///
    /// # Shapes
    /// - `perturbation`: as for [`Classifier::forward_perturbed`]
    /// - output: `[batch, labels]`
    pub fn logits_perturbed(&mut self, perturbation: Tensor<3>) -> Tensor<2> {
        let sum = match self.noise.clone() {
            None => perturbation,
            Some(noise) => noise + perturbation,
        };
        self.pass(Some(sum))
    }

    /// Computes the logits of other weights, such as a teacher's. No gradient passes through them to any parameter.
    ///
    /// # Shapes
    /// - output: `[batch, labels]`
    pub fn logits_of(&mut self, other: &Classifier) -> Tensor<2> {
        let mut dropouts = self.next_dropouts();
        let logits = other.forward(self.input.clone(), &mut dropouts);
        logits.detach()
    }

    /// The batch.
    pub fn input(&self) -> &EncoderInput {
        &self.input
    }

    /// The parameters for which gradients of the loss are computed.
    pub fn parameters(&self) -> &Classifier {
        self.parameters
    }

    fn pass(&mut self, perturbation: Option<Tensor<3>>) -> Tensor<2> {
        let mut dropouts = self.next_dropouts();
        if self.gradient_checkpointing {
            let (begun, logits) = Begun::forward(&self.model, &self.input, perturbation, dropouts);
            self.begun.push(begun);
            return logits;
        }
        let input = self.input.clone();
        match perturbation {
            None => self.model.forward(input, &mut dropouts),
            Some(sum) => self.model.forward_perturbed(input, sum, &mut dropouts),
        }
    }

    fn next_dropouts(&mut self) -> Dropouts {
        let pass = self.passed;
        self.passed += 1;
        match self.dropout {
            None => Dropouts::off(),
            Some((seed, batch)) => Dropouts::keyed(seed, batch as u64 | pass << FURTHER),
        }
    }

    /// The gradients of a loss computed from these passes.
    pub(crate) fn gradients(self, loss: Tensor<1>) -> GradientsParams {
        let gradients = loss.backward();
        if self.begun.is_empty() {
            return GradientsParams::from_grads(gradients, self.parameters);
        }
        checkpointing::complete(
            self.begun,
            self.parameters,
            &self.model,
            &self.input,
            gradients,
        )
    }
}
