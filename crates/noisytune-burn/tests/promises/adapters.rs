//! Reparameterizations and quantized weights.

use burn::module::{Lora, Module, QLora, Quantizer};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;
use burn::tensor::quantization::{Calibration, QuantValue};
use noisytune_burn::{
    NoisyTune, NoisyTuneConfig, NoisyTuneError, SkipReason, Treatment, distances,
};

use crate::model::{noised, noised_by, skip_reason};

fn lora(device: &Device) -> Linear {
    LinearConfig::new(6, 4)
        .init(device)
        .apply_lora(Lora::new(2, 4.0))
}

fn quantizer(device: &Device) -> Quantizer {
    let scheme = device
        .settings()
        .quantization
        .scheme
        .with_value(QuantValue::Q8S);
    Quantizer::new(Calibration::MinMax, scheme)
}

#[test]
fn under_lora_the_base_is_perturbed_and_the_fresh_factors_are_not() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let before = lora(&device);
        let config = NoisyTuneConfig::new(0.15);
        let (after, report) = before.clone().try_noisy_tune(&config).unwrap();
        let (old, new) = (
            before.weight.adapter().unwrap(),
            after.weight.adapter().unwrap(),
        );
        assert_ne!(
            before.weight.base().into_data(),
            after.weight.base().into_data()
        );
        assert_eq!(old.a.val().into_data(), new.a.val().into_data());
        assert_eq!(old.b.val().into_data(), new.b.val().into_data());
        for path in ["weight.lora.a", "weight.lora.b"] {
            assert_eq!(
                skip_reason(report.get(path).unwrap()),
                Some(SkipReason::Adapter)
            );
        }
        assert!(!after.weight.base().is_require_grad());
        assert_eq!(new.a.val().is_require_grad(), device.is_autodiff());
    }
}

#[test]
fn the_factors_can_be_included() {
    let before = lora(&Device::flex());
    let mapper = NoisyTuneConfig::new(0.15).with_adapters(Treatment::Perturb);
    let (after, report) = noised_by(before.clone(), mapper);
    let (old, new) = (
        before.weight.adapter().unwrap(),
        after.weight.adapter().unwrap(),
    );
    assert_ne!(old.a.val().into_data(), new.a.val().into_data());
    // The second factor begins as zeros, which have no spread.
    let b = report.get("weight.lora.b").unwrap();
    assert_eq!(skip_reason(b), Some(SkipReason::Constant));
}

#[test]
fn a_quantized_base_is_refused_with_the_reason() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let qlora = QLora::new(Lora::new(2, 4.0), quantizer(&device));
        let before = LinearConfig::new(32, 32).init(&device).apply_qlora(qlora);
        let value = before.weight.val().into_data();
        let (after, report) = noised(before.clone());
        let weight = report.get("weight").unwrap();
        assert_eq!(skip_reason(weight), Some(SkipReason::Quantized));
        assert_eq!(value, after.weight.val().into_data());

        let error = before
            .try_noisy_tune(&NoisyTuneConfig::new(0.15))
            .unwrap_err();
        let NoisyTuneError::NothingPerturbed {
            considered,
            reasons,
        } = error.error
        else {
            panic!("another error: {error}");
        };
        assert_eq!(considered, 4);
        assert_eq!(
            reasons,
            [(SkipReason::Adapter, 2), (SkipReason::Quantized, 2)]
        );
    }
}

#[test]
fn a_quantized_module_is_refused_with_the_reason() {
    let device = Device::flex();
    let model = LinearConfig::new(32, 32).with_bias(false).init(&device);
    let quantized = model.quantize_weights(&mut quantizer(&device));
    let before = quantized.weight.val().into_data();
    let (after, report) = noised(quantized);
    let weight = report.get("weight").unwrap();
    assert_eq!(skip_reason(weight), Some(SkipReason::Quantized));
    assert_eq!(before, after.weight.val().into_data());
}

#[test]
fn a_pretrained_module_and_the_same_with_lora_are_compared_once_the_factors_are_merged() {
    let device = Device::flex();
    let pretrained = LinearConfig::new(6, 4).init(&device);
    let adapted = pretrained.clone().apply_lora(Lora::new(2, 4.0));
    let error = distances(&pretrained, &adapted).unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter weight.lora.a is in the second module only"
    );
    let (noised, _) = adapted.try_noisy_tune(&NoisyTuneConfig::new(0.15)).unwrap();
    let moved = distances(&pretrained, &noised.materialize()).unwrap();
    assert_eq!(moved.entries.len(), 2);
    assert!(moved.entries.iter().all(|entry| entry.l1 > 0.0));
}
