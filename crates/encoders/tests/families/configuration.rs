//! Every field of `config.json` that transformers' model reads reaches its layer, or is refused.

use burn::tensor::Device;
use encoders::{Dropouts, Snapshot};
use serde_json::{Value, json};

use crate::closeness::{assert_close, values};
use crate::expected::ROUNDING;
use crate::family::{FAMILIES, Family, finetuned, layouts};

/// In both layouts.
fn logits(family: &Family, snapshot: &Snapshot, dropouts: Dropouts) -> [Vec<f32>; 2] {
    let (model, encodings) = (finetuned(snapshot), family.expected().encodings());
    layouts(snapshot, &encodings, &Device::flex())
        .map(|input| values(model.forward(input, &mut dropouts.clone())))
}

#[test]
fn other_values_of_a_field_give_the_logits_that_transformers_gives() {
    for family in FAMILIES {
        let golden = family.tensors();
        for (number, fields) in family.expected().variants.into_iter().enumerate() {
            let copy = family.copy();
            for (field, value) in &fields {
                copy.configure(field, value.clone());
            }
            let theirs = golden.f32(&format!("variant.{number}.logits"));
            let what = format!("{}: {fields:?}", family.name);
            for ours in logits(family, &copy.open(), Dropouts::off()) {
                assert_close(&what, &ours, &theirs, &ROUNDING);
            }
        }
    }
}

#[test]
fn every_probability_of_dropout_reaches_a_layer() {
    for family in FAMILIES {
        let of_field = |changed: Option<&str>| {
            let copy = family.copy();
            for field in family.dropouts {
                let p = if Some(*field) == changed { 0.5 } else { 0.0 };
                copy.configure(field, json!(p));
            }
            logits(family, &copy.open(), Dropouts::keyed(1, 2))
        };
        let none = of_field(None);
        let plain = logits(family, &family.snapshot(), Dropouts::off());
        for (none, plain) in none.iter().zip(&plain) {
            assert_close(family.name, none, plain, &ROUNDING);
        }
        for field in family.dropouts {
            for (some, none) in of_field(Some(field)).iter().zip(&none) {
                assert_ne!(some, none, "{}: {field}", family.name);
            }
        }
    }
}

#[test]
fn what_is_not_computed_is_refused_with_its_field_and_value() {
    for family in FAMILIES {
        for (field, value, accepted) in family.refused {
            let copy = family.copy();
            copy.configure(field, serde_json::from_str(value).unwrap());
            let error = Snapshot::open(copy.path()).expect_err(field).to_string();
            let place = copy.path().join("config.json").display().to_string();
            let text = error
                .strip_prefix(&place)
                .unwrap_or_else(|| panic!("{error}"));
            assert!(text.contains(field), "{}: {text}", family.name);
            assert!(text.contains(accepted), "{}: {text}", family.name);
            assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
        }
    }
}

#[test]
fn a_configuration_is_written_as_it_is_read() {
    for family in FAMILIES {
        let snapshot = family.snapshot();
        let text = serde_json::to_string(snapshot.config()).unwrap();
        let read = serde_json::from_str(&text).unwrap();
        assert_eq!(*snapshot.config(), read, "{}", family.name);
        let fields: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(fields["model_type"], snapshot.config().model_type());
    }
}
