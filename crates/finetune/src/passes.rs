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

    /// Computes the logits, in the precision of the recipe.
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::module::{Module, ModuleVisitor, Param};
    use burn::tensor::Device;
    use encoders::{Encoding, Snapshot};

    use super::*;
    use crate::batch::BatchTargets;
    use crate::objective::{Objective, TaskLoss, mean_loss};

    /// The task's loss plus the weighted distance of a second pass.
    struct TwoPasses(f64);

    impl Objective for TwoPasses {
        fn loss(&mut self, passes: &mut Passes<'_>, targets: &BatchTargets) -> Tensor<1> {
            let (first, second) = (passes.logits(), passes.logits());
            let apart = (first.clone() - second).powi_scalar(2).mean();
            mean_loss(first, targets) + apart * self.0
        }
    }

    fn model() -> Classifier {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden/tiny/snapshot");
        let snapshot = Snapshot::open(folder).expect("the snapshot opens");
        let loaded = snapshot.classifier(2, 0, &Device::flex());
        loaded.expect("it loads").model.train()
    }

    fn input(device: &Device) -> EncoderInput {
        let encodings = [3_usize, 7, 5].map(|length| Encoding {
            ids: (1..=length as u32).collect(),
            type_ids: vec![0; length],
        });
        EncoderInput::padded(&encodings, 0, 0, device)
    }

    /// The loss and every gradient, as bits.
    fn bits(objective: &mut dyn Objective, gradient_checkpointing: bool) -> (u32, Vec<Vec<u32>>) {
        let device = Device::flex().autodiff();
        let model = model();
        let mut passes = Passes::new(&model, model.clone(), input(&device), Some((3, 5)));
        passes.gradient_checkpointing = gradient_checkpointing;
        let targets = BatchTargets::Classes(Tensor::from_data([0, 1, 1], &device));
        let loss = objective.loss(&mut passes, &targets);
        let value = loss.clone().into_scalar::<f32>().to_bits();
        let gradients = passes.gradients(loss);
        let mut found = Gradients {
            gradients: &gradients,
            bits: Vec::new(),
        };
        model.visit(&mut found);
        (value, found.bits)
    }

    struct Gradients<'a> {
        gradients: &'a GradientsParams,
        bits: Vec<Vec<u32>>,
    }

    impl ModuleVisitor for Gradients<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = self.gradients.get::<D>(param.id);
            let data = gradient.expect("every parameter has one").into_data();
            self.bits
                .push(data.iter::<f32>().map(f32::to_bits).collect());
        }
    }

    #[test]
    fn further_passes_without_weight_change_no_bit() {
        for gradient_checkpointing in [false, true] {
            let plain = bits(&mut TaskLoss, gradient_checkpointing);
            assert_eq!(bits(&mut TwoPasses(0.0), gradient_checkpointing), plain);
            assert_ne!(bits(&mut TwoPasses(0.5), gradient_checkpointing), plain);
        }
    }

    #[test]
    fn every_pass_has_dropout_masks_of_its_own() {
        let device = Device::flex().autodiff();
        let model = model();
        let mut passes = Passes::new(&model, model.clone(), input(&device), Some((3, 5)));
        let [first, second] = [passes.logits(), passes.logits()].map(Tensor::into_data);
        assert_ne!(first, second);
        let mut passes = Passes::new(&model, model.clone(), input(&device), None);
        let [first, second] = [passes.logits(), passes.logits()].map(Tensor::into_data);
        assert_eq!(first, second, "without dropout they are the same");
    }

    #[test]
    fn a_perturbation_adds_to_the_methods_noise_and_other_weights_get_no_gradient() {
        let device = Device::flex().autodiff();
        let model = model();
        let mut passes = Passes::new(&model, model.clone(), input(&device), None);
        let plain = passes.logits().into_data();
        let ones = Tensor::<3>::ones([3, 7, model.embedding_width()], &device);
        let perturbed = passes.logits_perturbed(ones.clone()).into_data();
        assert_ne!(perturbed, plain);
        passes.noise = Some(-ones.clone());
        assert_eq!(passes.logits_perturbed(ones).into_data(), plain);

        let other = passes.logits_of(&model);
        assert!(!other.is_require_grad());
        let loss = other.sum() * 0.0 + passes.logits().sum();
        assert!(!passes.gradients(loss).is_empty());
    }
}
