//! A perturbed parameter is still a parameter: same identity, same training state, a leaf.

use burn::module::{Module, Param, ParamId};
use burn::nn::{Linear, LinearConfig, LinearLayout};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, GradientCheckpointingStrategy, Int, Tensor};
use noisytune_burn::{
    NoiseScale, NoisyTune, NoisyTuneConfig, Selection, SkipReason, Treatment, distances,
};

use crate::model::{One, noised, noised_by, perturbation, skip_reason};

fn linear(device: &Device) -> Linear {
    LinearConfig::new(5, 3).init(device)
}

/// Whether a step of AdamW moves every element of the weight.
fn learns(model: Linear, device: &Device) -> bool {
    let before: Vec<f32> = model.weight.val().into_data().try_to_vec().unwrap();
    let loss = model.forward(Tensor::<2>::ones([2, 5], device)).sum();
    let grads = loss.backward();
    if model.weight.grad(&grads).is_none() {
        return false;
    }
    let grads = GradientsParams::from_grads(grads, &model);
    let model = AdamWConfig::new().init().step(1e-2, model, grads);
    let after: Vec<f32> = model.weight.val().into_data().try_to_vec().unwrap();
    before.iter().zip(&after).all(|(a, b)| a != b)
}

#[test]
fn perturbed_parameters_still_receive_gradients_and_an_optimizer_step_moves_them() {
    let device = Device::flex().autodiff();
    let (model, _) = noised(linear(&device));
    assert!(model.weight.is_require_grad());
    assert!(learns(model, &device));
}

#[test]
fn a_module_perturbed_on_a_plain_device_trains_after_train() {
    let (model, _) = noised(linear(&Device::flex()));
    assert!(!model.weight.is_autodiff());
    assert!(learns(model.train(), &Device::flex().autodiff()));
}

#[test]
fn a_module_perturbed_between_valid_and_train_trains_again() {
    let device = Device::flex().autodiff();
    let (model, _) = noised(linear(&device).valid());
    assert!(learns(model.train(), &device));
}

#[test]
fn frozen_parameters_are_perturbed_and_stay_frozen() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let before = linear(&device).freeze();
        let config = NoisyTuneConfig::new(0.15);
        let (after, report) = before.clone().try_noisy_tune(&config).unwrap();
        assert_eq!(report.perturbed().count(), 2);
        assert_ne!(
            before.weight.val().into_data(),
            after.weight.val().into_data()
        );
        assert!(!after.weight.is_require_grad());
        assert!(!after.train().weight.is_require_grad());
    }
}

#[test]
fn frozen_parameters_can_be_skipped_on_plain_and_autodiff_devices() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let mut model = linear(&device);
        model.weight = model.weight.set_require_grad(false);
        let before = model.weight.val().into_data();
        let mapper = NoisyTuneConfig::new(0.15).with_frozen(Treatment::Skip);
        let (model, report) = noised_by(model, mapper);
        let weight = report.get("weight").unwrap();
        assert_eq!(skip_reason(weight), Some(SkipReason::Frozen));
        assert_eq!(before, model.weight.val().into_data());
        assert!(report.get("bias").unwrap().is_perturbed());
    }
}

#[test]
fn ids_device_dtype_and_checkpointing_survive() {
    let device = Device::flex().autodiff().gradient_checkpointing();
    let before = linear(&device);
    let (after, _) = noised(before.clone());
    assert_eq!(before.weight.id, after.weight.id);
    assert_eq!(before.bias.unwrap().id, after.bias.unwrap().id);
    assert_eq!(before.weight.device(), after.weight.device());
    assert_eq!(before.weight.dtype(), after.weight.dtype());
    assert_eq!(
        after.weight.gradient_checkpointing_strategy(),
        Some(GradientCheckpointingStrategy::Balanced)
    );
}

#[test]
fn load_and_save_mappers_survive() {
    let device = Device::flex();
    // The Col layout stores the weight transposed, and transposes it when loading and saving.
    let config = LinearConfig::new(5, 3).with_layout(LinearLayout::Col);
    let (model, _) = noised(config.init(&device));
    let saved = model.clone().into_record();
    let loaded = config.init(&device).load_record(saved);
    assert_eq!(
        model.weight.val().into_data(),
        loaded.weight.val().into_data()
    );
}

#[test]
fn a_lazily_initialised_parameter_is_initialised_and_perturbed() {
    let device = Device::flex();
    let one = One::<2> {
        weight: Param::uninitialized(
            ParamId::new(),
            |device, _| {
                Tensor::<1, Int>::arange(0..6, device)
                    .float()
                    .reshape([2, 3])
            },
            device,
            true,
            [2, 3].into(),
        ),
    };
    assert!(!one.weight.is_initialized());
    let (one, report) = noised(one);
    // The std of 0..6 is √3.5.
    let (std, _) = perturbation(&report.entries[0]);
    assert!((std - 3.5f64.sqrt()).abs() < 1e-15);
    assert_ne!(
        one.data().try_to_vec::<f32>().unwrap(),
        [0., 1., 2., 3., 4., 5.]
    );
}

#[test]
fn lazily_initialised_parameters_are_surveyed_pooled_and_initialised_once() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let lazy = linear(&device);
        let shared = lazy.clone();
        let config = NoisyTuneConfig::new(0.15).with_scale(NoiseScale::Global);
        let (noised, report) = lazy.try_noisy_tune(&config).unwrap();
        assert_eq!(report.perturbed().count(), 2);
        // A clone of a lazy parameter is initialised with it, to the same values.
        let moved = distances(&shared, &noised).unwrap();
        let bound = 0.075 * report.global_std.unwrap() + f64::from(f32::EPSILON);
        for entry in moved.entries {
            assert!(entry.l1 > 0.0 && entry.l1 <= bound * entry.elements as f64);
        }
    }
}

#[test]
fn a_parameter_that_is_not_selected_stays_lazy() {
    let model = linear(&Device::flex());
    assert!(!model.weight.is_initialized());
    let selection = Selection::everything().except(["weight"]);
    let (model, _) = noised_by(model, NoisyTuneConfig::new(0.15).with_selection(selection));
    assert!(!model.weight.is_initialized());
}

#[test]
fn a_parameter_held_as_a_transposed_view_gets_the_noise_of_its_logical_elements() {
    let device = Device::flex();
    let values = Tensor::<1, Int>::arange(0..6, &device).float();
    let view = values.clone().reshape([3, 2]).transpose();
    let dense = Tensor::<2>::from_data(view.to_data(), &device);
    let [view, dense] = [view, dense].map(|tensor| {
        let weight = Param::from_tensor(tensor);
        noised(One { weight }).0.data()
    });
    assert_eq!(view, dense);
}
