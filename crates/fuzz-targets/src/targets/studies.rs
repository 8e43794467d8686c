//! Folders of studies: `study`.

use std::fs;
use std::path::Path;

use study::record::{PredictionsFile, RunLog};
use study::{StudyConfig, StudySummary};

use super::{Target, refused, target, write};
use crate::mutation::Form;

const RUNS: &[u8] = include_bytes!("../../corpus/records/format-2.jsonl");
const PREDICTIONS: &[u8] = include_bytes!("../../corpus/plan/predictions.tsv");

/// `runs.jsonl`, with the predictions that its records name.
pub(super) const RECORDS: Target = target("records", Form::Lines, predictions, |folder, bytes| {
    let mut messages = Vec::new();
    write(folder, "runs.jsonl", bytes);
    let Some(records) = refused(&mut messages, RunLog::read(folder)) else {
        return messages;
    };
    for record in &records {
        let _ = (record.label(), record.has_model(folder));
    }
    let config = StudyConfig {
        seeds: 2,
        ..StudyConfig::default()
    };
    refused(&mut messages, StudySummary::of(&config, &records, folder));
    if let Some(log) = refused(&mut messages, RunLog::open(folder)) {
        refused(&mut messages, log.runs().check_predictions(folder));
    }
    messages
});

/// `study.json`, `plan.json` and a file of predictions, whichever the input is.
pub(super) const PLAN: Target = target(
    "plan",
    Form::Json,
    |folder| {
        predictions(folder);
        write(folder, "runs.jsonl", RUNS);
    },
    |folder, bytes| {
        let mut messages = Vec::new();
        write(folder, "study.json", bytes);
        if let Some(config) = refused(&mut messages, StudyConfig::read(folder)) {
            refused(&mut messages, config.validate());
        }
        let records = RunLog::read(folder).expect("the records are whole");
        write(folder, "plan.json", bytes);
        let config = StudyConfig {
            seeds: 2,
            ..StudyConfig::default()
        };
        refused(&mut messages, StudySummary::of(&config, &records, folder));
        fs::remove_file(folder.join("plan.json")).expect("it was written");
        write(folder, "own.tsv", bytes);
        if let Some(file) = refused(&mut messages, PredictionsFile::read(folder, "own.tsv")) {
            let _ = (file.right(), file.only_class().map(str::len));
        }
        messages
    },
);

fn predictions(folder: &Path) {
    write(folder, "predictions/baseline-seed0-dev.tsv", PREDICTIONS);
}
