//! Finetunes a regressor with Burn's `Learner`: the noise is one line before it.
//!
//! `cargo run --package learner-check --features train --example learner`

use std::path::Path;
use std::sync::Arc;

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig, Relu};
use burn::optim::AdamWConfig;
use burn::optim::lr_scheduler::constant::ConstantLr;
use burn::tensor::{Device, Tensor, TensorData};
use burn::train::metric::LossMetric;
use burn::train::{
    InferenceStep, Learner, RegressionOutput, SupervisedTraining, TrainOutput, TrainStep,
};
use noisytune_burn::NoisyTuneMapper;

const FEATURES: usize = 4;

/// Two layers and a score.
#[derive(Debug, Module)]
pub struct Regressor {
    /// From a row's features.
    pub hidden: Linear,
    /// From the hidden units.
    pub score: Linear,
}

impl Regressor {
    /// Stands for a pretrained one.
    pub fn new(device: &Device) -> Self {
        Self {
            hidden: LinearConfig::new(FEATURES, 16).init(device),
            score: LinearConfig::new(16, 1).init(device),
        }
    }

    /// Scores and their mean squared error.
    pub fn output(&self, rows: Rows) -> RegressionOutput {
        let hidden = Relu::new().forward(self.hidden.forward(rows.features));
        let scores = self.score.forward(hidden);
        let loss = (scores.clone() - rows.targets.clone()).square().mean();
        RegressionOutput::new(loss, scores, rows.targets)
    }
}

impl TrainStep for Regressor {
    type Input = Rows;
    type Output = RegressionOutput;

    fn step(&self, rows: Rows) -> TrainOutput<RegressionOutput> {
        let output = self.output(rows);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Regressor {
    type Input = Rows;
    type Output = RegressionOutput;

    fn step(&self, rows: Rows) -> RegressionOutput {
        self.output(rows)
    }
}

/// A batch.
#[derive(Clone, Debug)]
pub struct Rows {
    features: Tensor<2>,
    targets: Tensor<2>,
}

struct Stack;

impl Batcher<[f32; FEATURES], Rows> for Stack {
    fn batch(&self, rows: Vec<[f32; FEATURES]>, device: &Device) -> Rows {
        let n = rows.len();
        // The target is the sum of a row.
        let targets: Vec<f32> = rows.iter().map(|row| row.iter().sum()).collect();
        Rows {
            features: Tensor::from_data(TensorData::new(rows.concat(), [n, FEATURES]), device),
            targets: Tensor::from_data(TensorData::new(targets, [n, 1]), device),
        }
    }
}

/// 64 rows.
pub fn rows() -> Arc<dyn DataLoader<Rows>> {
    let row = |i: usize| std::array::from_fn(|j| ((i * 7 + j * 3) % 11) as f32 / 11.0);
    DataLoaderBuilder::new(Stack)
        .batch_size(8)
        .build(InMemDataset::new((0..64).map(row).collect()))
}

/// Trains `model` with Burn's `Learner`, whose logs go to `folder`.
pub fn train(model: Regressor, epochs: usize, folder: &Path) -> Regressor {
    let learner = Learner::new(model, AdamWConfig::new().init(), ConstantLr::new(1e-2));
    SupervisedTraining::new(folder, rows(), rows())
        .metrics((LossMetric::new(),))
        .num_epochs(epochs)
        .with_application_logger(None)
        .launch(learner)
        .model
}

/// Perturbs a module and trains it.
pub fn main() {
    let pretrained = Regressor::new(&Device::flex().autodiff());

    let mut noise = NoisyTuneMapper::new(0.15);
    let model = pretrained.map(&mut noise);
    println!("{}", noise.report());

    let folder = std::env::temp_dir().join("noisytune-burn-learner");
    println!("{}", train(model, 20, &folder));
}
