//! What training minimises.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{FloatDType, Tensor};

use crate::batch::BatchTargets;
use crate::passes::Passes;

/// Computes the loss of a batch, from as many forward passes as it needs.
pub trait Objective {
    /// The mean loss over a batch's examples.
    ///
    /// # Shapes
    /// - output: `[1]`
    fn loss(&mut self, passes: &mut Passes<'_>, targets: &BatchTargets) -> Tensor<1>;
}

/// The loss of plain finetuning: mean cross-entropy for classes, mean squared error for scores.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskLoss;

impl Objective for TaskLoss {
    fn loss(&mut self, passes: &mut Passes<'_>, targets: &BatchTargets) -> Tensor<1> {
        mean_loss(passes.logits(), targets)
    }
}

/// Mean loss of a batch, as in transformers' sequence classifiers: cross-entropy of logits `[batch, classes]`, or
/// squared error of scores `[batch, 1]`.
pub fn mean_loss(outputs: Tensor<2>, targets: &BatchTargets) -> Tensor<1> {
    // Half precision would lose most of the digits of a small loss.
    let outputs = outputs.cast(FloatDType::F32);
    match targets {
        BatchTargets::Classes(classes) => CrossEntropyLossConfig::new()
            .init(&outputs.device())
            .forward(outputs, classes.clone()),
        BatchTargets::Scores(scores) => {
            let errors = outputs.reshape(scores.shape()) - scores.clone();
            (errors.clone() * errors).mean()
        }
    }
}
