//! Burn's `Learner` trains a module that the noise went through.

#[allow(dead_code, unreachable_pub)] // It is a whole program.
#[path = "../examples/learner.rs"]
mod example;

use burn::module::Module;
use burn::tensor::Device;
use example::{Regressor, Rows, rows, train};
use noisytune_burn::NoisyTuneMapper;

fn pretrained() -> Regressor {
    Regressor::new(&Device::flex().autodiff())
}

fn noised(model: &Regressor, lambda: f64) -> Regressor {
    model.clone().map(&mut NoisyTuneMapper::new(lambda))
}

fn trained(model: Regressor) -> Regressor {
    train(model, 20, tempfile::tempdir().unwrap().path())
}

fn values(model: &Regressor) -> Vec<f32> {
    let linear = [&model.hidden, &model.score];
    let parts = linear.iter().flat_map(|linear| {
        let bias = linear.bias.as_ref().unwrap().val().into_data();
        [linear.weight.val().into_data(), bias]
    });
    parts
        .flat_map(|data| data.try_to_vec::<f32>().unwrap())
        .collect()
}

fn loss(model: &Regressor) -> f32 {
    let batches: Vec<Rows> = rows().iter().map(|batch| batch.expect("rows")).collect();
    let losses = batches.iter().map(|batch| model.output(batch.clone()).loss);
    losses.map(|loss| loss.into_scalar::<f32>()).sum::<f32>() / batches.len() as f32
}

#[test]
fn a_noised_module_learns() {
    let pretrained = pretrained();
    let start = noised(&pretrained, 0.15);
    let end = trained(start.clone());
    assert!(
        loss(&end) < 0.1 * loss(&start),
        "{} {}",
        loss(&start),
        loss(&end)
    );
    assert_ne!(values(&end), values(&trained(pretrained)));
}

#[test]
fn a_lambda_of_zero_is_training_without_noise_to_the_last_bit() {
    let pretrained = pretrained();
    assert_eq!(
        values(&trained(noised(&pretrained, 0.0))),
        values(&trained(pretrained))
    );
}
