//! A perturbed parameter is still a parameter: same identity, same training state, a leaf.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use noisytune_burn::NoisyTuneMapper;

fn device() -> Device {
    Device::flex().autodiff()
}

fn noised(model: Linear) -> Linear {
    model.map(&mut NoisyTuneMapper::new(0.15).with_seed(7))
}

#[test]
fn perturbed_parameters_still_receive_gradients_and_an_optimizer_step_moves_them() {
    let device = device();
    let model = noised(LinearConfig::new(5, 3).init(&device));
    assert!(model.weight.is_require_grad());
    let before = model.weight.val().into_data();
    let x = Tensor::<2>::ones([2, 5], &device);
    let grads = model.forward(x).sum().backward();
    assert!(model.weight.grad(&grads).is_some());
    let grads = GradientsParams::from_grads(grads, &model);
    let model = AdamWConfig::new().init().step(1e-2, model, grads);
    assert_ne!(before, model.weight.val().into_data());
}

#[test]
fn lambda_zero_is_identity() {
    let device = device();
    let model: Linear = LinearConfig::new(50, 30).init(&device);
    let before = model.clone();
    let mut mapper = NoisyTuneMapper::new(0.0);
    let after = model.map(&mut mapper);
    assert_eq!(
        before.weight.val().into_data(),
        after.weight.val().into_data()
    );
    assert_eq!(
        before.bias.unwrap().val().into_data(),
        after.bias.unwrap().val().into_data()
    );
}
