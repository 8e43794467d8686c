//! Texts to predict, and predictions to continue: `predict`.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use burn::tensor::Device;
use encoders::Snapshot;
use predict::{Format, Input, Lines, Observer, Output, Predictor, Settings, Text};

use super::{Target, refused, target, write};
use crate::mutation::Form;

/// Beside predictions: how they were made.
const MADE: &str = "predictions.run.json";

/// A text per line, and a pair.
pub(super) const TEXTS: Target = target(
    "texts",
    Form::Lines,
    |_| {},
    |folder, bytes| {
        let mut messages = Vec::new();
        write(folder, "texts.txt", bytes);
        for are_pairs in [false, true] {
            let lines = Lines::open(&folder.join("texts.txt"), are_pairs);
            if let Some(lines) = refused(&mut messages, lines) {
                predicted(&mut messages, Input::Lines(lines), in_memory());
            }
        }
        messages
    },
);

/// Predictions of an earlier run, which are continued; after the first empty line, how they were made.
pub(super) const PREDICTIONS: Target = Target {
    made: predictions,
    ..target("predictions", Form::Lines, |_| {}, continued)
};

fn continued(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    let parts = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (lines, made) = parts.map_or((bytes, None), |at| (&bytes[..=at], Some(&bytes[at + 2..])));
    for format in [Format::JsonLines, Format::Tsv] {
        let path = folder.join("predictions");
        for file in [&path, &folder.join(MADE)] {
            let _ = fs::remove_file(file);
        }
        match made {
            Some(made) => write(folder, MADE, made),
            // As the program leaves it beside a file without a line.
            None => drop(Output::file(&path, format, predictor())),
        }
        write(folder, "predictions", lines);
        let output = Output::file(&path, format, predictor());
        if let Some(output) = refused(&mut messages, output) {
            predicted(&mut messages, Input::Given(texts()), output);
        }
    }
    messages
}

/// What the program writes, alone and with how it was made.
fn predictions() -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("predictions");
    let mut made = Vec::new();
    for format in [Format::JsonLines, Format::Tsv] {
        for file in [&path, &folder.path().join(MADE)] {
            let _ = fs::remove_file(file);
        }
        let output = Output::file(&path, format, predictor()).expect("a file");
        let mut messages = Vec::new();
        predicted(&mut messages, Input::Given(texts()), output);
        assert!(messages.is_empty(), "{messages:?}");
        let lines = fs::read(&path).expect("predictions");
        let own = fs::read(folder.path().join(MADE)).expect("how they were made");
        made.push((format!("made {format:?}"), lines.clone()));
        made.push((
            format!("made {format:?}, how"),
            [&lines, &b"\n"[..], &own].concat(),
        ));
    }
    made
}

fn texts() -> Vec<Text> {
    let texts = ["a fine film", "bad"].map(|text| Text {
        text: text.to_owned(),
        text_pair: None,
    });
    texts.to_vec()
}

struct Nobody;

impl Observer for Nobody {}

fn in_memory() -> Output {
    Output::stream("memory", std::io::sink(), Format::JsonLines)
}

fn predicted(messages: &mut Vec<String>, mut input: Input, output: Output) {
    let summary = predict::run(predictor(), &mut input, output, true, &mut Nobody);
    if let Some(summary) = refused(messages, summary) {
        messages.extend(summary.first_broken);
    }
}

/// Of the tiny BERT of the tests.
fn predictor() -> &'static Predictor {
    static PREDICTOR: OnceLock<Predictor> = OnceLock::new();
    PREDICTOR.get_or_init(|| {
        let tiny =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoders/tests/golden/tiny/snapshot");
        let snapshot = Snapshot::open(tiny).expect("a snapshot");
        let predictor = Predictor::open(&snapshot, &Settings::default(), &Device::flex());
        predictor.expect("a finetuned model")
    })
}
