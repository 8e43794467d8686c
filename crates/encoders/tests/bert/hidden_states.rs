//! Forward passes of the tiny checkpoint.

use burn::tensor::{Device, Tensor, TensorData};
use encoders::{Classifier, Dropouts, EncoderInput, Encoding, Layout};

use crate::closeness::{Tolerance, assert_close, values};
use crate::golden::Tensors;
use crate::parameters;
use crate::tiny;

/// Two correct f32 programs, which add in different orders, over two layers.
pub(crate) const ROUNDING: Tolerance = Tolerance {
    relative: 2e-6,
    element: 1e-5,
};

pub(crate) fn input(encodings: &[Encoding]) -> EncoderInput {
    EncoderInput::padded(encodings, 0, 0, &Device::flex())
}

fn rows() -> Vec<Encoding> {
    let sentences = tiny::sentences().batch;
    sentences.iter().map(tiny::Sentence::encoding).collect()
}

/// What the head reads: the logits of a head that changes nothing.
pub(crate) fn pooled(model: Classifier) -> Vec<f32> {
    let width = model.embedding_width();
    let diagonal = (0..width * width).map(|i| f32::from(i % (width + 1) == 0));
    let identity = TensorData::new(diagonal.collect::<Vec<_>>(), [width, width]);
    let model = parameters::with(model, "classifier.weight", identity);
    let zeros = TensorData::zeros::<f32, _>([width]);
    let model = parameters::with(model, "classifier.bias", zeros);
    values(model.forward(batch(), &mut Dropouts::off()))
}

pub(crate) fn batch() -> EncoderInput {
    input(&rows())
}

#[test]
fn a_padded_batch_is_the_one_transformers_saw() {
    let expected = Tensors::read("tiny/expected.safetensors");
    let batch = batch();
    let ints = |tensor: burn::tensor::Tensor<2, burn::tensor::Int>| -> Vec<i64> {
        tensor.into_data().iter::<i64>().collect()
    };
    assert_eq!(batch.input_ids.dims(), [5, 40]);
    assert_eq!(ints(batch.input_ids), expected.i64("input_ids"));
    assert_eq!(ints(batch.token_type_ids), expected.i64("token_type_ids"));
    let Layout::Padded(mask) = batch.layout else {
        panic!("{:?}", batch.layout);
    };
    assert_eq!(ints(mask.int()), expected.i64("attention_mask"));
}

#[test]
fn every_hidden_state_is_that_of_transformers() {
    let expected = Tensors::read("tiny/expected.safetensors");
    let model = tiny::classifier(&tiny::snapshot());
    let output = model.forward_with_hidden_states(batch(), &mut Dropouts::off());
    assert_eq!(output.hidden_states.len(), 3);
    for (layer, state) in output.hidden_states.into_iter().enumerate() {
        assert_eq!(state.dims(), [5, 40, 24]);
        let name = format!("hidden_states.{layer}");
        assert_close(&name, &values(state), &expected.f32(&name), &ROUNDING);
    }
    assert_close(
        "logits",
        &values(output.logits),
        &expected.f32("logits"),
        &ROUNDING,
    );
}

#[test]
fn what_the_head_reads_is_the_pooled_output_of_transformers() {
    let expected = Tensors::read("tiny/expected.safetensors").f32("pooled");
    let model = tiny::classifier(&tiny::snapshot());
    assert_close("pooled", &pooled(model), &expected, &ROUNDING);
}

#[test]
fn logits_are_those_of_transformers() {
    let expected = Tensors::read("tiny/expected.safetensors");
    let model = tiny::classifier(&tiny::snapshot());
    let logits = model.forward(batch(), &mut Dropouts::off());
    assert_eq!(logits.dims(), [5, 2]);
    assert_close(
        "logits",
        &values(logits),
        &expected.f32("logits"),
        &ROUNDING,
    );
}

#[test]
fn padding_changes_no_logit() {
    let model = tiny::classifier(&tiny::snapshot());
    let together = values(model.forward(batch(), &mut Dropouts::off()));
    let alone: Vec<f32> = tiny::sentences()
        .batch
        .iter()
        .flat_map(|sentence| {
            values(model.forward(input(&[sentence.encoding()]), &mut Dropouts::off()))
        })
        .collect();
    assert_close("logits", &together, &alone, &ROUNDING);
}

#[test]
fn a_packed_batch_gives_the_states_of_the_padded_one_without_padding() {
    let model = tiny::classifier(&tiny::snapshot());
    let rows = rows();
    let states = |input| {
        let output = model.forward_with_hidden_states(input, &mut Dropouts::off());
        output.hidden_states
    };
    let packed = states(EncoderInput::packed(&rows, &Device::flex()));
    let padded = states(batch());
    assert_eq!(packed.len(), padded.len());
    for (packed, padded) in packed.into_iter().zip(padded) {
        let tokens: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(row, encoding)| padded.clone().slice([row..row + 1, 0..encoding.ids.len()]))
            .collect();
        let tokens = Tensor::cat(tokens, 1);
        assert_eq!(packed.dims(), tokens.dims());
        assert_close("states", &values(packed), &values(tokens), &ROUNDING);
    }
}

#[test]
fn packed_logits_are_those_of_transformers() {
    let model = tiny::classifier(&tiny::snapshot());
    let input = EncoderInput::packed(&rows(), &Device::flex());
    let logits = model.forward(input, &mut Dropouts::off());
    assert_eq!(logits.dims(), [5, 2]);
    let expected = Tensors::read("tiny/expected.safetensors");
    assert_close(
        "logits",
        &values(logits),
        &expected.f32("logits"),
        &ROUNDING,
    );
}

#[test]
fn token_types_and_order_of_a_pair_matter() {
    let model = tiny::classifier(&tiny::snapshot());
    let pair = tiny::sentences().batch.swap_remove(2).encoding();
    let one_type = Encoding {
        type_ids: vec![0; pair.ids.len()],
        ..pair.clone()
    };
    let mut swapped = pair.clone();
    swapped.ids.swap(1, 2);
    let logits = |encoding| values(model.forward(input(&[encoding]), &mut Dropouts::off()));
    let of_pair = logits(pair);
    for other in [one_type, swapped] {
        let of_other = logits(other);
        assert!(
            (of_pair[0] - of_other[0]).abs() > 1e-3,
            "{of_pair:?} {of_other:?}"
        );
    }
}

#[test]
fn dropout_is_a_function_of_seed_and_step() {
    let model = tiny::classifier(&tiny::snapshot());
    let logits = |mut dropouts| values(model.forward(batch(), &mut dropouts));
    let first = logits(Dropouts::keyed(1, 0));
    assert_eq!(first, logits(Dropouts::keyed(1, 0)));
    assert_ne!(first, logits(Dropouts::keyed(2, 0)));
    assert_ne!(first, logits(Dropouts::keyed(1, 1)));
    assert_ne!(first, logits(Dropouts::off()));
}
