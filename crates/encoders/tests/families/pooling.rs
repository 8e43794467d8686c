//! What a classifier reads, if it is asked to read other tokens than `config.json` says.

use std::fs;

use burn::tensor::Device;
use encoders::{ClassifierPooling, Dropouts, LoadedClassifier, Snapshot};
use serde_json::{Value, json};

use crate::closeness::values;
use crate::family::{FAMILIES, Family, layouts};
use crate::saving::options;

const LABELS: usize = 3;

fn family(name: &str) -> &'static Family {
    let mut families = FAMILIES.iter();
    families
        .find(|family| family.name == name)
        .expect("it has a golden")
}

fn load(snapshot: &Snapshot) -> LoadedClassifier {
    let loaded = snapshot.classifier(LABELS, 1, &Device::flex());
    loaded.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn it_is_a_choice_for_two_families() {
    for family in FAMILIES {
        let snapshot = family.snapshot();
        let model_type = snapshot.config().model_type().to_owned();
        let mean = snapshot.with_classifier_pooling(ClassifierPooling::Mean);
        match (mean, model_type.as_str()) {
            (Ok(_), "bert" | "modernbert") => {}
            (Err(error), _) => {
                let expected = format!(
                    ": classifier_pooling is `mean`, accepted for a model of type `{model_type}` is none; only `bert` and `modernbert` have a choice"
                );
                assert!(error.to_string().ends_with(&expected), "{error}");
            }
            (Ok(_), _) => panic!("{model_type} has no choice"),
        }
    }
}

#[test]
fn the_mean_is_that_of_a_checkpoint_that_says_so_and_berts_has_no_pooler() {
    for (name, left_aside) in [("bert", true), ("modernbert", false)] {
        let family = family(name);
        let mean = family.snapshot();
        let mean = mean
            .with_classifier_pooling(ClassifierPooling::Mean)
            .unwrap();
        let (read, own) = (load(&mean), load(&family.snapshot()));
        assert_eq!(read.fresh, ["classifier"], "{name}");
        let note = "the checkpoint's pooler is left aside: `bert.pooler.dense.bias`, `bert.pooler.dense.weight`";
        assert_eq!(
            read.notes.iter().any(|n| n == note),
            left_aside,
            "{:?}",
            read.notes
        );

        // Everything else is what it was, the draws of the head too.
        let (ours, theirs) = (
            family.named(&read.model, None),
            family.named(&own.model, None),
        );
        for (parameter, values) in &theirs {
            let is_left_aside = left_aside && parameter.contains("pooler");
            assert_eq!(
                ours.get(parameter),
                (!is_left_aside).then_some(values),
                "{parameter}"
            );
        }

        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("saved");
        mean.save_classifier(&read.model, &place, &options(&["a", "b", "c"]))
            .unwrap();
        let config = fs::read(place.join("config.json")).unwrap();
        let config: Value = serde_json::from_slice(&config).unwrap();
        let architecture = match name {
            "bert" => "BertModel",
            _ => "ModernBertForSequenceClassification",
        };
        assert_eq!(config["architectures"], json!([architecture]));
        assert_eq!(config["classifier_pooling"], "mean");

        let saved = Snapshot::open(&place).unwrap();
        assert_eq!(saved.config(), mean.config());
        let again = saved.finetuned_classifier(LABELS, &Device::flex()).unwrap();
        let encodings = family.expected().encodings();
        let logits = |loaded: &LoadedClassifier| {
            layouts(&mean, &encodings, &Device::flex())
                .map(|input| values(loaded.model.forward(input, &mut Dropouts::off())))
        };
        assert_eq!(logits(&again), logits(&read), "{name}");
        assert_ne!(logits(&again), logits(&own), "{name}");
    }
}

#[test]
fn a_config_that_transformers_saved_again_is_refused_and_null_is_nothing() {
    let copy = family("bert_mean").copy();
    copy.configure("architectures", json!(["BertForSequenceClassification"]));
    let error = Snapshot::open(copy.path()).expect_err("two ways to read it");
    let expected = "architectures names `BertForSequenceClassification`, accepted is `BertModel` where classifier_pooling is `mean`: that class reads the first token";
    assert!(error.to_string().ends_with(expected), "{error}");

    let copy = family("bert").copy();
    copy.configure("classifier_pooling", Value::Null);
    assert_eq!(copy.open().config(), family("bert").snapshot().config());
}

#[test]
fn a_kept_head_and_a_fresh_pooler_that_is_not_there_are_refused() {
    for name in ["bert", "modernbert"] {
        let mean = family(name).snapshot();
        let mean = mean
            .with_classifier_pooling(ClassifierPooling::Mean)
            .unwrap();
        let outputs = vec![Vec::new(); LABELS];
        for error in [
            mean.finetuned_classifier(LABELS, &Device::flex())
                .unwrap_err(),
            mean.own_head(&outputs, &Device::flex()).unwrap_err(),
        ] {
            let expected = "classifier_pooling is `mean`, but the checkpoint's own head reads what its config.json says; accepted here is a fresh head";
            assert!(error.to_string().ends_with(expected), "{error}");
        }
        let fresh = family(name).snapshot().with_fresh_pooler().unwrap();
        let mean = fresh.with_classifier_pooling(ClassifierPooling::Mean);
        assert_eq!(mean.is_ok(), name == "modernbert", "{mean:?}");
    }
}

#[test]
fn a_tensor_beside_a_pooler_that_is_there_is_unexpected() {
    for (name, tensor) in [
        ("bert", "bert.pooler.dense.scale"),
        ("modernbert", "head.dense.scale"),
    ] {
        let copy = family(name).copy();
        let mut tensors = copy.tensors();
        tensors.insert(tensor.to_owned(), (vec![1], vec![0; 4]));
        copy.write_tensors(&tensors);
        let loaded = copy.open().classifier(LABELS, 1, &Device::flex());
        let error = loaded.expect_err("there is no place for it").to_string();
        assert!(error.contains(tensor), "{error}");
    }
}

#[test]
fn a_pooler_that_a_checkpoint_lacks_is_drawn_for_the_first_token() {
    let family = family("bert_mean");
    let first = family.snapshot();
    let first = first
        .with_classifier_pooling(ClassifierPooling::Cls)
        .unwrap();
    let loaded = load(&first);
    assert_eq!(loaded.fresh, ["bert.pooler.dense", "classifier"]);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("saved");
    first
        .save_classifier(&loaded.model, &place, &options(&["a", "b", "c"]))
        .unwrap();
    let config = fs::read(place.join("config.json")).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(
        config["architectures"],
        json!(["BertForSequenceClassification"])
    );
    assert_eq!(config["classifier_pooling"], "cls");
    assert_eq!(Snapshot::open(&place).unwrap().config(), first.config());
}
