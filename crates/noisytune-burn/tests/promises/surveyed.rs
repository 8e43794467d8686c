//! A survey belongs to one module, as it was, and to one use.

use burn::tensor::TensorData;
use noisytune_burn::{NoiseScale, NoisyTune, NoisyTuneConfig, NoisyTuneError, Unchanged};

use crate::model::{One, floats, weights};

fn global() -> NoisyTuneConfig {
    NoisyTuneConfig::new(0.15).with_scale(NoiseScale::Global)
}

fn module() -> Vec<One<1>> {
    let one = |count| One::<1>::new(TensorData::new(weights(count), [count]));
    vec![one(10), one(50)]
}

#[test]
fn a_bare_mapper_cannot_have_the_global_scale() {
    let error = global().init().unwrap_err();
    assert_eq!(error, NoisyTuneError::SurveyNeeded);
    assert_eq!(
        error.to_string(),
        "global scale needs the whole module: use `survey` or `try_noisy_tune`"
    );
}

#[test]
fn a_surveyed_module_gets_the_noise_of_the_extension() {
    for config in [NoisyTuneConfig::new(0.15), global()] {
        let first = module();
        let second = first.clone();
        let surveyed = config.survey(&first).unwrap();
        let std = surveyed.global_std();
        assert_eq!(std.is_some(), config.scale == NoiseScale::Global);
        let (first, report) = surveyed.map(first).unwrap();
        assert_eq!(report.global_std, std);
        let (second, expected) = second.try_noisy_tune(&config).unwrap();
        assert_eq!(floats(&first), floats(&second));
        assert_eq!(report, expected);
    }
}

#[test]
fn a_survey_of_weights_that_changed_since_is_refused_and_the_module_comes_back() {
    let before = module();
    let surveyed = global().survey(&before).unwrap();
    let mut after = before;
    let ids = [after[0].weight.id, after[1].weight.id];
    let last = after.pop().unwrap();
    let weight = last.weight.map(|weight| weight * 1000.0);
    after.push(One { weight });
    let values = floats(&after);
    let Unchanged { module, error, .. } = surveyed.map(after).unwrap_err();
    assert_eq!(
        error.to_string(),
        "module is not as surveyed at parameter 1.weight: survey it again"
    );
    assert_eq!(values, floats(&module));
    assert_eq!(ids, [module[0].weight.id, module[1].weight.id]);
}

#[test]
fn a_survey_of_another_module_is_refused() {
    let error = global()
        .survey(&module())
        .unwrap()
        .map(module())
        .unwrap_err();
    assert!(matches!(error.error, NoisyTuneError::StaleSurvey { .. }));
    let mut longer = module();
    let surveyed = NoisyTuneConfig::new(0.15).survey(&longer).unwrap();
    longer.extend(module());
    let error = NoisyTuneError::from(surveyed.map(longer).unwrap_err());
    let path = "2.weight".to_string();
    assert_eq!(error, NoisyTuneError::StaleSurvey { path });
}

#[test]
fn the_extension_gives_the_module_back_when_it_refuses() {
    let constant = One::<1>::new(TensorData::new(vec![1.0f32; 4], [4]));
    let id = constant.weight.id;
    for config in [
        NoisyTuneConfig::new(-1.0),
        NoisyTuneConfig::new(0.15),
        global(),
    ] {
        let module = constant.clone();
        let unchanged = module.try_noisy_tune(&config).unwrap_err();
        assert_eq!(unchanged.module.weight.id, id);
        assert_eq!(unchanged.module.data(), constant.data());
        assert_eq!(unchanged.to_string(), unchanged.error.to_string());
    }
}
