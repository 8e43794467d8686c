//! Where the numbers come from: command, settings, versions, hashes, machine and every run.

use std::collections::BTreeMap;

use serde_json::Value;
use study::RunRecord;
use study::record::device_kind;

use super::tables;
use crate::document::{Block, Folded, Section, Table};
use crate::material::Material;
use crate::number::{NONE, date, duration, or_none, percent, thousands};

pub(super) fn section(material: &Material<'_>) -> Section {
    let records = material.planned();
    let config = serde_json::to_string_pretty(material.config).expect("a config is plain data");
    let mut blocks = vec![
        Block::Text(
            "This command repeats the runs, or continues them where they stopped:".to_owned(),
        ),
        Block::Code(material.command.to_owned()),
        Block::Table(settings(&records)),
        Block::Folded(
            "The study's configuration as JSON".to_owned(),
            Folded::Code(config),
        ),
        Block::Folded(
            format!("Every run ({})", thousands(records.len())),
            Folded::Table(runs(material, &records)),
        ),
    ];
    if let Some(devices) = &material.summary.mixed_devices {
        let text = format!(
            "The runs are on {}. \"Every run\" says which is on which.",
            devices.in_words()
        );
        blocks.insert(2, Block::Text(text));
    }
    if has_several_servers(&records) {
        let text = "The runs are on devices of several servers. \"Every run\" says which is on which, but not what a server computes \
                    with, which it does not tell; between devices of different kinds, results differ in their last digits.";
        blocks.insert(2, Block::Text(text.to_owned()));
    }
    if let Some(noise) = records.iter().find_map(|record| record.noise.as_ref()) {
        let mut table = Table::new(
            "Parameters that the noise left alone, and why.",
            &["parameter", "reason"],
        );
        for (path, reason) in &noise.skipped {
            table.rows.push(vec![path.clone(), reason.clone()]);
        }
        if !table.rows.is_empty() {
            let title = format!("Parameters without noise ({})", thousands(table.rows.len()));
            blocks.push(Block::Folded(title, Folded::Table(table)));
        }
    }
    Section {
        id: "origin",
        heading: "How was it done?".to_owned(),
        finding: None,
        blocks,
    }
}

/// Whether runs are on remote devices of several names. A record has the address of a server and not what is behind it.
fn has_several_servers(records: &[&RunRecord]) -> bool {
    let devices = records.iter().map(|record| record.settings.device.as_str());
    let mut remote = devices.filter(|device| device_kind(device) == "remote");
    let first = remote.next();
    remote.any(|device| Some(device) != first)
}

/// Every setting by its path in the record, with each value that occurs.
fn settings(records: &[&RunRecord]) -> Table {
    let mut paths: Vec<String> = Vec::new();
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in records {
        let parts = [
            ("", serde_json::to_value(&record.settings)),
            ("version.", serde_json::to_value(&record.versions)),
            ("machine.", serde_json::to_value(&record.machine)),
        ];
        for (prefix, part) in parts {
            flatten(
                prefix,
                &part.expect("a record is plain data"),
                &mut |path, value| {
                    // These describe the study's other runs, whose own records are listed here too.
                    if path.starts_with("study_") {
                        return;
                    }
                    if !paths.contains(&path) {
                        paths.push(path.clone());
                    }
                    let known = values.entry(path).or_default();
                    if !known.contains(&value) {
                        known.push(value);
                    }
                },
            );
        }
    }
    let mut table = Table::new(
        "Settings, versions, hashes and machine, as recorded. Where runs differ, all values are listed.",
        &["", "value"],
    );
    for path in paths {
        let value = values.remove(&path).unwrap_or_default().join(" · ");
        table.rows.push(vec![path, value]);
    }
    table
}

/// Calls `leaf` with the path and text of every leaf of a JSON value.
fn flatten(path: &str, value: &Value, leaf: &mut impl FnMut(String, String)) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if path.is_empty() || path.ends_with('.') {
                    ""
                } else {
                    "."
                };
                flatten(&format!("{path}{dot}{name}"), value, leaf);
            }
        }
        Value::Null => leaf(path.to_owned(), NONE.to_owned()),
        Value::String(text) => leaf(path.to_owned(), text.clone()),
        other => leaf(path.to_owned(), other.to_string()),
    }
}

fn runs(material: &Material<'_>, records: &[&RunRecord]) -> Table {
    let score = format!("#{} score", material.set());
    let results = [
        score.as_str(),
        "#training loss",
        "#noise RMS",
        "#skipped steps",
        "#time",
        "ended",
        "device",
    ];
    let mut table = Table::new(
        format!(
            "{} in {} after the last epoch, and the training loss of that epoch.{}",
            material.scored_first(),
            material.unit(),
            match records.iter().any(|run| run.is_tuning()) {
                true => " The scores of tuning runs are those on the held-out training sentences.",
                false => "",
            }
        ),
        &[&tables::WHICH_RUN[..], &results].concat(),
    );
    let has_several_kinds =
        material.summary.mixed_devices.is_some() || has_several_servers(records);
    for record in records {
        let last = record.epochs.last();
        let noise = record.noise.as_ref();
        let score = match &record.failed {
            Some(_) => "failed".to_owned(),
            None => or_none(record.score(), percent),
        };
        let mut row = tables::which_run(record);
        row.extend([
            score,
            or_none(last.map(|epoch| epoch.train_loss), |loss| {
                format!("{loss:.4}")
            }),
            or_none(noise.map(|noise| noise.noise_rms), |rms| {
                format!("{rms:.2e}")
            }),
            match record.skipped_steps {
                0 => NONE.to_owned(),
                steps => thousands(steps),
            },
            duration(record.seconds),
            date(record.finished_unix),
            match has_several_kinds {
                false => NONE.to_owned(),
                true => record.settings.device.clone(),
            },
        ]);
        table.rows.push(row);
    }
    table.without_columns_of(NONE)
}
