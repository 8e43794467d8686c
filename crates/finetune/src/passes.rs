//! The forward passes that an objective may ask for.

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use encoders::{Classifier, Dropouts, EncoderInput, Role};
use study::Precision;

use crate::checkpointing::{self, Begun};
use crate::methods::HiddenNoise;
use crate::precision::{lower, lower_each_layer};

/// The forward passes of one training batch.
///
/// The first pass has the dropout masks that plain finetuning would have; every further pass has its own. So an
/// objective that gives its other passes no weight is plain finetuning to the last bit.
pub struct Passes<'a> {
    /// The parameters that get the gradients.
    pub(crate) parameters: &'a Classifier,
    /// The model that is run, made from the parameters, before it is lowered to the precision.
    pub(crate) model: Classifier,
    pub(crate) input: EncoderInput,
    /// Number of the batch in the run, from 0.
    pub(crate) index: usize,
    /// The noise that the method adds to the token embeddings in every pass.
    pub(crate) noise: Option<Tensor<3>>,
    /// The noise that the method adds between the layers.
    pub(crate) hidden_noise: Option<&'a dyn HiddenNoise>,
    /// Seed of the dropout masks; `None` without dropout.
    pub(crate) dropout: Option<u64>,
    pub(crate) precision: Precision,
    pub(crate) gradient_checkpointing: bool,
    /// Factor of the loss before the backward pass.
    pub(crate) scale: f64,
    passed: u64,
    begun: Vec<Begun>,
    /// For each gradient by a perturbation in f16, 1, or NaN if it overflowed.
    overflows: Vec<Tensor<1>>,
}

/// The bit from which dropout keys hold the number of the pass; the number of a batch never gets that large.
const FURTHER: u32 = 48;

/// What happens to the hidden states between the layers in the passes of a batch.
#[derive(Clone, Copy)]
pub(crate) struct Between<'a> {
    noise: Option<&'a dyn HiddenNoise>,
    index: usize,
}

impl Between<'_> {
    /// The input of a layer, from 0, made from what the one before puts out.
    pub(crate) fn perturbed(
        self,
        layer: usize,
        hidden: Tensor<3>,
        input: &EncoderInput,
    ) -> Tensor<3> {
        match self.noise {
            None => hidden,
            Some(noise) => {
                let [_, _, width] = hidden.dims();
                hidden + noise.noise(input, width, self.index, layer)
            }
        }
    }
}

impl<'a> Passes<'a> {
    pub(crate) fn new(
        parameters: &'a Classifier,
        model: Classifier,
        input: EncoderInput,
        index: usize,
    ) -> Self {
        Self {
            parameters,
            model,
            input,
            index,
            noise: None,
            hidden_noise: None,
            dropout: None,
            precision: Precision::F32,
            gradient_checkpointing: false,
            scale: 1.0,
            passed: 0,
            begun: Vec::new(),
            overflows: Vec::new(),
        }
    }

    /// Computes the logits, in the precision of the recipe.
    ///
    /// # Shapes
    /// - output: `[batch, labels]`
    pub fn logits(&mut self) -> Tensor<2> {
        let noise = self.noise.clone();
        self.pass(self.model.clone(), noise)
    }

    /// Computes the logits with `perturbation` added to the token embeddings.
    ///
    /// # Shapes
    /// - `perturbation`: as for [`Classifier::forward_perturbed`]
    /// - output: `[batch, labels]`
    pub fn logits_perturbed(&mut self, perturbation: Tensor<3>) -> Tensor<2> {
        let perturbation = self.with_noise(perturbation);
        self.pass(self.model.clone(), Some(perturbation))
    }

    /// The same with the token embeddings as constants: no gradient passes to their table.
    ///
    /// # Shapes
    /// - as for [`logits_perturbed`](Self::logits_perturbed)
    pub fn logits_perturbed_at_constant(&mut self, perturbation: Tensor<3>) -> Tensor<2> {
        let tables = self.model.parameters().into_iter();
        let tables = tables.filter(|parameter| parameter.role == Role::TokenEmbedding);
        let tables: Vec<ParamId> = tables.map(|table| table.id).collect();
        let is_constant = |id: ParamId| tables.contains(&id);
        let model = self.model.clone().map(&mut Constant(is_constant));
        let perturbation = self.with_noise(perturbation);
        self.pass(model, Some(perturbation))
    }

    /// The gradient of a loss by a perturbation of the token embeddings, at this perturbation: the loss is a function of the
    /// logits of a pass of its own, in single precision. The parameters are constants, and it is one itself.
    ///
    /// In f16 this loss is scaled like that of the step, without which small gradients would become 0. Elements that overflow
    /// are returned as 0, and make the gradients of the step overflow too, so that no step is taken on them.
    ///
    /// # Shapes
    /// - `perturbation`, output: as for [`Classifier::forward_perturbed`]
    pub fn gradient_at(
        &mut self,
        perturbation: Tensor<3>,
        loss: impl FnOnce(Tensor<2>) -> Tensor<1>,
    ) -> Tensor<3> {
        let model = self.model.clone().map(&mut Constant(|_: ParamId| true));
        let model = lower(self.precision, model);
        let leaf = perturbation.detach().require_grad();
        let perturbation = Some(self.with_noise(leaf.clone()));
        let mut dropouts = self.next_dropouts();
        let between = self.between();
        let is_scaled = self.precision == Precision::F16;
        let loss = |logits| match is_scaled {
            true => loss(logits) * self.scale,
            false => loss(logits),
        };
        let gradient = if self.gradient_checkpointing {
            let (begun, logits) =
                Begun::forward(model, &self.input, perturbation, between, dropouts);
            let gradients = loss(logits).backward();
            begun.gradient_of(&leaf, &self.input, gradients)
        } else {
            let logits = run(&model, &self.input, perturbation, between, &mut dropouts);
            let gradients = loss(logits).backward();
            leaf.grad(&gradients)
                .expect("the logits depend on the embeddings")
        };
        match is_scaled {
            true => (self.within_range(gradient) / self.scale).autodiff(),
            false => gradient.autodiff(),
        }
    }

    fn within_range(&mut self, gradient: Tensor<3>) -> Tensor<3> {
        // 0 times a number is 0, and times infinity it is NaN.
        let overflow = gradient.clone().abs().sum() * 0.0 + 1.0;
        self.overflows.push(overflow.autodiff());
        let lost = gradient.clone().is_finite().bool_not();
        gradient.mask_fill(lost, 0.0)
    }

    /// Computes the logits of other weights, such as a teacher's, in the precision of the recipe. They are constants.
    ///
    /// # Shapes
    /// - output: `[batch, labels]`
    pub fn logits_of(&mut self, other: &Classifier) -> Tensor<2> {
        let mut dropouts = self.next_dropouts();
        let other = lower(self.precision, other.clone().valid());
        let input = self.input.clone().at_all_rows().without_autodiff();
        other.forward(input, &mut dropouts).autodiff()
    }

    /// The batch.
    pub fn input(&self) -> &EncoderInput {
        &self.input
    }

    /// Number of the batch in the run, from 0: what draws of a batch are keyed by.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The parameters for which gradients of the loss are computed. The table of token embeddings may have the rows of the step
    /// alone, under the id of the whole table.
    pub fn parameters(&self) -> &Classifier {
        self.parameters
    }

    fn with_noise(&self, perturbation: Tensor<3>) -> Tensor<3> {
        match self.noise.clone() {
            None => perturbation,
            Some(noise) => noise + perturbation,
        }
    }

    fn between(&self) -> Between<'a> {
        Between {
            noise: self.hidden_noise,
            index: self.index,
        }
    }

    fn pass(&mut self, model: Classifier, perturbation: Option<Tensor<3>>) -> Tensor<2> {
        let mut dropouts = self.next_dropouts();
        let between = self.between();
        // Every pass has casts of its own: with gradient checkpointing, each is gone backward through on its own.
        if self.gradient_checkpointing {
            let model = lower_each_layer(self.precision, model);
            let (begun, logits) =
                Begun::forward(model, &self.input, perturbation, between, dropouts);
            self.begun.push(begun);
            return logits;
        }
        let model = lower(self.precision, model);
        run(&model, &self.input, perturbation, between, &mut dropouts)
    }

    fn next_dropouts(&mut self) -> Dropouts {
        let pass = self.passed;
        self.passed += 1;
        match self.dropout {
            None => Dropouts::off(),
            Some(seed) => Dropouts::keyed(seed, self.index as u64 | pass << FURTHER),
        }
    }

    /// The gradients of a loss computed from these passes, times the scale.
    pub(crate) fn gradients(self, loss: Tensor<1>) -> GradientsParams {
        let loss = match self.scale {
            1.0 => loss,
            scale => loss * scale,
        };
        let loss = self.overflows.into_iter().fold(loss, Tensor::mul);
        let gradients = loss.backward();
        if self.begun.is_empty() {
            return GradientsParams::from_grads(gradients, self.parameters);
        }
        checkpointing::complete(self.begun, self.parameters, &self.input, gradients)
    }
}

/// A forward pass, stage by stage.
fn run(
    model: &Classifier,
    input: &EncoderInput,
    perturbation: Option<Tensor<3>>,
    between: Between<'_>,
    dropouts: &mut Dropouts,
) -> Tensor<2> {
    let mut hidden = model.embed(input, perturbation, dropouts);
    for layer in 0..model.layers() {
        hidden = between.perturbed(layer, hidden, input);
        hidden = model.layer(layer, hidden, input, dropouts);
    }
    let hidden = between.perturbed(model.layers(), hidden, input);
    model.read_out(hidden, input, dropouts)
}

/// Cuts some parameters off from the graph.
struct Constant<F>(F);

impl<F: Fn(ParamId) -> bool> ModuleMapper for Constant<F> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !(self.0)(param.id) {
            return param;
        }
        let (id, value, mapper) = param.consume();
        // Detached, a leaf still asks for a gradient.
        let value = value.detach().set_require_grad(false);
        Param::from_mapped_value(id, value, mapper)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::module::{Module, ModuleVisitor, Param};
    use burn::tensor::{Device, FloatDType};
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

    fn with_dropout<'a>(model: &'a Classifier, device: &Device) -> Passes<'a> {
        let mut passes = Passes::new(model, model.clone(), input(device), 5);
        passes.dropout = Some(3);
        passes
    }

    /// The loss and every gradient, as bits.
    fn bits(objective: &mut dyn Objective, gradient_checkpointing: bool) -> (u32, Vec<Vec<u32>>) {
        let device = Device::flex().autodiff();
        let model = model();
        let mut passes = with_dropout(&model, &device);
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
        let mut passes = with_dropout(&model, &device);
        let [first, second] = [passes.logits(), passes.logits()].map(Tensor::into_data);
        assert_ne!(first, second);
        let mut passes = Passes::new(&model, model.clone(), input(&device), 5);
        let [first, second] = [passes.logits(), passes.logits()].map(Tensor::into_data);
        assert_eq!(first, second, "without dropout they are the same");
    }

    #[test]
    fn a_perturbation_adds_to_the_methods_noise_and_other_weights_get_no_gradient() {
        let device = Device::flex().autodiff();
        let model = model();
        let mut passes = Passes::new(&model, model.clone(), input(&device), 5);
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

    /// Whether each parameter asks for a gradient.
    #[derive(Default)]
    struct Asking(Vec<bool>);

    impl ModuleVisitor for Asking {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().is_require_grad());
        }
    }

    /// The gradient by a perturbation of a loss that is this small, and the passes that computed it.
    fn gradient_of_a_loss<'a>(
        model: &'a Classifier,
        factor: f64,
        (precision, scale): (Precision, f64),
        gradient_checkpointing: bool,
    ) -> (Vec<f32>, Passes<'a>) {
        let device = Device::flex().autodiff();
        let mut passes = Passes::new(model, model.clone(), input(&device), 5);
        passes.precision = precision;
        passes.scale = scale;
        passes.gradient_checkpointing = gradient_checkpointing;
        let start = Tensor::<3>::zeros([3, 7, model.embedding_width()], &device);
        let loss = |logits: Tensor<2>| {
            let logits = logits.cast(FloatDType::F32);
            logits.powi_scalar(2).mean() * factor
        };
        let gradient = passes.gradient_at(start, loss).into_data();
        (gradient.try_to_vec().expect("single precision"), passes)
    }

    #[test]
    fn in_f16_a_small_gradient_by_a_perturbation_is_near_that_in_single_precision() {
        let model = model();
        for gradient_checkpointing in [false, true] {
            let gradient = |with| gradient_of_a_loss(&model, 1e-4, with, gradient_checkpointing).0;
            let expected = gradient((Precision::F32, 1.0));
            let longest = |values: &[f32]| values.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
            let largest = longest(&expected);
            assert!(largest > 0.0);
            let apart = |ours: &[f32]| {
                let apart = ours.iter().zip(&expected).map(|(a, b)| a - b);
                longest(&apart.collect::<Vec<f32>>()) / largest
            };
            // Some twenty roundings by half a unit in the last of 11 bits.
            let ours = gradient((Precision::F16, 65_536.0));
            assert!(apart(&ours) < 1e-2, "{}", apart(&ours));
            let without = gradient((Precision::F16, 1.0));
            assert!(
                apart(&without) > 0.1,
                "nothing was lost: {}",
                apart(&without)
            );
        }
    }

    #[test]
    fn a_gradient_by_a_perturbation_that_overflows_lets_the_gradients_of_the_step_overflow() {
        let device = Device::flex().autodiff();
        let model = model();
        let targets = BatchTargets::Classes(Tensor::from_data([0, 1, 1], &device));
        for (factor, overflows) in [(1.0, false), (1e9, true)] {
            let with = (Precision::F16, 256.0);
            let (gradient, mut passes) = gradient_of_a_loss(&model, factor, with, false);
            assert!(gradient.iter().all(|value| value.is_finite()));
            let loss = mean_loss(passes.logits(), &targets);
            assert!(loss.clone().into_scalar::<f32>().is_finite());
            let gradients = passes.gradients(loss);
            let mut found = Gradients {
                gradients: &gradients,
                bits: Vec::new(),
            };
            model.visit(&mut found);
            let mut values = found.bits.iter().flatten();
            assert_eq!(
                values.any(|bits| !f32::from_bits(*bits).is_finite()),
                overflows
            );
        }
    }

    #[test]
    fn constants_ask_for_no_gradient() {
        let asking = |model: &Classifier| {
            let mut asking = Asking::default();
            model.visit(&mut asking);
            asking.0
        };
        let model = model();
        assert!(asking(&model).into_iter().all(|asks| asks));
        let constant = model.map(&mut Constant(|_: ParamId| true));
        assert!(!asking(&constant).into_iter().any(|asks| asks));
    }
}
