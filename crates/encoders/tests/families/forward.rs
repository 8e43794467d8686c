//! Token ids, hidden states and logits.

use burn::tensor::{Device, Tensor};
use encoders::{Dropouts, EncoderInput, Encoding, Layout};

use crate::closeness::{assert_close, values};
use crate::expected::{LABELS, ROUNDING};
use crate::family::{FAMILIES, layouts};

/// The states of the real tokens, end to end.
fn of_tokens(states: Tensor<3>, layout: &Layout, encodings: &[Encoding]) -> Vec<f32> {
    match layout {
        Layout::Packed(_) => values(states),
        Layout::Padded(_) => {
            let rows = encodings
                .iter()
                .enumerate()
                .map(|(row, encoding)| states.clone().slice([row..row + 1, 0..encoding.ids.len()]));
            values(Tensor::cat(rows.collect(), 1))
        }
    }
}

#[test]
fn token_ids_of_sentences_and_pairs_are_those_of_transformers() {
    for family in FAMILIES {
        let expected = family.expected();
        let tokenizer = family.snapshot().tokenizer(expected.max_length).unwrap();
        let texts = expected.texts.iter();
        let texts = texts.map(|text| (text.text.as_str(), text.pair.as_deref()));
        let encodings = tokenizer.encode(texts).unwrap();
        assert_eq!(encodings, expected.encodings(), "{}", family.name);
    }
}

#[test]
fn every_hidden_state_and_the_logits_are_those_of_transformers_in_both_layouts() {
    for family in FAMILIES {
        let (golden, snapshot, model) = (family.tensors(), family.snapshot(), family.model());
        let encodings = family.expected().encodings();
        for input in layouts(&snapshot, &encodings, &Device::flex()) {
            let layout = input.layout.clone();
            let output = model.forward_with_hidden_states(input.clone(), &mut Dropouts::off());
            let layers = snapshot.config().num_hidden_layers();
            assert_eq!(output.hidden_states.len(), layers + 1);
            for (layer, states) in output.hidden_states.into_iter().enumerate() {
                let name = format!("hidden_states.{layer}");
                let ours = of_tokens(states, &layout, &encodings);
                let what = format!("{}: {name}", family.name);
                assert_close(&what, &ours, &golden.f32(&name), &ROUNDING);
            }
            let logits = model.forward(input, &mut Dropouts::off());
            assert_eq!(logits.dims(), [encodings.len(), LABELS]);
            for logits in [output.logits, logits] {
                let what = format!("{}: logits", family.name);
                assert_close(&what, &values(logits), &golden.f32("logits"), &ROUNDING);
            }
        }
    }
}

#[test]
fn a_sentence_alone_has_the_logits_it_has_in_a_batch() {
    for family in FAMILIES {
        let (snapshot, model) = (family.snapshot(), family.model());
        let mut alone = Vec::new();
        for encoding in family.expected().encodings() {
            let token = snapshot.config().pad_token_id();
            let input = EncoderInput::padded([&encoding], token, 0, &Device::flex());
            alone.extend(values(model.forward(input, &mut Dropouts::off())));
        }
        let what = format!("{}: logits", family.name);
        assert_close(&what, &alone, &family.tensors().f32("logits"), &ROUNDING);
    }
}
