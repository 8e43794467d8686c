//! In a process of its own: what is measured is the process.
#![cfg(target_os = "linux")]

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use noisytune_burn::NoisyTune;

#[derive(Module, Debug)]
struct Model {
    parameters: Vec<Param<Tensor<2>>>,
}

const ELEMENTS: usize = 8 << 20;
const COUNT: usize = 6;
const TENSOR: u64 = 4 * ELEMENTS as u64;

/// The largest resident size so far, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    1024 * kilobytes
}

/// Every other parameter is held as a transposed view.
fn model(device: &Device) -> Model {
    let tensor = |seed: usize| {
        let values: Vec<f32> = (0..ELEMENTS).map(|i| (i * seed % 1001) as f32).collect();
        let data = TensorData::new(values, [ELEMENTS / 2048, 2048]);
        let tensor = Tensor::<2>::from_data(data, device);
        if seed.is_multiple_of(2) {
            tensor.transpose().detach()
        } else {
            tensor
        }
    };
    Model {
        parameters: (1..=COUNT)
            .map(|seed| Param::from_tensor(tensor(seed)))
            .collect(),
    }
}

#[test]
fn perturbing_a_module_needs_at_most_one_parameter_tensor_above_the_module() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let model = model(&device);
        let before = peak();
        assert!(before >= COUNT as u64 * TENSOR);
        let model = model.noisy_tune(0.15);
        let above = peak() - before;
        // In fact none at all: the storage is moved, changed in place and moved back.
        assert!(
            above < TENSOR / 8,
            "{above} bytes above the module on {device:?}"
        );
        drop(model);
    }
}
