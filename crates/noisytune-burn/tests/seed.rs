//! In a process of its own: Burn has one generator for the whole process.

use burn::nn::LinearConfig;
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use noisytune_burn::NoisyTune;

fn random(device: &Device) -> TensorData {
    Tensor::<1>::random([100], Distribution::Default, device).into_data()
}

#[test]
fn the_random_numbers_of_the_program_are_not_disturbed() {
    let device = Device::flex();
    let model = LinearConfig::new(30, 20).init(&device);
    // Initialises the parameters, which draws from Burn's generator.
    let model = model.noisy_tune(0.15);

    device.seed(42);
    let expected = [random(&device), random(&device)];
    device.seed(42);
    let first = random(&device);
    let _model = model.noisy_tune(0.15);
    assert_eq!([first, random(&device)], expected);
}
