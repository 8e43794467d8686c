//! The head is drawn from the seed, whatever head the checkpoint brings.

use burn::tensor::Device;
use encoders::LoadedClassifier;
use serde_json::json;

use crate::masked_lm::named;
use crate::tiny::{Copy, HEAD_SEED, LABELS, RawTensor};

const WEIGHT: &str = "classifier.weight";

fn loaded(copy: &Copy, labels: usize, seed: u64) -> LoadedClassifier {
    let loaded = copy.open().classifier(labels, seed, &Device::flex());
    loaded.unwrap()
}

fn head(loaded: &LoadedClassifier) -> Vec<f32> {
    named(&loaded.model, None).remove(WEIGHT).unwrap()
}

#[test]
fn a_head_of_the_same_width_is_left_aside() {
    let copy = Copy::new();
    let without = Copy::new();
    let mut tensors = without.tensors();
    tensors.retain(|name, _| !name.starts_with("classifier."));
    without.write_tensors(&tensors);

    let (with, without) = (loaded(&copy, LABELS, 5), loaded(&without, LABELS, 5));
    assert_eq!(with.fresh, ["classifier"]);
    assert_eq!(with.fresh, without.fresh);
    assert_eq!(named(&with.model, None), named(&without.model, None));
    assert_ne!(head(&with), head(&loaded(&copy, LABELS, 6)));
    assert_eq!((without.head_left_aside, without.notes), (None, Vec::new()));
}

#[test]
fn a_head_of_other_labels_is_left_aside_and_said() {
    let copy = Copy::new();
    let mut tensors = copy.tensors();
    tensors.insert(WEIGHT.to_owned(), RawTensor::zeros(&[3, 24]));
    tensors.insert("classifier.bias".to_owned(), RawTensor::zeros(&[3]));
    copy.write_tensors(&tensors);
    copy.configure("id2label", json!({ "2": "good", "0": "bad", "1": "so so" }));

    let notes = copy.open().classifier_notes(LABELS, &Device::flex());
    let loaded = loaded(&copy, LABELS, HEAD_SEED);
    assert_eq!(loaded.notes, notes.unwrap());
    let head = loaded.head_left_aside.unwrap();
    assert_eq!(head.labels, ["bad", "so so", "good"]);
    let shapes = [("classifier.bias", vec![3]), (WEIGHT, vec![3, 24])];
    assert_eq!(
        head.tensors,
        shapes.map(|(name, shape)| (name.to_owned(), shape))
    );
    assert_eq!(
        loaded.notes,
        [
            "the checkpoint's head is left aside: `classifier.bias` [3], `classifier.weight` [3, 24] \
             for the labels bad, so so, good"
        ]
    );
}

#[test]
fn labels_that_do_not_count_from_0_name_no_head_that_is_kept() {
    let copy = Copy::new();
    copy.configure("id2label", json!({ "1": "negative", "2": "positive" }));
    let outputs = [vec!["negative".to_owned()], vec!["positive".to_owned()]];
    let error = copy.open().own_head(&outputs, &Device::flex());
    let text = error.expect_err("it is refused").to_string();
    let end = "config.json: id2label has the numbers [1, 2], accepted are the numbers from 0 on, each with the text of a label";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn a_head_of_another_task_is_left_aside_and_said() {
    let copy = Copy::new();
    let mut tensors = copy.tensors();
    tensors.retain(|name, _| !name.starts_with("classifier."));
    tensors.insert("qa_outputs.weight".to_owned(), RawTensor::zeros(&[2, 24]));
    tensors.insert("qa_outputs.bias".to_owned(), RawTensor::zeros(&[2]));
    copy.write_tensors(&tensors);

    let loaded = loaded(&copy, LABELS, HEAD_SEED);
    assert_eq!(loaded.fresh, ["classifier"]);
    assert_eq!(
        loaded.notes,
        ["the checkpoint's head is left aside: `qa_outputs.bias` [2], `qa_outputs.weight` [2, 24]"]
    );
}

#[test]
fn the_head_counts_as_not_pretrained_wherever_it_comes_from() {
    let copy = Copy::new();
    let drawn = loaded(&copy, LABELS, HEAD_SEED);
    assert_eq!(drawn.not_pretrained(), ["classifier"]);
    let brought = copy.open().finetuned_classifier(LABELS, &Device::flex());
    let brought = brought.unwrap();
    assert!(brought.fresh.is_empty());
    assert_eq!(brought.not_pretrained(), ["classifier"]);
}
