//! What is not a float parameter is not touched.

use burn::module::{Flag, Module, Param, RunningState};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use noisytune_burn::{NoisyTune, NoisyTuneConfig, Selection, SkipReason, distances};

use crate::model::{Fill, floats, noised, noised_by, skip_reason, weights};

fn vector(device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(weights(6), [6]), device)
}

/// A buffer whose name says nothing.
#[derive(Module, Debug)]
struct Statistics {
    scale: Param<Tensor<1>>,
    history: RunningState<Tensor<1>>,
}

fn statistics(device: &Device) -> Statistics {
    Statistics {
        scale: Param::from_tensor(vector(device)),
        history: RunningState::new(vector(device)),
    }
}

#[test]
fn batch_norm_statistics_are_untouched_by_the_bare_mapper() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let before = BatchNormConfig::new(6).init(&device).map(&mut Fill);
        let (mean, var) = (before.running_mean.value(), before.running_var.value());
        let (after, report) = noised(before);
        assert_eq!(mean.into_data(), after.running_mean.value().into_data());
        assert_eq!(var.into_data(), after.running_var.value().into_data());
        for name in ["running_mean", "running_var"] {
            let entry = report.get(name).unwrap();
            assert_eq!(skip_reason(entry), Some(SkipReason::Buffer));
        }
        assert!(report.get("gamma").unwrap().is_perturbed());
        assert!(report.get("beta").unwrap().is_perturbed());
    }
}

#[test]
fn a_buffer_of_any_name_is_untouched_once_the_module_was_surveyed() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let module = statistics(&device).freeze();
        let before = floats(&module);
        let (module, report) = module.try_noisy_tune(&NoisyTuneConfig::new(0.15)).unwrap();
        let after = floats(&module);
        assert_ne!(before[0], after[0]);
        assert_eq!(before[1], after[1]);
        let entry = report.get("history").unwrap();
        assert_eq!(skip_reason(entry), Some(SkipReason::Buffer));
    }
}

/// No buffer, though its name begins as BatchNorm's.
#[derive(Module, Debug)]
struct Misnamed {
    running_scale: Param<Tensor<1>>,
}

#[test]
fn a_frozen_parameter_that_is_named_like_a_buffer_is_perturbed_once_the_module_was_surveyed() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let module = Misnamed {
            running_scale: Param::from_tensor(vector(&device)),
        };
        let module = module.freeze();
        let before = floats(&module);
        let (module, report) = module.try_noisy_tune(&NoisyTuneConfig::new(0.15)).unwrap();
        assert!(report.get("running_scale").unwrap().is_perturbed());
        assert_ne!(before, floats(&module));
    }
}

#[test]
fn a_survey_leaves_the_module_as_it_was() {
    let module = statistics(&Device::flex().autodiff());
    let (before, id) = (floats(&module), module.scale.id);
    let surveyed = NoisyTuneConfig::new(0.15).survey(&module).unwrap();
    assert_eq!(before, floats(&module));
    assert_eq!(id, module.scale.id);
    assert!(module.scale.is_require_grad());
    let (module, _) = surveyed.map(module).unwrap();
    assert_eq!(id, module.scale.id);
}

#[derive(Module, Debug)]
struct Mixed {
    weight: Param<Tensor<1>>,
    positions: Param<Tensor<1, Int>>,
    mask: Param<Tensor<1, Bool>>,
    training: Param<Flag>,
}

#[test]
fn integers_booleans_and_flags_are_untouched() {
    let device = Device::flex();
    let before = Mixed {
        weight: Param::from_tensor(vector(&device)),
        positions: Param::initialized(Default::default(), Tensor::arange(0..6, &device)),
        mask: Param::initialized(
            Default::default(),
            Tensor::from_data([true, false, true], &device),
        ),
        training: Param::<Flag>::from_bool(true),
    };
    let named = Selection::everything().except(["positions", "mask", "training"]);
    let named = NoisyTuneConfig::new(0.15).with_selection(named);
    let found = before.clone().try_noisy_tune(&named);
    assert_eq!(found.unwrap().1.unmatched, [""; 0], "they are there");
    assert_eq!(noised_by(before.clone(), named).1.unmatched, [""; 0]);
    let (after, report) = noised(before.clone());
    assert_eq!(
        before.positions.val().into_data(),
        after.positions.val().into_data()
    );
    assert_eq!(before.mask.val().into_data(), after.mask.val().into_data());
    assert!(after.training.is_enabled());
    assert_eq!(report.entries.len(), 1);
}

#[test]
fn a_bare_mapper_on_a_clone_leaves_buffers_of_any_name_alone_in_the_original_too() {
    for device in [Device::flex(), Device::flex().autodiff()] {
        let original = statistics(&device);
        let before = floats(&original);
        let (clone, report) = noised(original.clone());
        assert_eq!(before, floats(&original));
        assert_ne!(before[0], floats(&clone)[0]);
        assert_eq!(before[1], floats(&clone)[1]);
        let entry = report.get("history").unwrap();
        assert_eq!(skip_reason(entry), Some(SkipReason::PossibleBuffer));
    }
}

#[test]
fn clones_share_their_buffers_and_validation_gives_a_module_its_own() {
    let device = Device::flex();
    let pretrained = BatchNormConfig::new(6).init(&device);
    let apart = pretrained.valid();
    let clone = pretrained.clone();
    let fresh = vector(&device);
    clone.running_mean.update(fresh.clone());
    let _ = clone.running_mean.value_sync();
    let mean = |norm: &BatchNorm| norm.running_mean.value().into_data();
    assert_eq!(mean(&pretrained), fresh.into_data(), "as Burn has it");
    assert_ne!(mean(&apart), mean(&pretrained));
}

#[test]
fn buffers_are_at_no_distance() {
    let device = Device::flex();
    let before = BatchNormConfig::new(6).init(&device).map(&mut Fill);
    let after = before.valid().train();
    after.running_mean.update(vector(&device) * 100.0);
    let _ = after.running_mean.value_sync();
    assert_ne!(
        before.running_mean.value().into_data(),
        after.running_mean.value().into_data()
    );
    let report = distances(&before, &after).unwrap();
    let paths: Vec<&str> = report
        .entries
        .iter()
        .map(|entry| entry.path.as_str())
        .collect();
    assert_eq!(paths, ["gamma", "beta"]);
    assert!(report.entries.iter().all(|entry| entry.l1 == 0.0));
}
