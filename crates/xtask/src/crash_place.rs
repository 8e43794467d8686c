//! What a study is doing, by what is on disk.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::crash::STEPS;

/// What a kill is to hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Moment {
    /// Whatever there is.
    Anything,
    /// A checkpoint that is being written.
    Checkpoint,
    /// An evaluation.
    Evaluation,
    /// The record of a run.
    Record,
}

impl Moment {
    pub(crate) const ALL: [Self; 4] = [
        Self::Anything,
        Self::Checkpoint,
        Self::Evaluation,
        Self::Record,
    ];

    /// Whether it has come, if so many runs were recorded at the start.
    pub(crate) fn is_there(self, out: &Path, recorded: usize) -> bool {
        match self {
            Self::Anything => true,
            Self::Checkpoint => is_writing(out),
            Self::Evaluation => is_scoring(out),
            // From the predictions, which come first, to the removal of the checkpoints.
            Self::Record => predicted(out) > recorded || lines(out).0 > recorded,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anything => "anything",
            Self::Checkpoint => "a checkpoint",
            Self::Evaluation => "an evaluation",
            Self::Record => "a record",
        })
    }
}

/// What a kill hit. Two runs train at a time; the rarest of what they were doing counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// The last line of the records is incomplete.
    InRecord,
    /// A run has its predictions, and no record.
    BeforeRecord,
    /// A run has its record, and still its checkpoints.
    AfterRecord,
    /// A checkpoint is incomplete.
    InCheckpoint,
    /// A run has taken all steps of an epoch.
    InEvaluation,
    /// No run has a checkpoint.
    WithoutCheckpoint,
    /// None of these.
    InTraining,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InRecord => "the record's line",
            Self::BeforeRecord => "between predictions and record",
            Self::AfterRecord => "between record and removal of checkpoints",
            Self::InCheckpoint => "a checkpoint's write",
            Self::InEvaluation => "an evaluation",
            Self::WithoutCheckpoint => "what comes before the first checkpoint",
            Self::InTraining => "training",
        })
    }
}

/// What a killed study was doing, and its number of recorded runs.
pub(crate) fn now(out: &Path) -> (Place, usize) {
    let (recorded, is_torn) = lines(out);
    let place = if is_torn {
        Place::InRecord
    } else if predicted(out) > recorded {
        Place::BeforeRecord
    } else if has_recorded_checkpoints(out) {
        Place::AfterRecord
    } else if is_writing(out) {
        Place::InCheckpoint
    } else if is_scoring(out) {
        Place::InEvaluation
    } else if runs(out).iter().all(|run| entries(run).is_empty()) {
        Place::WithoutCheckpoint
    } else {
        Place::InTraining
    };
    (place, recorded)
}

/// Number of whole records, and whether another was begun.
fn lines(out: &Path) -> (usize, bool) {
    let bytes = fs::read(out.join("runs.jsonl")).unwrap_or_default();
    let whole = bytes.iter().filter(|&&byte| byte == b'\n').count();
    (whole, bytes.last().is_some_and(|&byte| byte != b'\n'))
}

fn predicted(out: &Path) -> usize {
    let files = entries(&out.join("predictions"));
    let is_whole = |path: &&PathBuf| path.extension().is_some_and(|end| end == "tsv");
    files.iter().filter(is_whole).count()
}

/// The folders of the runs that have checkpoints.
fn runs(out: &Path) -> Vec<PathBuf> {
    let runs = entries(&out.join("checkpoints")).into_iter();
    runs.filter(|path| !is_hidden(path)).collect()
}

fn is_writing(out: &Path) -> bool {
    let runs = runs(out);
    let mut parts = runs.iter().flat_map(|run| entries(run));
    parts.any(|path| is_hidden(&path))
}

fn has_recorded_checkpoints(out: &Path) -> bool {
    let text = fs::read_to_string(out.join("runs.jsonl")).unwrap_or_default();
    let recorded: Vec<String> = text
        .lines()
        .filter_map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).ok()?;
            let arm = record["arm"].as_str()?;
            Some(format!("{arm}-seed{}", record["seed"].as_u64()?))
        })
        .collect();
    runs(out).iter().any(|run| {
        let name = run.file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| recorded.iter().any(|run| *run == name))
    })
}

/// The parts of `state.cbor` that tell where a run is.
#[derive(Deserialize)]
struct Stored {
    state: State,
}

#[derive(Deserialize)]
struct State {
    #[expect(dead_code, reason = "it tells a state from another file")]
    epochs: Vec<IgnoredAny>,
    in_epoch: InEpoch,
}

#[derive(Deserialize)]
struct InEpoch {
    steps: usize,
}

fn is_scoring(out: &Path) -> bool {
    runs(out).iter().any(|run| {
        let mut numbered = entries(run);
        numbered.retain(|path| !is_hidden(path));
        numbered.sort();
        let latest = numbered.last();
        let bytes = latest.and_then(|path| fs::read(path.join("state.cbor")).ok());
        let stored = bytes.and_then(|bytes| ciborium::from_reader::<Stored, _>(&bytes[..]).ok());
        stored.is_some_and(|stored| stored.state.in_epoch.steps == STEPS)
    })
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.as_encoded_bytes());
    name.is_some_and(|name| name.starts_with(b"."))
}
