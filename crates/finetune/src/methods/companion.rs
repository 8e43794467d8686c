//! The places where a method can change the training loop.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use encoders::{Classifier, EncoderInput};
use study::Recipe;
use training::Update;

use crate::objective::Objective;

/// The state from which a run starts.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The model before the first step, noise included.
    pub model: &'a Classifier,
    /// Module paths of its layers that are not pretrained, the head's among them.
    pub fresh: &'a [String],
    /// The hyperparameters of every run.
    pub recipe: &'a Recipe,
    /// The method's own hyperparameters, by name.
    pub hyperparameters: &'a BTreeMap<String, f64>,
    /// Number of optimizer steps of the run.
    pub steps: usize,
    /// Seed of the run's random streams.
    pub seed: u64,
}

/// What a method does while a run trains.
#[derive(Default)]
pub struct Companion {
    /// Puts other weights into a training step's forward pass.
    pub weights: Option<Box<dyn Weights>>,
    /// Perturbs the word embeddings in a training step.
    pub embeddings: Option<Box<dyn EmbeddingNoise>>,
    /// Perturbs the hidden states between the layers in a training step.
    pub hidden: Option<Box<dyn HiddenNoise>>,
    /// Replaces the task's loss, which is [`mean_loss`](crate::objective::mean_loss).
    pub objective: Option<Box<dyn Objective>>,
    /// Replaces AdamW.
    pub update: Option<Box<dyn Update<Classifier>>>,
}

/// Puts other weights into a training step's forward pass.
pub trait Weights {
    /// The model to run at a step, counted from 0. Gradients pass through it to the parameters of `model`, whose table of token
    /// embeddings may have the rows of the step alone ([`Trainer::is_deferring`](crate::trainer::Trainer::is_deferring)).
    fn substitute(&self, model: &Classifier, step: usize) -> Classifier;
}

/// Perturbs the word embeddings in a training step.
pub trait EmbeddingNoise {
    /// The noise to add in a pass: `[batch, length, hidden]`, on the input's device. `pass` is the number of the batch in
    /// the run, from 0.
    fn noise(&self, input: &EncoderInput, pass: usize) -> Tensor<3>;
}

/// Perturbs the hidden states between the layers in a training step.
pub trait HiddenNoise {
    /// The noise to add to the input of a layer, from 0, in the passes of a batch: `[batch, length, width]`, or
    /// `[1, tokens, width]` where the input is packed, on the input's device. `index` is the number of the batch in the run,
    /// from 0.
    fn noise(&self, input: &EncoderInput, width: usize, index: usize, layer: usize) -> Tensor<3>;
}

impl Start<'_> {
    /// The value of a hyperparameter that the method has.
    pub(super) fn number(&self, name: &str) -> f64 {
        self.hyperparameters[name]
    }
}
