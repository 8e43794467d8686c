//! What training minimises.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::activation::log_softmax;
use burn::tensor::{FloatDType, Tensor};
use encoders::Classifier;

use crate::batch::BatchTargets;
use crate::passes::Passes;

/// Computes the loss of a batch, from as many forward passes as it needs.
pub trait Objective {
    /// The mean loss over a batch's examples.
    ///
    /// # Shapes
    /// - output: `[1]`
    fn loss(&mut self, passes: &mut Passes<'_>, targets: &BatchTargets) -> Tensor<1>;

    /// Learns of the parameters after an optimizer step that was not skipped, if it has a
    /// [teacher](Self::teacher); `step` counts from 0.
    fn stepped(&mut self, _parameters: &Classifier, _step: usize) {}

    /// Weights that follow the parameters from step to step, if it keeps any. They are part of a checkpoint.
    fn teacher(&self) -> Option<&Classifier> {
        None
    }

    /// Continues with a stored teacher; only for an objective that has one.
    fn set_teacher(&mut self, _teacher: Classifier) {}
}

/// The loss of plain finetuning: mean cross-entropy for classes, mean squared error for scores.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskLoss;

impl Objective for TaskLoss {
    fn loss(&mut self, passes: &mut Passes<'_>, targets: &BatchTargets) -> Tensor<1> {
        mean_loss(passes.logits(), targets)
    }
}

/// How far apart the outputs of two passes are, as a mean over the batch: the symmetrised Kullback–Leibler divergence
/// `KL(p‖q) + KL(q‖p) = Σ (p - q) (log p - log q)` of the distributions of classes, or the squared difference of scores.
/// Gradients pass to both.
///
/// # Shapes
/// - outputs: as for [`mean_loss`]; the targets only say which they are
pub fn mean_divergence(a: Tensor<2>, b: Tensor<2>, targets: &BatchTargets) -> Tensor<1> {
    let [a, b] = [a, b].map(|outputs| outputs.cast(FloatDType::F32));
    let each = match targets {
        BatchTargets::Classes(_) => {
            let [a, b] = [a, b].map(|logits| log_softmax(logits, 1));
            (a.clone().exp() - b.clone().exp()) * (a - b)
        }
        BatchTargets::Scores(_) => {
            let apart = a - b;
            apart.clone() * apart
        }
    };
    each.sum_dim(1).mean()
}

/// Mean loss of a batch, as in transformers' sequence classifiers: cross-entropy of logits `[batch, classes]`, or
/// squared error of scores `[batch, 1]`.
pub fn mean_loss(outputs: Tensor<2>, targets: &BatchTargets) -> Tensor<1> {
    // Half precision would lose most of the digits of a small loss.
    let outputs = outputs.cast(FloatDType::F32);
    match targets {
        // Fewer kernels than Burn's, of which one adds atomically. Elsewhere it would change the last digits of recorded runs.
        BatchTargets::Classes(classes) if fused::runs_together(&outputs.device()) => {
            fused::cross_entropy(outputs, classes.clone())
        }
        BatchTargets::Classes(classes) => CrossEntropyLossConfig::new()
            .init(&outputs.device())
            .forward(outputs, classes.clone()),
        BatchTargets::Scores(scores) => {
            let errors = outputs.reshape(scores.shape()) - scores.clone();
            (errors.clone() * errors).mean()
        }
    }
}
