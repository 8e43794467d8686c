//! The bundled checkpoint against transformers: `golden/bundled`.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use encoders::{Dropouts, EncoderInput, Encoding, Snapshot};
use serde::Deserialize;

use crate::closeness::{Tolerance, assert_close, values};
use crate::golden::{self, Tensors};

/// Two correct f32 programs over three layers: torch itself is 5e-7 from f64 here, 1e-5 at the worst of
/// the logits, which reach 16; ours is 3e-6 from torch.
const ROUNDING: Tolerance = Tolerance {
    relative: 1e-5,
    element: 2e-4,
};

#[derive(Deserialize)]
struct Expected {
    sentences: Vec<String>,
    ids: Vec<Vec<u32>>,
}

fn snapshot() -> Snapshot {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/glue_sst2/assets/film-bert-3x192");
    Snapshot::open(folder).unwrap()
}

/// The sentences as the tokenizer of the checkpoint encodes them.
fn encodings() -> Vec<Encoding> {
    let expected: Expected = golden::json("bundled/expected.json");
    let texts = expected.sentences.iter().map(|text| (text.as_str(), None));
    snapshot().tokenizer(128).unwrap().encode(texts).unwrap()
}

#[test]
fn the_bundled_tokenizer_is_that_of_transformers() {
    let expected: Expected = golden::json("bundled/expected.json");
    let ids: Vec<Vec<u32>> = encodings().into_iter().map(|e| e.ids).collect();
    assert_eq!(ids, expected.ids);
}

#[test]
fn the_bundled_model_predicts_as_in_transformers() {
    let expected = Tensors::read("bundled/expected.safetensors");
    let device = Device::flex();
    let input = || EncoderInput::padded(&encodings(), 0, 0, &device);
    let model = snapshot().masked_lm(&device).unwrap();
    let hidden = model.bert.forward(input(), &mut Dropouts::off());
    let [_, length, width] = hidden.dims();

    // Padding has hidden states too, which nothing reads.
    let real = expected.i64("attention_mask");
    let kept = |hidden: &[f32]| -> Vec<f32> {
        let rows = hidden.chunks(width).zip(&real);
        rows.filter(|(_, real)| **real == 1)
            .flat_map(|(row, _)| row.to_vec())
            .collect()
    };
    assert_eq!(real.len() % length, 0);
    let theirs = expected.f32("hidden");
    assert_close("hidden", &kept(&values(hidden)), &kept(&theirs), &ROUNDING);

    let places = Tensor::from_ints(expected.i64("places").as_slice(), &device);
    let logits = model.forward(input(), places, &mut Dropouts::off());
    assert_close(
        "logits",
        &values(logits),
        &expected.f32("logits"),
        &ROUNDING,
    );
}
