//! `runs.jsonl`: a line is added when a run ends, and none is ever changed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::RunRecord;
use crate::error::FinetuneError;

/// The records of a study's folder, open for more and locked against other processes.
#[derive(Debug)]
pub struct RunLog {
    path: PathBuf,
    file: File,
    /// Where the next line goes.
    end: u64,
    records: Vec<RunRecord>,
    torn: Option<usize>,
}

impl RunLog {
    /// Opens `runs.jsonl` in a folder; both are made if they are not there.
    ///
    /// A last line without its end, as a process leaves it that dies while it writes, is cut off.
    ///
    /// # Errors
    /// [`FinetuneError::InUse`] while another process has it open, [`FinetuneError::File`] if it
    /// cannot be read or written, [`FinetuneError::Record`] if a line is not a record.
    pub fn open(folder: &Path) -> Result<Self, FinetuneError> {
        std::fs::create_dir_all(folder).map_err(|e| FinetuneError::file(folder, e))?;
        let path = folder.join("runs.jsonl");
        let wrong = |e| FinetuneError::file(&path, e);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FinetuneError::InUse { path }),
            Err(TryLockError::Error(e)) => return Err(wrong(e)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(wrong)?;
        let (whole, records) = parse(&path, &bytes)?;
        let torn = (whole < bytes.len()).then_some(records.len() + 1);
        if torn.is_some() {
            file.set_len(whole as u64).map_err(wrong)?;
        }
        Ok(Self {
            end: whole as u64,
            path,
            file,
            records,
            torn,
        })
    }

    /// Reads the records of a folder and touches nothing.
    ///
    /// # Errors
    /// [`FinetuneError::File`] if there are none, [`FinetuneError::Record`] if a line is not a record.
    pub fn read(folder: &Path) -> Result<Vec<RunRecord>, FinetuneError> {
        let path = folder.join("runs.jsonl");
        let bytes = std::fs::read(&path).map_err(|e| FinetuneError::file(&path, e))?;
        Ok(parse(&path, &bytes)?.1)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// First to last.
    pub fn records(&self) -> &[RunRecord] {
        &self.records
    }

    /// The number of the line that was cut off when the file was opened, from 1.
    pub fn torn_line(&self) -> Option<usize> {
        self.torn
    }

    /// Adds a record; its line is on disk as a whole, or the file is as it was.
    ///
    /// # Errors
    /// [`FinetuneError::File`].
    pub fn push(&mut self, record: RunRecord) -> Result<&RunRecord, FinetuneError> {
        let mut line = serde_json::to_vec(&record).expect("records are plain data");
        line.push(b'\n');
        if let Err(e) = self
            .file
            .write_all(&line)
            .and_then(|()| self.file.sync_data())
        {
            // Where this fails too, the torn line is cut off when the file is opened again.
            let _ = self.file.set_len(self.end);
            return Err(FinetuneError::file(&self.path, e));
        }
        self.end += line.len() as u64;
        self.records.push(record);
        Ok(self.records.last().expect("one was just pushed"))
    }
}

/// The length of all whole lines, and their records.
fn parse(path: &Path, bytes: &[u8]) -> Result<(usize, Vec<RunRecord>), FinetuneError> {
    let last_end = bytes.iter().rposition(|&byte| byte == b'\n');
    let whole = last_end.map_or(0, |end| end + 1);
    let records = bytes[..whole]
        .split_inclusive(|&byte| byte == b'\n')
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|e| FinetuneError::Record {
                path: path.to_path_buf(),
                line: index + 1,
                reason: e.to_string(),
            })
        })
        .collect::<Result<_, _>>()?;
    Ok((whole, records))
}
