//! What is not a float parameter is not touched.

use burn::module::{Flag, Module, Param, RunningState};
use burn::nn::BatchNormConfig;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use noisytune_burn::{NoisyTune, NoisyTuneConfig, NoisyTuneMapper, SkipReason};

use crate::model::{Fill, floats, noised, skip_reason, weights};

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

#[test]
fn a_survey_leaves_the_module_as_it_was() {
    let module = statistics(&Device::flex().autodiff());
    let (before, id) = (floats(&module), module.scale.id);
    let surveyed = NoisyTuneMapper::new(0.15).survey(&module).unwrap();
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
    let (after, report) = noised(before.clone());
    assert_eq!(
        before.positions.val().into_data(),
        after.positions.val().into_data()
    );
    assert_eq!(before.mask.val().into_data(), after.mask.val().into_data());
    assert!(after.training.is_enabled());
    assert_eq!(report.entries.len(), 1);
}
