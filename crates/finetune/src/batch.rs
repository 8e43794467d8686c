//! Sentences of different lengths as one tensor.

use burn::tensor::{Device, Int, Tensor, TensorData};
use encoders::{EncoderInput, Encoding};
use study::{Batching, Recipe};
use tasks::Targets;

use crate::data::Examples;

/// How to make one tensor of sentences of different lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// Each is padded to the longest.
    Padded {
        /// The tokenizer's pad token.
        token: u32,
        /// Minimum length of a batch, in tokens; 0 for the length of its longest sentence.
        least: usize,
    },
    /// They are laid end to end.
    Packed,
}

/// A batch of sentences with their labels, on a device.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The tokens.
    pub input: EncoderInput,
    /// One label for each sentence or pair.
    pub targets: BatchTargets,
    /// Number of real tokens, padding not counted.
    pub tokens: usize,
}

impl Batch {
    /// Sentences, or pairs of them.
    pub fn examples(&self) -> usize {
        let [examples] = match &self.targets {
            BatchTargets::Classes(classes) => classes.dims(),
            BatchTargets::Scores(scores) => scores.dims(),
        };
        examples
    }
}

/// The labels of a batch, on a device.
#[derive(Clone, Debug)]
pub enum BatchTargets {
    /// Positions in the task's list of classes, `[batch]`.
    Classes(Tensor<1, Int>),
    /// Numbers, `[batch]`.
    Scores(Tensor<1>),
}

impl BatchTargets {
    pub(crate) fn of(targets: &Targets, positions: &[usize], device: &Device) -> Self {
        let shape = [positions.len()];
        match targets {
            Targets::Classes(classes) => {
                let classes: Vec<i64> = positions.iter().map(|&i| classes[i] as i64).collect();
                Self::Classes(Tensor::from_data(TensorData::new(classes, shape), device))
            }
            Targets::Scores(scores) => {
                let scores: Vec<f32> = positions.iter().map(|&i| scores[i]).collect();
                Self::Scores(Tensor::from_data(TensorData::new(scores, shape), device))
            }
        }
    }
}

impl Filling {
    /// How to make one tensor of the sentences of a training batch; `token` is the pad token.
    pub fn of(recipe: &Recipe, token: u32) -> Self {
        if recipe.batching == Batching::Packed {
            return Self::Packed;
        }
        let least = if recipe.pad_to_max_length {
            recipe.max_length
        } else {
            0
        };
        Self::Padded { token, least }
    }

    /// How to make one tensor of the sentences of an evaluation batch: packed if training batches are, and otherwise padded
    /// to the longest, because padding to a fixed length serves the speed of training alone.
    pub fn of_evaluation(recipe: &Recipe, token: u32) -> Self {
        match recipe.batching {
            Batching::Packed => Self::Packed,
            Batching::Shuffled | Batching::Bucketed => Self::Padded { token, least: 0 },
        }
    }

    pub(crate) fn input(self, encodings: &[Encoding], device: &Device) -> EncoderInput {
        match self {
            Self::Padded { token, least } => EncoderInput::padded(encodings, token, least, device),
            Self::Packed => EncoderInput::packed(encodings, device),
        }
    }
}

impl Examples {
    /// Puts the examples at these positions into a batch on the device.
    pub fn batch(&self, positions: &[usize], filling: Filling, device: &Device) -> Batch {
        let encodings: Vec<Encoding> = positions.iter().map(|&i| self.encodings.get(i)).collect();
        Batch {
            input: filling.input(&encodings, device),
            targets: BatchTargets::of(&self.targets, positions, device),
            tokens: encodings.iter().map(|e| e.ids.len()).sum(),
        }
    }
}
