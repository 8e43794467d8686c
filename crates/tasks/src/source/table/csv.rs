//! CSV and TSV with the quoting of RFC 4180.

use std::io::BufRead;
use std::path::Path;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::text;
use crate::error::TaskError;

/// Reads the records of a file one after the other.
///
/// Blank lines are skipped, as pandas skips them. A line ends with LF, CRLF or CR.
///
/// The parser is that of the `csv` crate. Its reader is not used, because it counts the lines of CRLF
/// files short by one, and takes a quote that is never closed for the end of the file.
pub(super) struct Records<'a> {
    path: &'a Path,
    gzip: bool,
    reader: Box<dyn BufRead>,
    parser: Reader,
    /// The line that comes next, from 1.
    line: usize,
    /// Whether the last record ended with a carriage return, which a line feed may follow.
    after_carriage_return: bool,
    blank_lines: usize,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// A record and the line it starts on.
pub(super) struct Record<'r> {
    pub(super) line: usize,
    text: &'r str,
    ends: &'r [usize],
}

impl Record<'_> {
    /// Returns the number of fields.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns a field by its position.
    pub(super) fn field(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[at]]
    }

    /// Returns whether a field runs over several lines.
    pub(super) fn has_line_ends(&self) -> bool {
        self.text.contains(['\n', '\r'])
    }
}

impl<'a> Records<'a> {
    /// Opens a file whose fields are separated by `delimiter`.
    pub(super) fn open(path: &'a Path, gzip: bool, delimiter: u8) -> Result<Self, TaskError> {
        Ok(Self {
            path,
            gzip,
            reader: text::open(path, gzip)?,
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            line: 1,
            after_carriage_return: false,
            blank_lines: 0,
            text: vec![0; 1 << 10],
            ends: vec![0; 1 << 5],
        })
    }

    /// Returns how many blank lines came before the last record.
    pub(super) fn blank_lines(&self) -> usize {
        self.blank_lines
    }

    /// Reads the next record; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, TaskError> {
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        let line = self.line;
        let (text, ends) = self.read()?;
        let not_utf8 = |valid: usize| TaskError::NotUtf8 {
            path: self.path.to_owned(),
            line: line + count_line_feeds(&self.text[..valid]),
        };
        let text = std::str::from_utf8(&self.text[..text])
            .map_err(|error| not_utf8(error.valid_up_to()))?;
        let ends = &self.ends[..ends];
        // Two fields can be UTF-8 together without being so alone.
        if let Some(&end) = ends.iter().find(|&&end| !text.is_char_boundary(end)) {
            return Err(not_utf8(end));
        }
        Ok(Some(Record { line, text, ends }))
    }

    /// Goes to the next character that ends no line. Returns whether there is one.
    fn skip_line_ends(&mut self) -> Result<bool, TaskError> {
        let mut blank_lines = 0;
        loop {
            let input = self.reader.fill_buf();
            let input = input.map_err(|error| text::unreadable(self.path, self.gzip, error))?;
            let Some(&next) = input.first() else {
                return Ok(false);
            };
            match next {
                b'\n' => {
                    self.line += 1;
                    blank_lines += usize::from(!self.after_carriage_return);
                    self.after_carriage_return = false;
                }
                b'\r' => {
                    blank_lines += 1;
                    self.after_carriage_return = true;
                }
                _ => {
                    self.after_carriage_return = false;
                    self.blank_lines += blank_lines;
                    return Ok(true);
                }
            }
            self.reader.consume(1);
        }
    }

    /// Reads a record into `text` and `ends`, and returns how much of them it fills.
    fn read(&mut self) -> Result<(usize, usize), TaskError> {
        let first_line = self.line;
        let (mut text, mut ends) = (0, 0);
        let mut at_end = false;
        loop {
            let input = self.reader.fill_buf();
            let input = input.map_err(|error| text::unreadable(self.path, self.gzip, error))?;
            // A line end after the last line does no harm, and inside quotes it ends no record.
            let was_at_end = std::mem::replace(&mut at_end, input.is_empty());
            let input: &[u8] = if at_end { b"\n" } else { input };
            if was_at_end {
                return Err(TaskError::Line {
                    path: self.path.to_owned(),
                    line: first_line,
                    found: "a quote that is never closed".to_owned(),
                    expected: "a second quote; a quote inside quotes is doubled".to_owned(),
                });
            }
            let (result, read, written, ended) =
                self.parser
                    .read_record(input, &mut self.text[text..], &mut self.ends[ends..]);
            self.line += count_line_feeds(&input[..read]);
            self.after_carriage_return = input[..read].last() == Some(&b'\r');
            if at_end {
                at_end = read > 0;
            } else {
                self.reader.consume(read);
            }
            text += written;
            ends += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::Record | ReadRecordResult::End => return Ok((text, ends)),
            }
        }
    }
}

fn count_line_feeds(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}
