//! What training minimises.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{FloatDType, Tensor};

use crate::batch::BatchTargets;

/// Mean loss of a batch: cross-entropy of logits `[batch, classes]`, or the squared error of scores `[batch, 1]`, as
/// transformers' sequence classifiers have it.
pub(crate) fn mean_loss(outputs: Tensor<2>, targets: BatchTargets) -> Tensor<1> {
    // Half precision would lose most of a small loss.
    let outputs = outputs.cast(FloatDType::F32);
    match targets {
        BatchTargets::Classes(classes) => CrossEntropyLossConfig::new()
            .init(&outputs.device())
            .forward(outputs, classes),
        BatchTargets::Scores(scores) => {
            let errors = outputs.reshape(scores.shape()) - scores;
            (errors.clone() * errors).mean()
        }
    }
}
