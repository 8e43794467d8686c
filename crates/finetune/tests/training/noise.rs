//! Standard deviations and noise bounds are compared with `torch.std` (`tests/golden/std`), and every parameter after
//! each arm's noise with the paper's formula (`tests/golden/noise_arms`).

use std::path::Path;

use burn::tensor::Device;
use encoders::{Role, Snapshot};
use noisytune_burn::{NoisyTune, Outcome};
use safetensors::SafeTensors;
use study::Arm;

use crate::parameters;
use crate::reference::{floats, golden, json, minilm_snapshot, tiny_snapshot};

/// `torch.std` in f64 against ours over the same f32 elements.
const STD: f64 = 1e-6;

fn compare(snapshot: &Path, case: &str, prefix: &str) {
    let expected = json(&golden("std").join(case));
    let lambda = expected["lambda"].as_f64().expect("a number");
    let expected = expected["parameters"].as_object().expect("parameters");

    let device = Device::flex();
    let snapshot = Snapshot::open(snapshot).expect("the snapshot opens");
    let loaded = snapshot.classifier(2, 0, &device).expect("it loads");
    let config = Arm::NOISYTUNE
        .noise(lambda, 5, &loaded.not_pretrained())
        .expect("the arm has noise");
    let before = parameters::values(&loaded.model);
    let (noisy, report) = loaded
        .model
        .try_noisy_tune(&config)
        .expect("something is perturbed");
    let after = parameters::values(&noisy);

    let mut compared = 0;
    for entry in &report.entries {
        let name = entry
            .path
            .replace(".self_attention.", ".self.")
            .replace(".layer_norm.gamma", ".LayerNorm.weight")
            .replace(".layer_norm.beta", ".LayerNorm.bias");
        let changed = before[&name] != after[&name];
        if name.starts_with("classifier.") {
            assert!(!changed, "{name} is the head: it is not pretrained");
            continue;
        }
        let theirs = &expected[name.strip_prefix(prefix).unwrap_or(&name)];
        let std = theirs["std"].as_f64().expect("a number");
        let bound = theirs["bound"].as_f64().expect("a number");
        compared += 1;
        match entry.outcome {
            Outcome::Perturbed {
                std: Some(ours), ..
            } => {
                assert!(
                    (ours - std).abs() <= STD * std,
                    "{name}: {ours} against {std}"
                );
                assert!(changed, "{name} was to be perturbed");
                // The sum is rounded to f32 once, which may exceed the bound.
                for (b, a) in before[&name].iter().zip(&after[&name]) {
                    let slack = f64::from(b.abs().max(a.abs())) * f64::from(f32::EPSILON);
                    let noise = (f64::from(*a) - f64::from(*b)).abs();
                    assert!(noise <= bound * (1.0 + STD) + slack, "{name}: {noise}");
                }
            }
            Outcome::Skipped(_) => {
                assert_eq!(std, 0.0, "{name} was skipped");
                assert!(!changed, "{name} is constant");
            }
            Outcome::Perturbed { std: None, .. } => panic!("{name} has no standard deviation"),
        }
    }
    let body = expected.keys().filter(|n| !n.starts_with("classifier."));
    assert_eq!(compared, body.count());
}

#[test]
fn standard_deviations_and_noise_bounds_match_torch() {
    compare(&tiny_snapshot(), "tiny.json", "");
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn standard_deviations_and_noise_bounds_of_minilm_match_torch() {
    compare(&minilm_snapshot(), "minilm.json", "bert.");
}

#[test]
fn without_noise_on_token_embeddings_every_other_parameter_has_the_same_noise() {
    let snapshot = Snapshot::open(tiny_snapshot()).expect("the snapshot opens");
    let loaded = || {
        snapshot
            .classifier(2, 0, &Device::flex())
            .expect("it loads")
    };
    let noisy = |more: &[String]| {
        let loaded = loaded();
        let left_out = [loaded.not_pretrained(), more.to_vec()].concat();
        let config = Arm::NOISYTUNE.noise(0.1, 3, &left_out).expect("noise");
        let (noisy, _) = loaded
            .model
            .try_noisy_tune(&config)
            .expect("it is perturbed");
        parameters::values(&noisy)
    };
    let model = loaded().model;
    let tables = model
        .parameters_of("token embeddings", |role| role == Role::TokenEmbedding)
        .expect("there is one");
    let tables: Vec<String> = tables.into_iter().map(|table| table.path).collect();
    let (pretrained, everything, without) =
        (parameters::values(&model), noisy(&[]), noisy(&tables));
    assert_eq!(tables.len(), 1);
    let mut left = 0;
    for (name, values) in &without {
        let is_table = tables.contains(name);
        left += usize::from(is_table);
        let expected = if is_table { &pretrained } else { &everything };
        assert_eq!(values, &expected[name], "{name}");
    }
    assert_eq!(left, 1);
    assert_ne!(everything[&tables[0]], pretrained[&tables[0]]);
}

#[test]
fn the_noise_of_every_arm_is_the_formula_of_the_paper() {
    let folder = golden("noise_arms");
    let case = json(&folder.join("expected.json"));
    let lambda = case["lambda"].as_f64().expect("a number");
    let seed = case["seed"].as_u64().expect("a seed");
    let bytes = std::fs::read(folder.join("expected.safetensors")).expect("the golden");
    let expected = SafeTensors::deserialize(&bytes).expect("safetensors");
    let snapshot = Snapshot::open(tiny_snapshot()).expect("the snapshot opens");

    let perturb = Arm::ALL.iter().filter(|arm| arm.has_noise());
    let perturb = perturb.filter(|arm| !Arm::METHODS.contains(arm));
    let names: Vec<&str> = perturb.clone().map(|arm| arm.name()).collect();
    assert_eq!(case["arms"], serde_json::json!(names));
    for arm in perturb {
        let loaded = snapshot
            .classifier(2, 0, &Device::flex())
            .expect("it loads");
        let config = arm
            .noise(lambda, seed, &loaded.not_pretrained())
            .expect("noise");
        let (noisy, _) = loaded
            .model
            .try_noisy_tune(&config)
            .expect("it is perturbed");
        let ours = parameters::values(&noisy);
        let body = ours
            .iter()
            .filter(|(name, _)| !name.starts_with("classifier."));
        let mut compared = 0;
        for (name, ours) in body {
            let (_, theirs) = floats(&expected, &format!("{arm}/{name}"));
            assert_eq!(ours.len(), theirs.len(), "{name}");
            for (ours, theirs) in ours.iter().zip(&theirs) {
                // A scale and a sum in f32, each rounded once.
                let slack = 2.0 * f32::EPSILON * theirs.abs().max(0.1);
                assert!(
                    (ours - theirs).abs() <= slack,
                    "{arm}, {name}: {ours} against {theirs}"
                );
            }
            compared += 1;
        }
        assert_eq!(compared, expected.len() / names.len(), "{arm}");
    }
}
