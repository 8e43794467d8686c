//! What training makes small.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{FloatDType, Int, Tensor};

use crate::passes::Passes;

/// The loss of a batch, from as many forward passes as it takes.
pub trait Objective {
    /// The mean loss of a batch's examples.
    ///
    /// # Shapes
    /// - `labels`: `[batch]`
    /// - output: `[1]`
    fn loss(&mut self, passes: &mut Passes<'_>, labels: Tensor<1, Int>) -> Tensor<1>;
}

/// Mean cross-entropy against the classes.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossEntropy;

impl Objective for CrossEntropy {
    fn loss(&mut self, passes: &mut Passes<'_>, labels: Tensor<1, Int>) -> Tensor<1> {
        mean_cross_entropy(passes.logits(), labels)
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
