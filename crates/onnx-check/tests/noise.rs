//! A module generated from ONNX takes the noise and trains.

mod floats;

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Bytes, Device, Int, Tensor};
use noisytune_burn::{NoisyTune, NoisyTuneConfig};
use onnx_check::WEIGHTS;
use onnx_check::encoder::Model;

use crate::floats::floats;

fn loss(model: &Model, device: &Device) -> Tensor<1> {
    let tokens = Tensor::<2, Int>::from_data([[3, 14, 15, 9, 26], [5, 35, 8, 9, 7]], device);
    let labels = Tensor::<1, Int>::from_data([0, 1], device);
    CrossEntropyLossConfig::new()
        .init(device)
        .forward(model.forward(tokens), labels)
}

#[test]
fn a_generated_encoder_gets_noise_trains_one_step_and_its_loss_goes_down() {
    let device = Device::flex().autodiff();
    let weights = Bytes::from_bytes_vec(WEIGHTS.to_vec());
    let model = Model::from_bytes(weights, &device).train();
    let before = floats(&model);
    let (model, report) = model.try_noisy_tune(&NoisyTuneConfig::new(0.15)).unwrap();
    println!("{report}");
    // Embedding, six linear layers and the classifier with weight and bias, two norms.
    assert_eq!(
        report.perturbed_elements(),
        50 * 16 + 4 * 272 + 544 + 528 + 34 + 4 * 16
    );
    for ((before, after), entry) in before.iter().zip(&floats(&model)).zip(&report.entries) {
        assert_eq!(before == after, !entry.is_perturbed(), "{}", entry.path);
    }

    let first = loss(&model, &device);
    let grads = GradientsParams::from_grads(first.backward(), &model);
    let model = AdamWConfig::new().init().step(1e-2, model, grads);
    let (first, second) = (
        first.into_scalar::<f32>(),
        loss(&model, &device).into_scalar::<f32>(),
    );
    assert!(second < first, "loss went from {first} to {second}");
}
