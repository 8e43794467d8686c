//! Where a method can reach into the training loop.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use encoders::{Classifier, EncoderInput};
use study::Recipe;
use training::Update;

use crate::objective::Objective;

/// What a run starts from.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The model before the first step, noise included.
    pub model: &'a Classifier,
    /// Module paths of its layers that are not pretrained, the head's among them.
    pub fresh: &'a [String],
    /// The hyperparameters of every run.
    pub recipe: &'a Recipe,
    /// Those of the method, by name.
    pub hyperparameters: &'a BTreeMap<String, f64>,
    /// Optimizer steps to come.
    pub steps: usize,
    /// Of the run's random streams.
    pub seed: u64,
}

/// What is done while a run trains.
#[derive(Default)]
pub struct Companion {
    /// Puts other weights into a training step's forward pass.
    pub weights: Option<Box<dyn Weights>>,
    /// Perturbs the word embeddings in a training step.
    pub embeddings: Option<Box<dyn EmbeddingNoise>>,
    /// Makes the objective from the task's own.
    pub objective: Option<WrapObjective>,
    /// Takes the place of AdamW.
    pub update: Option<Box<dyn Update<Classifier>>>,
}

/// What makes an objective from the task's own.
pub type WrapObjective = Box<dyn FnOnce(Box<dyn Objective>) -> Box<dyn Objective>>;

/// Puts other weights into a training step's forward pass.
pub trait Weights {
    /// The model to run at a step, from 0; gradients reach the parameters of the one it is made from.
    fn substitute(&self, model: &Classifier, step: usize) -> Classifier;
}

/// Perturbs the word embeddings in a training step.
pub trait EmbeddingNoise {
    /// What is added in a pass, by the number of the batch in the run, from 0: `[batch, length, hidden]`, on the input's device.
    fn noise(&self, input: &EncoderInput, pass: usize) -> Tensor<3>;
}

impl Start<'_> {
    /// The value of a hyperparameter that the method has.
    pub(super) fn number(&self, name: &str) -> f64 {
        self.hyperparameters[name]
    }
}
