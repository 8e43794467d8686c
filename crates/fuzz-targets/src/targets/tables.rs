//! Files of examples: `tasks`.

use std::ops::ControlFlow;
use std::path::Path;

use tasks::{OwnFiles, TextTable, glue};

use super::{Target, refused, target, write};
use crate::mutation::Form;

pub(super) const TSV: Target = target(
    "tsv",
    Form::Lines,
    |_| {},
    |folder, bytes| {
        let mut messages = Vec::new();
        write(folder, "train.tsv", bytes);
        for task in glue::all() {
            let task = task.in_folder(folder).expect("a description");
            refused(&mut messages, task.read_train());
        }
        write(folder, "own.tsv", bytes);
        own(&folder.join("own.tsv"), &mut messages);
        messages
    },
);

pub(super) const CSV: Target = target(
    "csv",
    Form::Lines,
    |_| {},
    |folder, bytes| table(folder, "data.csv", bytes),
);

/// Packed a thousand times at most by gzip's own rules, and read row by row.
pub(super) const GZIP: Target = Target {
    per_byte: 8_000,
    ..target(
        "gzip",
        Form::Bytes,
        |_| {},
        |folder, bytes| table(folder, "data.csv.gz", bytes),
    )
};

pub(super) const JSON_LINES: Target = target(
    "json-lines",
    Form::Lines,
    |_| {},
    |folder, bytes| table(folder, "data.jsonl", bytes),
);

/// Unpacked to a thousand bytes for each of the file at most; a text is in memory up to three times.
pub(super) const PARQUET: Target = Target {
    per_byte: 4_000,
    ..target(
        "parquet",
        Form::Bytes,
        |_| {},
        |folder, bytes| {
            let mut messages = table(folder, "data.parquet", bytes);
            for task in [glue::sst2(), glue::stsb()] {
                write(folder, task.train.hub, bytes);
                let task = task.in_folder(folder).expect("a description");
                refused(&mut messages, task.read_train());
            }
            messages
        },
    )
};

fn table(folder: &Path, name: &str, bytes: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    write(folder, name, bytes);
    own(&folder.join(name), &mut messages);
    messages
}

/// Reads a file as one to train on and as one to predict.
fn own(path: &Path, messages: &mut Vec<String>) {
    let mut files = OwnFiles::new(path);
    files.validation_split = Some(0.25);
    if let Some(own) = refused(messages, files.task()) {
        one_line(&own.statement);
        refused(messages, own.task.read_train());
        refused(messages, own.task.read_evaluation_set("validation"));
    }
    for skips in [false, true] {
        let table = TextTable::open(path, None, None, skips);
        let Some(table) = refused(messages, table) else {
            continue;
        };
        table.statement().iter().for_each(|text| one_line(text));
        let mut wrong = None;
        let visited = table.visit(&mut |row| {
            if let Err(error) = row {
                wrong.get_or_insert(error.to_string());
            }
            ControlFlow::Continue(())
        });
        messages.extend(wrong);
        refused(messages, visited);
    }
}

fn one_line(statement: &str) {
    assert!(!statement.contains(char::is_control), "{statement:?}");
}
