//! Tensors that are missing, unexpected, misshaped or of the wrong type are named, all of them.

use std::collections::BTreeMap;

use burn::tensor::Device;
use encoders::{EncoderError, TensorProblem};
use safetensors::Dtype;
use serde_json::json;

use crate::tiny::{Copy, HEAD_SEED, LABELS, RawTensor};

/// Loads the copy, head and all, with other tensors; returns what is wrong with them, and the error's text.
#[track_caller]
fn problems(copy: &Copy, tensors: &BTreeMap<String, RawTensor>) -> (Vec<TensorProblem>, String) {
    copy.write_tensors(tensors);
    let loaded = copy.open().finetuned_classifier(LABELS, &Device::flex());
    parts(copy, loaded.unwrap_err())
}

/// Checks the form of an error about tensors and returns them, and the error's text.
#[track_caller]
fn parts(copy: &Copy, error: EncoderError) -> (Vec<TensorProblem>, String) {
    let text = error.to_string();
    let path = copy.path().join("model.safetensors");
    assert!(text.starts_with(&format!("{}: ", path.display())), "{text}");
    assert!(!text.contains('\n'), "{text}");
    match error {
        EncoderError::Tensors { problems, .. } => (problems, text),
        other => panic!("{other}"),
    }
}

#[test]
fn every_missing_tensor_is_named_with_its_shape() {
    let copy = Copy::new();
    let tensors = copy.tensors();
    assert_eq!(tensors.len(), 41);
    for (name, tensor) in &tensors {
        let mut fewer = tensors.clone();
        fewer.remove(name);
        let (found, text) = problems(&copy, &fewer);
        let missing = TensorProblem::Missing {
            name: name.clone(),
            expected: tensor.shape.clone(),
        };
        assert_eq!(found, [missing]);
        assert!(text.contains(&format!(
            "missing tensor `{name}` of shape {:?}",
            tensor.shape
        )));
    }
}

#[test]
fn every_misshaped_tensor_is_named_with_both_shapes() {
    let copy = Copy::new();
    let tensors = copy.tensors();
    for (name, tensor) in &tensors {
        let mut shapes = vec![tensor.shape.iter().map(|d| d + 1).collect::<Vec<_>>()];
        if tensor.shape.len() == 2 {
            let (rows, columns) = (tensor.shape[0], tensor.shape[1]);
            shapes.extend([vec![rows * columns], vec![rows, columns, 1]]);
            if rows != columns {
                shapes.push(vec![columns, rows]);
            }
        }
        for shape in shapes {
            let mut other = tensors.clone();
            other.insert(name.clone(), RawTensor::zeros(&shape));
            let (found, text) = problems(&copy, &other);
            let misshaped = TensorProblem::Shape {
                name: name.clone(),
                expected: tensor.shape.clone(),
                found: shape.clone(),
            };
            assert_eq!(found, [misshaped]);
            for part in [name, &format!("{shape:?}"), &format!("{:?}", tensor.shape)] {
                assert!(text.contains(part), "{text}");
            }
        }
    }
}

#[test]
fn unexpected_tensors_are_named() {
    let copy = Copy::new();
    let whole = copy.tensors();
    for name in [
        "bert.encoder.layer.2.attention.self.query.weight",
        "bert.embeddings.word_embeddings.weight_scale",
        "bert.encoder.layer.0.attention.self.distance_embedding.weight",
        "encoder.layer.01.output.dense.bias",
        "bert.bert.pooler.dense.bias",
        "dropout.weight",
        "qa_outputs.weight",
        "cls",
        "",
    ] {
        let mut tensors = whole.clone();
        tensors.insert(name.to_owned(), RawTensor::zeros(&[2, 24]));
        let (found, _) = problems(&copy, &tensors);
        let unexpected = TensorProblem::Unexpected {
            name: name.to_owned(),
            found: vec![2, 24],
        };
        assert_eq!(found, [unexpected]);
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let copy = Copy::new();
    let mut tensors = copy.tensors();
    tensors.remove("bert.embeddings.LayerNorm.bias");
    tensors.insert("classifier.weight".to_owned(), RawTensor::zeros(&[3, 24]));
    tensors.insert("extra".to_owned(), RawTensor::zeros(&[1]));
    let (found, text) = problems(&copy, &tensors);
    assert_eq!(found.len(), 3);
    for name in [
        "bert.embeddings.LayerNorm.bias",
        "classifier.weight",
        "extra",
    ] {
        assert!(text.contains(&format!("`{name}`")), "{text}");
    }
}

#[test]
fn a_layer_that_may_be_absent_is_absent_as_a_whole() {
    let copy = Copy::of_variant("base_model");
    let mut tensors = copy.tensors();
    tensors.remove("pooler.dense.weight");
    copy.write_tensors(&tensors);
    let snapshot = copy.open();
    let loaded = snapshot.classifier(LABELS, HEAD_SEED, &Device::flex());
    let (found, _) = parts(&copy, loaded.unwrap_err());
    let missing = TensorProblem::Missing {
        name: "bert.pooler.dense.weight".to_owned(),
        expected: vec![24, 24],
    };
    assert_eq!(found, [missing]);
}

#[test]
fn integers_are_no_weights() {
    let copy = Copy::new();
    let mut tensors = copy.tensors();
    tensors.get_mut("classifier.bias").unwrap().dtype = Dtype::I32;
    let (found, text) = problems(&copy, &tensors);
    assert!(matches!(&found[..], [TensorProblem::DType { name, .. }] if name == "classifier.bias"));
    assert!(text.contains("I32"), "{text}");
}

#[test]
fn two_names_for_one_parameter_are_refused() {
    let copy = Copy::new();
    let whole = copy.tensors();
    for (name, twin) in [
        ("bert.pooler.dense.bias", "pooler.dense.bias"),
        (
            "bert.embeddings.LayerNorm.weight",
            "bert.embeddings.LayerNorm.gamma",
        ),
    ] {
        let mut tensors = whole.clone();
        tensors.insert(twin.to_owned(), tensors[name].clone());
        let (found, text) = problems(&copy, &tensors);
        assert!(
            matches!(&found[..], [TensorProblem::Duplicate { .. }]),
            "{text}"
        );
        assert!(text.contains(name) && text.contains(twin), "{text}");
    }
}

#[test]
fn a_configuration_of_another_size_does_not_fit_the_tensors() {
    for (field, value, count) in [
        // The word embedding.
        ("vocab_size", json!(234), 1),
        // Four tensors: weight and bias of the first half, weight of the second; in two layers.
        ("intermediate_size", json!(41), 6),
        // One more layer misses 16 tensors, one less leaves 16 over.
        ("num_hidden_layers", json!(3), 16),
        ("num_hidden_layers", json!(1), 16),
        // Every tensor but the classifier's bias, and the intermediate biases.
        ("hidden_size", json!(48), 38),
    ] {
        let copy = Copy::new();
        copy.configure(field, value.clone());
        let (found, text) = problems(&copy, &copy.tensors());
        assert_eq!(found.len(), count, "{field} {value}: {text}");
    }
}
