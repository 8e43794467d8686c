//! Checkpoints with a head, without one, and with a tensor missing.

use std::collections::BTreeMap;
use std::fs;

use burn::tensor::Device;
use encoders::{Dropouts, EncoderError, Layout, TensorProblem};

use crate::closeness::values;
use crate::family::{FAMILIES, finetuned, layouts};
use crate::golden;

#[test]
fn a_checkpoint_without_a_head_has_the_same_body() {
    for family in FAMILIES {
        let copy = family.copy();
        let from = golden::path(family.name).join("base.safetensors");
        fs::copy(from, copy.path().join("model.safetensors")).unwrap();
        let snapshot = copy.open();
        let load = |seed| snapshot.classifier(2, seed, &Device::flex()).unwrap();
        let (loaded, with_head) = (load(1), family.model());
        for head in family.heads {
            assert!(loaded.fresh.iter().any(|fresh| fresh == head), "{head}");
        }
        assert_eq!(
            (loaded.head_left_aside.is_none(), loaded.notes.len()),
            (true, 0)
        );
        let [base, whole] = [&loaded.model, &with_head].map(|model| {
            let encodings = family.expected().encodings();
            let [_, packed] = layouts(&snapshot, &encodings, &Device::flex());
            assert!(matches!(packed.layout, Layout::Packed(_)));
            let states = model.forward_with_hidden_states(packed, &mut Dropouts::off());
            let last = states.hidden_states.into_iter().next_back();
            values(last.unwrap())
        });
        assert_eq!(base, whole, "{}", family.name);
        let of_other_seed = family.named(&load(2).model, None);
        for (name, values) in family.named(&loaded.model, None) {
            let is_fresh = loaded.fresh.iter().any(|layer| name.starts_with(layer));
            let is_drawn = is_fresh && values.iter().any(|&x| x != 0.0 && x != 1.0);
            assert_eq!(values != of_other_seed[&name], is_drawn, "{name}");
        }
    }
}

#[test]
fn a_fresh_pooler_wants_a_family_with_one() {
    for family in FAMILIES {
        let snapshot = family.snapshot();
        let model_type = snapshot.config().model_type().to_owned();
        match (snapshot.with_fresh_pooler(), model_type.as_str()) {
            (Ok(fresh), "bert" | "deberta-v2" | "modernbert") => {
                let load = |seed| {
                    let loaded = fresh.classifier(2, seed, &Device::flex()).unwrap();
                    assert!(
                        loaded.fresh.len() > family.heads.len(),
                        "{:?}",
                        loaded.fresh
                    );
                    family.named(&loaded.model, None)
                };
                let (one, other) = (load(1), load(2));
                let drawn = fresh.classifier(2, 1, &Device::flex()).unwrap().fresh;
                for (name, values) in one {
                    let is_fresh = drawn.iter().any(|layer| name.starts_with(layer));
                    let is_drawn = is_fresh && values.iter().any(|&x| x != 0.0 && x != 1.0);
                    assert_eq!(values != other[&name], is_drawn, "{name}");
                }
            }
            (Err(error), "bert") => {
                let expected = ": a model of type `bert` and classifier_pooling `mean` has no pooler apart from its head, which is drawn in any case";
                assert_eq!(family.name, "bert_mean");
                assert!(error.to_string().ends_with(expected), "{error}");
            }
            (Err(error), "roberta" | "xlm-roberta" | "electra" | "distilbert" | "xlnet") => {
                let expected = format!(
                    ": a model of type `{model_type}` has no pooler apart from its head, which is drawn in any case"
                );
                assert!(error.to_string().ends_with(&expected), "{error}");
            }
            (result, _) => panic!("{model_type}: {result:?}"),
        }
    }
}

#[test]
fn a_head_of_other_labels_is_left_aside_and_said() {
    for family in FAMILIES {
        let loaded = family.snapshot().classifier(2, 1, &Device::flex()).unwrap();
        let head = loaded.head_left_aside.expect("it brings a head");
        assert_eq!(head.labels.len(), 3);
        for (name, _) in head.tensors {
            let is_head = family.heads.iter().any(|head| name.starts_with(head));
            assert!(is_head, "{name}");
        }
    }
}

#[test]
fn the_heads_of_pretraining_are_left_aside() {
    type Heads = BTreeMap<String, BTreeMap<String, BTreeMap<String, Vec<usize>>>>;
    let heads: Heads = golden::json("pretraining_heads.json");
    for (name, kinds) in heads {
        let family = FAMILIES.iter().find(|family| family.name == name);
        let family = family.expect("it has a golden");
        let copy = family.copy();
        let mut tensors = copy.tensors();
        tensors.retain(|name, _| !family.heads.iter().any(|head| name.starts_with(head)));
        for (kind, heads) in kinds {
            let mut with_heads = tensors.clone();
            for (name, shape) in heads {
                let bytes = vec![0; 4 * shape.iter().product::<usize>()];
                let twice = with_heads.insert(name.clone(), (shape, bytes));
                assert!(twice.is_none(), "{kind}: {name}");
            }
            copy.write_tensors(&with_heads);
            let loaded = copy.open().classifier(2, 1, &Device::flex());
            let loaded = loaded.unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(loaded.fresh, family.heads, "{kind}");
            assert_eq!(loaded.notes, Vec::<String>::new(), "{kind}");
        }
    }
}

/// What many files of the hub hold, and none that today's transformers writes.
#[test]
fn names_of_older_versions_load() {
    for family in FAMILIES {
        let copy = family.copy();
        let tensors = copy.tensors().into_iter().map(|(name, tensor)| {
            let (layer, parameter) = name.rsplit_once('.').unwrap_or(("", &name));
            let is_norm = layer.ends_with("LayerNorm") || layer.ends_with("norm");
            let name = match parameter {
                "weight" if is_norm => format!("{layer}.gamma"),
                "bias" if is_norm => format!("{layer}.beta"),
                _ => name,
            };
            (name, tensor)
        });
        copy.write_tensors(&tensors.collect());
        let ours = family.named(&finetuned(&copy.open()), None);
        assert_eq!(ours, family.named(&family.model(), None), "{}", family.name);
    }
}

#[test]
fn every_missing_tensor_is_named() {
    for family in FAMILIES {
        let copy = family.copy();
        let tensors = copy.tensors();
        for name in tensors.keys() {
            let mut fewer = tensors.clone();
            let (shape, _) = fewer.remove(name).unwrap();
            copy.write_tensors(&fewer);
            let loaded = copy.open().finetuned_classifier(3, &Device::flex());
            let Err(EncoderError::Tensors { problems, .. }) = loaded else {
                panic!("{}: {name}", family.name);
            };
            let missing = TensorProblem::Missing {
                name: name.clone(),
                expected: shape,
            };
            assert_eq!(problems, [missing], "{}", family.name);
        }
    }
}
