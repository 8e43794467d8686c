//! Checkpoints with a head, without one, and with a tensor missing.

use std::fs;

use burn::tensor::Device;
use encoders::{Dropouts, EncoderError, Layout, TensorProblem};

use crate::closeness::values;
use crate::family::{FAMILIES, layouts};
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
