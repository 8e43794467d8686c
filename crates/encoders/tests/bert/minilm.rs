//! all-MiniLM-L6-v2 on SST-2 dev sentences.

use std::fs;
use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use encoders::{Dropouts, EncoderInput, Snapshot};
use serde_json::Value;

use crate::closeness::{Tolerance, assert_close, values};
use crate::golden::{self, Tensors};
use crate::parameters;
use crate::tokens::digest;

/// Two correct f32 programs over six layers: torch itself is 7e-7 from f64 here, 4e-6 at the worst element.
const ROUNDING: Tolerance = Tolerance {
    relative: 2e-5,
    element: 2e-4,
};

pub(crate) fn folder() -> PathBuf {
    golden::asset("models/all-MiniLM-L6-v2")
}

/// The sentences of SST-2's dev split, in file order.
pub(crate) fn dev_sentences() -> Vec<String> {
    let text = fs::read_to_string(golden::asset("datasets/SST-2/dev.tsv")).unwrap();
    text.lines()
        .skip(1)
        .map(|line| line.split('\t').next().unwrap().to_owned())
        .collect()
}

#[test]
#[ignore = "needs NOISYTUNE_ASSETS"]
fn hidden_states_and_logits_of_minilm_are_those_of_transformers() {
    let expected = Tensors::read("minilm/expected.safetensors");
    let hashes: Value = golden::json("minilm/expected.json");
    let device = Device::flex();
    let snapshot = Snapshot::open(folder()).unwrap();

    let sentences = dev_sentences();
    let encodings = snapshot
        .tokenizer(128)
        .unwrap()
        .encode(sentences[..64].iter().map(|text| (text.as_str(), None)))
        .unwrap();
    let ids = digest(encodings.iter().flat_map(|encoding| &encoding.ids));
    assert_eq!(hashes["token_ids"], ids);

    let loaded = snapshot.classifier(2, 0, &device).unwrap();
    assert_eq!(loaded.fresh, ["classifier"]);
    let parameter = |name, shape: &[usize]| TensorData::new(expected.f32(name), shape.to_vec());
    let weight = Tensor::<2>::from_data(parameter("classifier.weight", &[2, 384]), &device);
    let bias = parameter("classifier.bias", &[2]);
    let weight = weight.transpose().into_data();
    let model = parameters::with(loaded.model, "classifier.weight", weight);
    let model = parameters::with(model, "classifier.bias", bias);

    let input = EncoderInput::padded(&encodings, snapshot.config().pad_token_id(), 0, &device);
    let [_, longest] = input.input_ids.dims();
    let mut dropouts = Dropouts::off();
    let output = model.forward_with_hidden_states(input, &mut dropouts);
    let last = values(output.hidden_states.into_iter().next_back().unwrap());
    let of_tokens: Vec<f32> = encodings
        .iter()
        .enumerate()
        .flat_map(|(row, encoding)| &last[row * longest * 384..][..encoding.ids.len() * 384])
        .copied()
        .collect();
    let logits = values(output.logits);
    let theirs = expected.f32("last_hidden_state");
    assert_close("last hidden state", &of_tokens, &theirs, &ROUNDING);
    assert_close("logits", &logits, &expected.f32("logits"), &ROUNDING);
}
