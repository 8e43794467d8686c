//! Predictions of every family, held against what transformers computed (`crates/encoders/tests/golden`).

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use encoders::Snapshot;
use predict::{Batching, Predictor, Settings};
use safetensors::SafeTensors;
use serde_json::Value;

const FAMILIES: [&str; 9] = [
    "bert",
    "deberta",
    "deberta_own",
    "distilbert",
    "electra",
    "modernbert",
    "roberta",
    "xlm_roberta",
    "xlnet",
];

/// Two correct f32 programs, which add in different orders, over two layers.
const ROUNDING: f32 = 1e-5;

fn golden(family: &str) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden");
    golden.join(family)
}

/// The logits that transformers computed, text by text.
fn expected_logits(family: &str) -> Vec<Vec<f32>> {
    let bytes = fs::read(golden(family).join("expected.safetensors")).expect("a file");
    let tensors = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let logits = tensors.tensor("logits").expect("logits");
    let values = logits.data().chunks_exact(4);
    let values = values.map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")));
    let values: Vec<f32> = values.collect();
    values
        .chunks(logits.shape()[1])
        .map(<[f32]>::to_vec)
        .collect()
}

/// Every way to make batches of a few texts.
fn batchings() -> Vec<Batching> {
    let packed = [(1, 9), (20, 9), (1024, 2), (1024, 9)];
    let packed = packed.map(|(tokens, texts)| Batching::Packed { tokens, texts });
    let padded = [1, 2, 64].map(|texts| Batching::Padded { texts });
    packed.into_iter().chain(padded).collect()
}

#[test]
fn logits_are_those_of_transformers_in_every_batching() {
    for family in FAMILIES {
        let text = fs::read_to_string(golden(family).join("expected.json")).expect("a file");
        let expected: Value = serde_json::from_str(&text).expect("JSON");
        let max_length = expected["max_length"].as_u64().expect("a number") as usize;
        let texts = expected["texts"].as_array().expect("texts").iter();
        let texts = texts.map(|text| {
            (
                text["text"].as_str().expect("a text"),
                text["pair"].as_str(),
            )
        });
        let texts: Vec<(&str, Option<&str>)> = texts.collect();
        let logits = expected_logits(family);
        let snapshot = Snapshot::open(golden(family).join("snapshot")).expect("a snapshot");
        for batching in batchings() {
            let settings = Settings {
                max_length: Some(max_length),
                batching,
            };
            let predictor =
                Predictor::open(&snapshot, &settings, &Device::flex()).expect("a model");
            let predictions = predictor.predict(&texts).expect("predictions");
            assert_eq!(predictions.len(), logits.len(), "{family}");
            for (prediction, logits) in predictions.iter().zip(&logits) {
                assert_eq!(prediction.logits.len(), logits.len(), "{family}");
                for (ours, theirs) in prediction.logits.iter().zip(logits) {
                    let distance = (ours - theirs).abs();
                    assert!(
                        distance <= ROUNDING,
                        "{family}, {batching:?}: {ours} and {theirs}"
                    );
                }
                let class = prediction.class.expect("a class");
                assert_eq!(
                    predictor.label(prediction),
                    Some(format!("LABEL_{class}").as_str())
                );
            }
        }
    }
}

#[test]
fn a_batch_of_nothing_is_refused() {
    let snapshot = Snapshot::open(golden("bert").join("snapshot")).expect("a snapshot");
    for batching in [
        Batching::Padded { texts: 0 },
        Batching::Packed {
            tokens: 0,
            texts: 1,
        },
        Batching::Packed {
            tokens: 1,
            texts: 0,
        },
    ] {
        let settings = Settings {
            batching,
            ..Settings::default()
        };
        let Err(error) = Predictor::open(&snapshot, &settings, &Device::flex()) else {
            panic!("{batching:?} was accepted");
        };
        assert_eq!(error.to_string(), "batch size is 0, accepted is at least 1");
    }
}

#[test]
fn no_texts_have_no_predictions() {
    let snapshot = Snapshot::open(golden("bert").join("snapshot")).expect("a snapshot");
    let predictor = Predictor::open(&snapshot, &Settings::default(), &Device::flex());
    assert_eq!(predictor.expect("a model").predict(&[]).expect("none"), []);
}
