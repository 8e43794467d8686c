//! A file that grows by one JSON object per line.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::FileError;
use crate::lock::{lock, still_there};
use crate::reading::{read, read_text, refuse_pipes};
use crate::sync::{above, sync_names};

/// A file of JSON objects, one per line, open for appending and locked against other processes.
///
/// Lines are added and never changed.
#[derive(Debug)]
pub struct JsonLines<T> {
    path: PathBuf,
    /// What messages call a line, with its article.
    what: &'static str,
    file: File,
    /// Offset of the next line.
    end: u64,
    items: Vec<T>,
    torn: Option<usize>,
}

impl<T: Serialize + DeserializeOwned> JsonLines<T> {
    /// Opens a file, creating it if need be; `what` is what messages call a line, with its article.
    ///
    /// An incomplete last line, left by a process that died while writing it, is cut off.
    ///
    /// # Errors
    /// [`FileError::InUse`] while another process has it open, [`FileError::Unlockable`] where there are no locks,
    /// [`FileError::Io`] if it cannot be read or written, [`FileError::Line`] if a line cannot be parsed.
    pub fn open(path: &Path, what: &'static str) -> Result<Self, FileError> {
        let wrong = |e| FileError::io(path, e);
        if std::fs::exists(path).map_err(wrong)? {
            refuse_pipes(path)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(wrong)?;
        lock(&file, path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(wrong)?;
        if bytes.is_empty() {
            sync_names(above(path)).map_err(wrong)?;
        }
        let (mut whole, mut items) = parse(path, what, &bytes)?;
        let rest = &bytes[whole..];
        let mut torn = None;
        if let Ok(item) = serde_json::from_slice(rest) {
            // Only the line end is missing, which an editor may have taken.
            items.push(item);
            file.write_all(b"\n").map_err(wrong)?;
            whole = bytes.len() + 1;
        } else if !rest.is_empty() {
            torn = Some(items.len() + 1);
            file.set_len(whole as u64).map_err(wrong)?;
        }
        Ok(Self {
            path: path.to_path_buf(),
            what,
            file,
            end: whole as u64,
            items,
            torn,
        })
    }

    /// Reads the lines of a file and touches nothing. As by [`open`](Self::open), a last line that lacks only its end is kept, and
    /// one that is incomplete left out.
    ///
    /// # Errors
    /// [`FileError::Io`] if it does not exist, [`FileError::Line`] if a line cannot be parsed.
    pub fn read(path: &Path, what: &'static str) -> Result<Vec<T>, FileError> {
        let bytes = read(path)?;
        let (whole, mut items) = parse(path, what, &bytes)?;
        items.extend(serde_json::from_slice(&bytes[whole..]).ok());
        Ok(items)
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The items, first to last.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// The lines as they are in the file, without their ends, in the order of the items.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn lines(&self) -> Result<Vec<String>, FileError> {
        let text = read_text(&self.path)?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The number, from 1, of the line that was cut off when the file was opened.
    pub fn torn_line(&self) -> Option<usize> {
        self.torn
    }

    /// Adds a line: either the whole line is on disk, or the file is unchanged.
    ///
    /// A line that cannot be read back would make the file useless: a float that is not finite becomes
    /// `null` in JSON. Such an item is refused.
    ///
    /// # Errors
    /// [`FileError::Unreadable`], [`FileError::Removed`], [`FileError::Io`].
    pub fn push(&mut self, item: T) -> Result<&T, FileError> {
        let unreadable = |e: serde_json::Error| FileError::Unreadable {
            path: self.path.clone(),
            what: self.what,
            reason: e.to_string(),
        };
        let mut line = serde_json::to_vec(&item).map_err(unreadable)?;
        serde_json::from_slice::<T>(&line).map_err(unreadable)?;
        line.push(b'\n');
        self.write(&line)?;
        self.items.push(item);
        Ok(self.items.last().expect("one was just pushed"))
    }

    /// Adds lines of another such file as they are, byte for byte: all of them are on disk, or the file is unchanged, unless
    /// the process dies meanwhile; then whole lines are.
    ///
    /// # Errors
    /// As [`push`](Self::push); nothing is written if a line is no item.
    pub fn push_lines<'a>(
        &mut self,
        lines: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), FileError> {
        let (mut bytes, mut items) = (Vec::new(), Vec::new());
        for line in lines {
            items.push(
                serde_json::from_str(line).map_err(|e| FileError::Unreadable {
                    path: self.path.clone(),
                    what: self.what,
                    reason: e.to_string(),
                })?,
            );
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        if !items.is_empty() {
            self.write(&bytes)?;
            self.items.append(&mut items);
        }
        Ok(())
    }

    /// Removes the file, which other processes cannot use before it is gone.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn remove(self) -> Result<(), FileError> {
        let wrong = |e| FileError::io(&self.path, e);
        std::fs::remove_file(&self.path).map_err(wrong)?;
        sync_names(above(&self.path)).map_err(wrong)
    }

    /// Writes whole lines at the end.
    fn write(&mut self, lines: &[u8]) -> Result<(), FileError> {
        still_there(&self.file, &self.path)?;
        if let Err(e) = self
            .file
            .write_all(lines)
            .and_then(|()| self.file.sync_data())
        {
            // If this fails too, the torn line is cut off when the file is next opened.
            let _ = self.file.set_len(self.end);
            return Err(FileError::io(&self.path, e));
        }
        self.end += lines.len() as u64;
        Ok(())
    }
}

/// The length of all whole lines, and their items.
fn parse<T: DeserializeOwned>(
    path: &Path,
    what: &'static str,
    bytes: &[u8],
) -> Result<(usize, Vec<T>), FileError> {
    let last_end = bytes.iter().rposition(|&byte| byte == b'\n');
    let whole = last_end.map_or(0, |end| end + 1);
    let items = bytes[..whole]
        .split_inclusive(|&byte| byte == b'\n')
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|e| FileError::Line {
                path: path.to_path_buf(),
                line: index + 1,
                what,
                reason: e.to_string(),
            })
        })
        .collect::<Result<_, _>>()?;
    Ok((whole, items))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::lock::refuse_in_use;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Score {
        value: f64,
    }

    fn open(path: &Path) -> Result<JsonLines<Score>, FileError> {
        JsonLines::open(path, "a score")
    }

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("scores.jsonl");
        (folder, path)
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_reported() {
        let (_folder, path) = file();
        std::fs::write(&path, "{\"value\":1.5}\n{\"val").expect("it is written");
        let mut lines = open(&path).expect("it opens");
        assert_eq!(lines.torn_line(), Some(2));
        assert_eq!(lines.items(), [Score { value: 1.5 }]);
        lines.push(Score { value: 2.0 }).expect("it is written");
        let text = std::fs::read_to_string(&path).expect("it is read");
        assert_eq!(text, "{\"value\":1.5}\n{\"value\":2.0}\n");
    }

    #[test]
    fn a_last_line_that_lacks_only_its_end_is_kept() {
        let (_folder, path) = file();
        std::fs::write(&path, "{\"value\":1.5}\n{\"value\":2.5}").expect("it is written");
        let mut lines = open(&path).expect("it opens");
        assert_eq!(lines.torn_line(), None);
        assert_eq!(lines.items().len(), 2);
        lines.push(Score { value: 3.5 }).expect("it is written");
        let text = std::fs::read_to_string(&path).expect("it is read");
        assert_eq!(text, "{\"value\":1.5}\n{\"value\":2.5}\n{\"value\":3.5}\n");
    }

    #[test]
    fn lines_of_another_file_are_added_byte_for_byte() {
        let (folder, path) = file();
        let other = folder.path().join("other.jsonl");
        // Spaces and digits that this program would not write.
        let text = "{ \"value\": 1.50 }\n{\"value\":0.30000000000000004}\n";
        std::fs::write(&other, text).expect("it is written");
        let other = open(&other).expect("it opens");
        let mut lines = open(&path).expect("it opens");
        lines.push(Score { value: 7.0 }).expect("it is written");
        let taken = other.lines().expect("it is read");
        let error = lines.push_lines(["{\"value\":1}", "{}"]);
        assert!(matches!(error, Err(FileError::Unreadable { .. })));
        lines
            .push_lines(taken.iter().map(String::as_str))
            .expect("they are written");
        let written = std::fs::read_to_string(&path).expect("it is read");
        assert_eq!(written, format!("{{\"value\":7.0}}\n{text}"));
        assert_eq!(lines.items()[1], Score { value: 1.5 });
        lines.push(Score { value: 8.0 }).expect("it is written");
        assert_eq!(
            JsonLines::<Score>::read(&path, "a score")
                .expect("it is read")
                .len(),
            4
        );
        let place = other.path().to_path_buf();
        other.remove().expect("it is removed");
        assert!(!place.exists());
    }

    #[test]
    fn whether_a_file_is_in_use_can_be_asked_without_using_it() {
        let (_folder, path) = file();
        refuse_in_use(&path).expect("what is not there is nobody's");
        assert!(!path.exists());
        let lines = open(&path).expect("it opens");
        let error = refuse_in_use(&path).expect_err("it is locked");
        assert!(matches!(error, FileError::InUse { .. }), "{error}");
        drop(lines);
        refuse_in_use(&path).expect("it is free");
        open(&path).expect("it still is");
    }

    #[test]
    fn a_second_opener_is_refused_and_a_reader_is_not() {
        let (_folder, path) = file();
        let mut lines = open(&path).expect("it opens");
        lines.push(Score { value: 1.0 }).expect("it is written");
        let error = open(&path).expect_err("it is locked");
        assert!(matches!(error, FileError::InUse { .. }), "{error}");
        let read = JsonLines::<Score>::read(&path, "a score").expect("it is read");
        assert_eq!(read, [Score { value: 1.0 }]);
        drop(lines);
        open(&path).expect("it is free again");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_removed_or_replaced_takes_no_more_lines() {
        let (_folder, path) = file();
        let mut lines = open(&path).expect("it opens");
        lines.push(Score { value: 1.0 }).expect("it is written");
        std::fs::remove_file(&path).expect("it is removed");
        let mut refused = || lines.push(Score { value: 2.0 }).map(|_| ());
        assert!(matches!(refused(), Err(FileError::Removed { .. })));
        std::fs::write(&path, "").expect("another file");
        assert!(matches!(refused(), Err(FileError::Removed { .. })));
        assert_eq!(lines.items().len(), 1);
        assert_eq!(std::fs::read(&path).expect("it is read"), b"");
    }

    #[test]
    fn an_item_that_cannot_be_read_back_is_not_written() {
        let (_folder, path) = file();
        let mut lines = open(&path).expect("it opens");
        for value in [f64::NAN, f64::INFINITY] {
            let error = lines
                .push(Score { value })
                .expect_err("JSON has no such number");
            let text = error.to_string();
            assert!(text.contains("refused to write a score"), "{text}");
        }
        assert_eq!(std::fs::read(&path).expect("it is read"), b"");
        lines.push(Score { value: 0.5 }).expect("it is written");
        assert_eq!(lines.items().len(), 1);
    }

    #[test]
    fn a_line_of_something_else_is_refused_with_its_number() {
        let (_folder, path) = file();
        std::fs::write(&path, "{\"value\":1}\n{\"value\":null}\n").expect("it is written");
        let text = open(&path).expect_err("null is no number").to_string();
        assert!(
            text.contains("scores.jsonl:2: not a score: invalid type: null"),
            "{text}"
        );
    }
}
