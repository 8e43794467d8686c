//! Tied parameters: the same id in several places.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use noisytune_burn::{NoisyTuneMapper, SkipReason, selection};

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
    let group = selection::except(&["embedding"]);
    let before = tied();
    let (model, report) = noised_by(before.clone(), NoisyTuneMapper::new(0.15).with_group(group));
    let decoder = report.get("decoder").unwrap();
    assert_eq!(skip_reason(decoder), Some(SkipReason::NotSelected));
    let (before, after) = (floats(&before), floats(&model));
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
    assert_eq!(before[2], after[2]);
}

#[test]
fn a_parameter_tied_to_a_perturbed_one_is_perturbed_though_its_own_path_is_excluded() {
    let group = selection::except(&["decoder"]);
    let (model, _) = noised_by(tied(), NoisyTuneMapper::new(0.15).with_group(group));
    let [embedding, _, decoder] = floats(&model).try_into().unwrap();
    assert_eq!(embedding, decoder);
}
