//! `runs.I-of-N.jsonl`: the records of shards, until they are merged into `runs.jsonl`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use files::{FileError, JsonLines};

use super::RunRecord;
use super::log::{RunLog, RunsOfFile, WHAT};
use crate::error::StudyError;
use crate::plan::RunKey;
use crate::shard::Shard;

/// How many files a message names.
const LISTED: usize = 4;

/// The shards that have files of records in a folder, in their order.
///
/// # Errors
/// [`StudyError::DifferentShards`] if they are shares of different numbers of shards, [`StudyError::Shard`] if a file looks like
/// one and is none, [`StudyError::File`].
pub fn shards_of(folder: &Path) -> Result<Vec<Shard>, StudyError> {
    let wrong = |e| FileError::io(folder, e);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(wrong(e).into()),
    };
    let mut shards = Vec::new();
    for entry in entries {
        let name = entry.map_err(wrong)?.file_name();
        shards.extend(name.to_str().map(Shard::of_file).transpose()?.flatten());
    }
    shards.sort();
    match shards.first() {
        Some(first) if shards.iter().any(|shard| shard.count() != first.count()) => {
            Err(StudyError::DifferentShards {
                folder: folder.to_path_buf(),
                files: listed(&shards),
            })
        }
        _ => Ok(shards),
    }
}

/// Looks whether the folder's files are shares of as many shards as this one.
///
/// # Errors
/// As [`shards_of`], and [`StudyError::OtherShards`] if they are not.
pub fn refuse_other_shards(folder: &Path, shard: Shard) -> Result<(), StudyError> {
    let shards = shards_of(folder)?;
    match shards.first() {
        Some(other) if other.count() != shard.count() => Err(StudyError::OtherShards {
            folder: folder.to_path_buf(),
            files: listed(&shards),
            shard,
        }),
        _ => Ok(()),
    }
}

/// The first file of each number of shards, then others.
fn listed(shards: &[Shard]) -> String {
    let is_first = |at: &usize| *at == 0 || shards[*at].count() != shards[*at - 1].count();
    let mut order: Vec<usize> = (0..shards.len()).collect();
    order.sort_by_key(|at| !is_first(at));
    let names = order.iter().map(|at| shards[*at].file_name());
    let mut text = names.take(LISTED).collect::<Vec<_>>().join(", ");
    if shards.len() > LISTED {
        text += &format!(" and {} more", shards.len() - LISTED);
    }
    text
}

impl RunLog {
    /// Opens the file of a shard, as [`open`](Self::open) does `runs.jsonl`.
    ///
    /// # Errors
    /// As [`open`](Self::open), and those of [`refuse_other_shards`].
    pub fn open_shard(folder: &Path, shard: Shard) -> Result<Self, StudyError> {
        refuse_other_shards(folder, shard)?;
        Ok(Self::open_file(folder, &shard.file_name())?)
    }

    /// Opens the files of all shards in a folder, so that none of them is at work.
    ///
    /// # Errors
    /// As [`shards_of`], and [`FileError::InUse`] while one is.
    pub fn open_shards(folder: &Path) -> Result<Vec<Self>, StudyError> {
        let open = |shard: Shard| Ok(Self::open_file(folder, &shard.file_name())?);
        shards_of(folder)?.into_iter().map(open).collect()
    }

    /// Adds the records of shards that it does not hold yet, as they are: first those of `order`, then the others. Of two
    /// records of a run the first stays: they differ in nothing but their times.
    ///
    /// # Errors
    /// [`FileError::Io`]; the shards' files stay as they are.
    pub fn take_in(&mut self, shards: &[Self], order: &[RunKey]) -> Result<usize, FileError> {
        let mut lines: Vec<(RunKey, String)> = Vec::new();
        for shard in shards {
            for (record, line) in shard.records().iter().zip(shard.lines()?) {
                let run = RunKey::of(record);
                let is_known = |record: &RunRecord| RunKey::of(record) == run;
                let is_there = lines.iter().any(|(other, _)| *other == run);
                if !is_there && !self.records().iter().any(is_known) {
                    lines.push((run, line));
                }
            }
        }
        let place = |run: &RunKey| order.iter().position(|planned| planned == run);
        lines.sort_by_key(|(run, _)| place(run).unwrap_or(order.len()));
        self.push_lines(lines.iter().map(|(_, line)| line.as_str()))?;
        Ok(lines.len())
    }
}

/// The records of a folder's files, whose processes may be at work: `runs.jsonl`, which may be absent, and those of shards.
#[derive(Clone, Debug)]
pub struct RunFiles(Vec<(PathBuf, Vec<RunRecord>)>);

impl RunFiles {
    /// Reads what is recorded, and touches nothing.
    ///
    /// # Errors
    /// As [`shards_of`], and [`FileError::Line`] if a line is not a record.
    pub fn read(folder: &Path) -> Result<Self, StudyError> {
        Self::of(folder, shards_of(folder)?)
    }

    /// The same without a shard's own file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_others(folder: &Path, own: Shard) -> Result<Self, StudyError> {
        let mut shards = shards_of(folder)?;
        shards.retain(|shard| *shard != own);
        Self::of(folder, shards)
    }

    fn of(folder: &Path, shards: Vec<Shard>) -> Result<Self, StudyError> {
        let shards = shards.into_iter().map(Shard::file_name);
        let mut found = Vec::new();
        for name in std::iter::once("runs.jsonl".to_owned()).chain(shards) {
            let path = folder.join(name);
            match JsonLines::read(&path, WHAT) {
                Ok(records) => found.push((path, records)),
                // Merged in the meantime.
                Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self(found))
    }

    /// File by file.
    pub fn files(&self) -> impl Iterator<Item = RunsOfFile<'_>> {
        let files = self.0.iter();
        files.map(|(path, records)| RunsOfFile::new(path, records))
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = &RunRecord> {
        self.0.iter().flat_map(|(_, records)| records)
    }

    /// The records of `runs.jsonl`.
    pub fn merged(&self) -> impl Iterator<Item = &RunRecord> {
        self.runs(true)
    }

    /// The records of shards.
    pub fn of_shards(&self) -> impl Iterator<Item = &RunRecord> {
        self.runs(false)
    }

    fn runs(&self, merged: bool) -> impl Iterator<Item = &RunRecord> {
        let is_merged = |path: &Path| path.file_name() == Some("runs.jsonl".as_ref());
        let files = self.0.iter();
        let files = files.filter(move |(path, _)| is_merged(path) == merged);
        files.flat_map(|(_, records)| records)
    }
}
