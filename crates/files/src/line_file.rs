//! A file that grows by whole lines, of any length.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Take, Write};
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::lock::{lock, still_there};
use crate::sync::{above, sync_names};

/// Bytes that are looked at together for the last line end.
const BLOCK: u64 = 1 << 16;

/// A file of lines, open for appending and locked against other processes.
///
/// Unlike [`JsonLines`](crate::JsonLines), it holds no line in memory, so there may be millions.
#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    file: File,
    /// Offset of the next line.
    end: u64,
    torn: u64,
}

impl LineFile {
    /// Opens a file, creating it if need be.
    ///
    /// An incomplete last line, left by a process that died while writing it, is cut off.
    ///
    /// # Errors
    /// [`FileError::InUse`] while another process has it open, [`FileError::Unlockable`] where there are no locks,
    /// [`FileError::Io`] if it cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let wrong = |e| FileError::io(path, e);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let mut file = options.open(path).map_err(wrong)?;
        lock(&file, path)?;
        let length = file.metadata().map_err(wrong)?.len();
        if length == 0 {
            sync_names(above(path)).map_err(wrong)?;
        }
        let end = end_of_last_line(&mut file, length).map_err(wrong)?;
        if end < length {
            file.set_len(end).map_err(wrong)?;
        }
        Ok(Self {
            path: path.to_path_buf(),
            file,
            end,
            torn: length - end,
        })
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has no line.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Bytes of the incomplete line that was cut off when the file was opened.
    pub fn torn_bytes(&self) -> u64 {
        self.torn
    }

    /// Returns the lines so far, first to last, without their ends.
    ///
    /// # Errors
    /// [`FileError::Io`] if it cannot be read.
    pub fn lines(&self) -> Result<WrittenLines, FileError> {
        let file = File::open(&self.path).map_err(|e| FileError::io(&self.path, e))?;
        Ok(WrittenLines {
            path: self.path.clone(),
            reader: BufReader::with_capacity(1 << 16, file).take(self.end),
        })
    }

    /// Adds lines, each with its end: either all are in the file, or it is unchanged.
    ///
    /// # Errors
    /// [`FileError::Removed`], [`FileError::Io`].
    pub fn append(&mut self, lines: &[u8]) -> Result<(), FileError> {
        still_there(&self.file, &self.path)?;
        if let Err(e) = self.file.write_all(lines) {
            // If this fails too, the torn line is cut off when the file is next opened.
            let _ = self.file.set_len(self.end);
            return Err(FileError::io(&self.path, e));
        }
        self.end += lines.len() as u64;
        Ok(())
    }

    /// Waits until all lines are on disk.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn sync(&self) -> Result<(), FileError> {
        let synced = self.file.sync_data();
        synced.map_err(|e| FileError::io(&self.path, e))
    }
}

/// The lines of a [`LineFile`] when it was asked for them.
#[derive(Debug)]
pub struct WrittenLines {
    path: PathBuf,
    reader: Take<BufReader<File>>,
}

impl Iterator for WrittenLines {
    type Item = Result<Vec<u8>, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        match self.reader.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => {
                line.pop();
                Some(Ok(line))
            }
            Err(e) => Some(Err(FileError::io(&self.path, e))),
        }
    }
}

/// The offset after the last line end.
fn end_of_last_line(file: &mut File, length: u64) -> std::io::Result<u64> {
    let mut end = length;
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        block.clear();
        file.seek(SeekFrom::Start(start))?;
        Read::by_ref(file)
            .take(end - start)
            .read_to_end(&mut block)?;
        if let Some(last) = block.iter().rposition(|&byte| byte == b'\n') {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lines.txt");
        (folder, path)
    }

    fn lines(file: &LineFile) -> Vec<Vec<u8>> {
        let lines = file.lines().expect("it is read");
        lines.map(|line| line.expect("it is read")).collect()
    }

    #[test]
    fn a_torn_last_line_is_cut_off_however_long_it_is() {
        for torn in [0, 1, BLOCK as usize - 2, BLOCK as usize, 3 * BLOCK as usize] {
            let (_folder, path) = file();
            let text = format!("one\ntwo\n{}", "x".repeat(torn));
            std::fs::write(&path, text).expect("it is written");
            let mut file = LineFile::open(&path).expect("it opens");
            assert_eq!(file.torn_bytes(), torn as u64);
            assert_eq!(lines(&file), [b"one", b"two"]);
            file.append(b"three\n\n").expect("it is written");
            assert_eq!(lines(&file), [&b"one"[..], b"two", b"three", b""]);
            assert_eq!(
                std::fs::read(&path).expect("it is read"),
                b"one\ntwo\nthree\n\n"
            );
        }
    }

    #[test]
    fn a_file_that_is_one_torn_line_becomes_empty() {
        let (_folder, path) = file();
        std::fs::write(&path, "no end").expect("it is written");
        let file = LineFile::open(&path).expect("it opens");
        assert!(file.is_empty());
        assert_eq!(std::fs::read(&path).expect("it is read"), b"");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_removed_takes_no_more_lines() {
        let (_folder, path) = file();
        let mut lines = LineFile::open(&path).expect("it opens");
        lines.append(b"one\n").expect("it is written");
        std::fs::remove_file(&path).expect("it is removed");
        let error = lines.append(b"two\n").expect_err("it would be lost");
        assert!(matches!(error, FileError::Removed { .. }), "{error}");
    }

    #[test]
    fn a_second_opener_is_refused() {
        let (_folder, path) = file();
        let first = LineFile::open(&path).expect("it opens");
        let error = LineFile::open(&path).expect_err("it is locked");
        assert!(matches!(error, FileError::InUse { .. }), "{error}");
        drop(first);
        LineFile::open(&path).expect("it is free again");
    }
}
