//! Tied parameters: the same id in several places.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use noisytune_burn::{NoiseScale, NoisyTune, NoisyTuneConfig, Selection, SkipReason, distances};

use crate::model::{floats, noised, noised_by, perturbation, skip_reason, weights};

/// A language model's input and output embeddings.
#[derive(Module, Debug)]
struct Tied {
    embedding: Param<Tensor<2>>,
    body: Param<Tensor<2>>,
    decoder: Param<Tensor<2>>,
}

fn tied() -> Tied {
    let data = TensorData::new(weights(35), [7, 5]);
    let param = || Param::from_data(data.clone(), &Device::flex());
    let embedding = param();
    Tied {
        decoder: embedding.clone(),
        body: param(),
        embedding,
    }
}

#[test]
fn tied_parameters_stay_tied() {
    let (model, report) = noised(tied());
    assert_eq!(model.embedding.id, model.decoder.id);
    let [embedding, body, decoder] = floats(&model).try_into().unwrap();
    assert_eq!(embedding, decoder);
    assert_ne!(
        embedding, body,
        "equal values under another path get other noise"
    );
    let decoder = report.get("decoder").unwrap();
    assert_eq!(decoder.tied_to.as_deref(), Some("embedding"));
    assert_eq!(
        perturbation(decoder),
        perturbation(report.get("embedding").unwrap())
    );
}

#[test]
fn a_parameter_tied_to_an_excluded_one_is_excluded() {
    let selection = Selection::everything().except(["embedding"]);
    let before = tied();
    let (model, report) = noised_by(
        before.clone(),
        NoisyTuneConfig::new(0.15).with_selection(selection),
    );
    let decoder = report.get("decoder").unwrap();
    assert_eq!(skip_reason(decoder), Some(SkipReason::NotSelected));
    let (before, after) = (floats(&before), floats(&model));
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
    assert_eq!(before[2], after[2]);
}

#[test]
fn a_parameter_tied_to_a_perturbed_one_is_perturbed_though_its_own_path_is_excluded() {
    let selection = Selection::everything().except(["decoder"]);
    let (model, _) = noised_by(tied(), NoisyTuneConfig::new(0.15).with_selection(selection));
    let [embedding, _, decoder] = floats(&model).try_into().unwrap();
    assert_eq!(embedding, decoder);
}

/// A model and the moving average of its weights: the same ids, other values.
#[derive(Module, Debug)]
struct Distilled {
    student: Param<Tensor<2>>,
    teacher: Param<Tensor<2>>,
}

fn distilled() -> Distilled {
    let data = TensorData::new(weights(35), [7, 5]);
    let student: Param<Tensor<2>> = Param::from_data(data, &Device::flex());
    Distilled {
        teacher: student.clone().map(|weight| weight * 10.0),
        student,
    }
}

/// The teacher alone, under its path.
#[derive(Module, Debug)]
struct Teacher {
    teacher: Param<Tensor<2>>,
}

#[test]
fn one_id_with_other_values_is_another_parameter_with_its_own_draws_and_std() {
    let before = distilled();
    let config = NoisyTuneConfig::new(0.15).with_seed(7);
    let alone = Teacher {
        teacher: before.teacher.clone(),
    };
    let (alone, alone_report) = noised_by(alone, config.clone());
    let by_extension = before.clone().try_noisy_tune(&config).unwrap();
    for (model, report) in [noised(before.clone()), by_extension] {
        assert_eq!(floats(&model)[1], floats(&alone)[0]);
        let teacher = report.get("teacher").unwrap();
        assert_eq!(teacher, &alone_report.entries[0]);
        let moved = distances(&before, &model).unwrap();
        assert_eq!(moved.entries.len(), 2);
        assert!(moved.entries[1].l1 > 0.0);
    }
}

#[test]
fn the_global_std_pools_every_value_of_an_id_and_tied_ones_once() {
    let config = NoisyTuneConfig::new(0.15).with_scale(NoiseScale::Global);
    let values = weights(35);
    let larger: Vec<f32> = values.iter().map(|value| value * 10.0).collect();
    let expected = reference_std(&[values.clone(), larger].concat());
    let measured = config.survey(&distilled()).unwrap().global_std().unwrap();
    assert!(
        (measured / expected - 1.0).abs() < 1e-6,
        "{measured} {expected}"
    );
    // The embedding is tied to the decoder, and the body has the same values under another id.
    let expected = reference_std(&[values.clone(), values].concat());
    let measured = config.survey(&tied()).unwrap().global_std().unwrap();
    assert!(
        (measured / expected - 1.0).abs() < 1e-6,
        "{measured} {expected}"
    );
}

fn reference_std(values: &[f32]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let m2: f64 = values.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum();
    (m2 / (count - 1.0)).sqrt()
}

#[test]
fn a_value_of_an_id_that_is_left_out_does_not_leave_out_the_others() {
    let before = distilled();
    let selection = Selection::everything().except(["student"]);
    let config = NoisyTuneConfig::new(0.15).with_selection(selection);
    let (after, report) = before.clone().try_noisy_tune(&config).unwrap();
    let student = report.get("student").unwrap();
    assert_eq!(skip_reason(student), Some(SkipReason::NotSelected));
    assert_eq!(floats(&before)[0], floats(&after)[0]);
    assert_ne!(floats(&before)[1], floats(&after)[1]);
    // A bare mapper did not read the first, and cannot tell whether the second is tied to it.
    let (after, report) = noised_by(before.clone(), config);
    assert_eq!(
        report.get("teacher").unwrap().tied_to.as_deref(),
        Some("student")
    );
    assert_eq!(floats(&before), floats(&after));
}

#[test]
fn tied_parameters_draw_by_the_path_of_the_first_in_the_traversal() {
    #[derive(Module, Debug)]
    struct Backward {
        decoder: Param<Tensor<2>>,
        embedding: Param<Tensor<2>>,
    }
    let forward = tied();
    let backward = Backward {
        decoder: forward.decoder.clone(),
        embedding: forward.embedding.clone(),
    };
    let (backward, report) = noised(backward);
    let [decoder, embedding] = floats(&backward).try_into().unwrap();
    assert_eq!(decoder, embedding);
    let tied_to = &report.get("embedding").unwrap().tied_to;
    assert_eq!(tied_to.as_deref(), Some("decoder"));
    assert_ne!(decoder, floats(&noised(forward).0)[0]);
}
