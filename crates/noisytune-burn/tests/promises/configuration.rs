//! Settings: valid, invalid, saved and loaded; and the text of each error.

use burn::config::Config;
use burn::module::ParamGroup;
use burn::tensor::TensorData;
use noisytune_burn::{
    NoiseKind, NoiseScale, NoisyTune, NoisyTuneConfig, NoisyTuneError, NoisyTuneMapper, Selection,
    Treatment,
};

use crate::model::{One, weights};

#[test]
fn a_config_survives_json() {
    let config = NoisyTuneConfig::new(0.1)
        .with_seed(u64::MAX)
        .with_kind(NoiseKind::MatchedGaussian)
        .with_scale(NoiseScale::Global)
        .with_selection(Selection::everything().except(["head"]))
        .with_frozen(Treatment::Skip)
        .with_adapters(Treatment::Perturb);
    let text = config.to_string();
    let loaded = NoisyTuneConfig::load_binary(text.as_bytes()).unwrap();
    assert_eq!(text, loaded.to_string());
    assert_eq!(loaded.lambda, 0.1);
    assert_eq!(loaded.seed, u64::MAX);
    assert_eq!(loaded.kind, NoiseKind::MatchedGaussian);
    assert_eq!(loaded.scale, NoiseScale::Global);
    assert_eq!(loaded.frozen, Treatment::Skip);
    assert_eq!(loaded.adapters, Treatment::Perturb);
    let id = Default::default();
    assert!(loaded.selection.matches(&id, "body.weight"));
    assert!(!loaded.selection.matches(&id, "head.weight"));
}

#[test]
fn a_config_needs_no_field_but_lambda_and_refuses_unknown_ones() {
    let load = |json: &str| NoisyTuneConfig::load_binary(json.as_bytes());
    let config = load(r#"{"lambda": 0.15}"#).unwrap();
    assert_eq!(config.to_string(), NoisyTuneConfig::new(0.15).to_string());
    let config = load(r#"{"lambda": 0.1, "selection": ["except_token_embeddings"]}"#).unwrap();
    let id = Default::default();
    assert!(!config.selection.matches(&id, "word_embeddings.weight"));
    let error = load(r#"{"lambda": 0.15, "sed": 7}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `sed`"), "{error}");
}

#[test]
fn the_names_in_json_are_snake_case() {
    let json = serde_json::to_value(NoisyTuneConfig::new(0.15)).unwrap();
    assert_eq!(json["kind"], "uniform");
    assert_eq!(json["scale"], "per_tensor");
    assert_eq!(json["frozen"], "perturb");
    assert_eq!(json["adapters"], "skip");
    assert_eq!(json["seed"], 0);
}

#[test]
fn an_unusable_lambda_is_an_error_that_names_it() {
    for lambda in [-0.1, f64::NAN, f64::INFINITY] {
        let error = NoisyTuneConfig::new(lambda).init().unwrap_err();
        assert!(matches!(error, NoisyTuneError::InvalidLambda { .. }));
    }
    assert_eq!(
        NoisyTuneConfig::new(-0.1).init().unwrap_err().to_string(),
        "lambda must be a finite number of at least 0, got -0.1"
    );
}

#[test]
#[should_panic(expected = "lambda must be a finite number of at least 0, got -1")]
fn the_panicking_constructor_says_the_same() {
    let _ = NoisyTuneMapper::new(-1.0);
}

#[test]
fn perturbing_nothing_is_an_error_that_counts_the_reasons() {
    let module = vec![
        One::<1>::new(TensorData::new(vec![1.0f32; 4], [4])),
        One::<1>::new(TensorData::new(vec![1.0f32], [1])),
        One::<1>::new(TensorData::new(weights(4), [4])),
    ];
    let config = NoisyTuneConfig::new(0.15).with_selection(Selection::everything().except(["2"]));
    let error = module.try_noisy_tune(&config).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no parameter was perturbed: 3 found, skipped as not selected (1), single element (1), constant (1)"
    );
    let error = Vec::<One<1>>::new()
        .try_noisy_tune(&NoisyTuneConfig::new(0.15))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the module has no float parameter to perturb"
    );
}

#[test]
#[should_panic(expected = "no parameter was perturbed: 1 found, skipped as constant (1)")]
fn the_panicking_extension_says_the_same() {
    let _ = One::<1>::new(TensorData::new(vec![1.0f32; 4], [4])).noisy_tune(0.15);
}

#[test]
fn lambda_zero_through_the_extension_is_no_error() {
    let one = One::<1>::new(TensorData::new(weights(4), [4]));
    let before = one.data();
    let config = NoisyTuneConfig::new(0.0).with_selection(ParamGroup::all());
    let (one, _) = one.try_noisy_tune(&config).unwrap();
    assert_eq!(before, one.data());
}
