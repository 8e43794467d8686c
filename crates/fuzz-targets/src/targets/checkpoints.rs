//! Checkpoints: `training` and `finetune`.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::OptimizerRecord;
use burn::tensor::Device;
use serde_json::{Value, json};
use training::{Counters, LossScale, STATE_FILES, StepperState};

use super::{Target, refused, target, write};
use crate::mutation::Form;

const RUNS: &str = include_str!("../../corpus/records/format-2.jsonl");

/// `state.cbor`.
pub(super) const STATE: Target = Target {
    made: states,
    ..target(
        "checkpoint-state",
        Form::Bytes,
        |_| {},
        |_, bytes| {
            let mut messages = Vec::new();
            refused(&mut messages, finetune::read_state(bytes));
            messages
        },
    )
};

/// A file of tensors in Burn's format, as the parameters of a layer and as the state of its optimizer.
pub(super) const TENSORS: Target = Target {
    made: tensors,
    ..target(
        "checkpoint-tensors",
        Form::Bytes,
        |_| {},
        |folder, bytes| {
            let mut messages = Vec::new();
            let counters = || Counters {
                steps: 0,
                skipped: 0,
                passes: 0,
                loss_scale: LossScale::none(),
            };
            for name in STATE_FILES {
                write(folder, name, bytes);
            }
            refused(
                &mut messages,
                StepperState::read(folder, counters(), layer()),
            );
            write(folder, STATE_FILES[0], &parameters());
            refused(
                &mut messages,
                StepperState::read(folder, counters(), layer()),
            );
            messages
        },
    )
};

fn layer() -> Linear {
    LinearConfig::new(3, 2).init(&Device::flex())
}

fn parameters() -> Vec<u8> {
    let bytes = layer().into_record().into_bytes();
    bytes.expect("a record").to_vec()
}

fn tensors() -> Vec<(String, Vec<u8>)> {
    let none = OptimizerRecord::default().into_bytes().expect("a record");
    vec![
        ("made parameters".to_owned(), parameters()),
        ("made optimizer".to_owned(), none.to_vec()),
    ]
}

fn states() -> Vec<(String, Vec<u8>)> {
    let line = RUNS.lines().next().expect("a record");
    let record: Value = serde_json::from_str(line).expect("a record");
    let state = json!({
        "owner": {
            "arm": record["arm"], "seed": 0, "settings": record["settings"],
            "versions": record["versions"], "plan_sha256": null,
        },
        "counters": {
            "steps": 3, "skipped": 0, "passes": 3,
            "loss_scale": { "value": 1.0, "is_dynamic": false, "finite": 0 },
        },
        "state": {
            "epochs": record["epochs"],
            "in_epoch": { "steps": 1, "loss_sum": 0.5, "seconds": 1.0 },
            "predictions": { "dev": { "predictions": ["a"], "labels": ["b"] } },
            "skipped_steps": 0,
            "course": { "sum": 0.5, "summed": 1, "curve": record["curve"], "changes": record["changes"] },
            "seconds": 2.0,
        },
    });
    let mut bytes = Vec::new();
    ciborium::into_writer(&state, &mut bytes).expect("plain data in memory");
    vec![("made state".to_owned(), bytes)]
}
