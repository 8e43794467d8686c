//! Texts as lines of a file or stream.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::error::PredictError;
use crate::input::{Row, Text};

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Bytes of the longest line: a stream may have no end of one.
const LONGEST: u64 = 1 << 28;

/// A file or stream with a text per line, or with two that are separated by a tab.
///
/// A line ends with LF or CRLF, which are no part of the text; everything else is, white space included. An empty line is
/// an empty text. A byte-order mark at the start of the file is no part of the first text.
pub struct Lines {
    name: String,
    reader: Box<dyn BufRead>,
    are_pairs: bool,
    line: usize,
    bytes: Vec<u8>,
}

impl Lines {
    /// Reads from a stream, which messages call `name`.
    pub fn new(name: impl Into<String>, reader: impl io::Read + 'static, are_pairs: bool) -> Self {
        Self {
            name: name.into(),
            reader: Box::new(BufReader::with_capacity(1 << 16, reader)),
            are_pairs,
            line: 0,
            bytes: Vec::new(),
        }
    }

    /// Opens a file.
    ///
    /// # Errors
    /// [`PredictError::Read`].
    pub fn open(path: &Path, are_pairs: bool) -> Result<Self, PredictError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Ok(Self::new(name, file, are_pairs)),
            Err(source) => Err(PredictError::Read { name, source }),
        }
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Reads the next line; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, PredictError> {
        self.bytes.clear();
        let wrong = |source| PredictError::Read {
            name: self.name.clone(),
            source,
        };
        let mut line = self.reader.by_ref().take(LONGEST + 1);
        let read = line.read_until(b'\n', &mut self.bytes).map_err(wrong)?;
        if read as u64 > LONGEST {
            let reason = format!("line {} has more than {LONGEST} bytes", self.line + 1);
            return Err(wrong(io::Error::other(reason)));
        }
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        Ok(Some(match self.text() {
            Ok(text) => Row::Text(self.line, text),
            Err(error) => Row::Broken(error),
        }))
    }

    /// The text or pair of the line that was read last.
    fn text(&self) -> Result<Text, PredictError> {
        let line = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let place = || format!("{}:{}", self.name, self.line);
        let text =
            std::str::from_utf8(line).map_err(|_| PredictError::NotUtf8 { place: place() })?;
        let text = match self.line {
            1 => text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text),
            _ => text,
        };
        match (self.are_pairs, text.split_once('\t')) {
            (false, _) => Ok(Text {
                text: text.to_owned(),
                text_pair: None,
            }),
            (true, Some((first, second))) if !second.contains('\t') => Ok(Text {
                text: first.to_owned(),
                text_pair: Some(second.to_owned()),
            }),
            (true, _) => Err(PredictError::Pair {
                place: place(),
                tabs: text.matches('\t').count(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &'static [u8], are_pairs: bool) -> Lines {
        Lines::new("standard input", bytes, are_pairs)
    }

    /// The next line: its number with its text or pair, or what is wrong with it.
    fn next(lines: &mut Lines) -> Option<Result<(usize, Text), String>> {
        match lines.next().expect("memory can be read")? {
            Row::Text(line, text) => Some(Ok((line, text))),
            Row::Broken(error) => Some(Err(error.to_string())),
        }
    }

    #[test]
    fn only_the_line_end_is_no_part_of_a_text() {
        let mut lines = lines(
            b"\xef\xbb\xbf a \t\r\n\n\r\n\xef\xbb\xbfb\r\r\nlast\xc2\xa0",
            false,
        );
        for expected in [
            (1, " a \t"),
            (2, ""),
            (3, ""),
            (4, "\u{feff}b\r"),
            (5, "last\u{a0}"),
        ] {
            let (line, text) = next(&mut lines).expect("a line").expect("a text");
            assert_eq!((line, text.text.as_str()), expected);
            assert_eq!(text.text_pair, None);
        }
        assert_eq!(next(&mut lines), None);
    }

    #[test]
    fn nothing_is_no_text_and_a_line_end_is_an_empty_one() {
        assert_eq!(next(&mut lines(b"", false)), None);
        let mut one = lines(b"\n", false);
        let (line, text) = next(&mut one).expect("a line").expect("a text");
        assert_eq!((line, text.text.as_str()), (1, ""));
        assert_eq!(next(&mut one), None);
    }

    #[test]
    fn a_pair_has_exactly_one_tab() {
        let mut pairs = lines(b"a\t b\none\n1\t2\t3\nc\t\n", true);
        let mut next = || next(&mut pairs).expect("a line");
        let (_, first) = next().expect("a pair");
        assert_eq!(
            (first.text.as_str(), first.text_pair.as_deref()),
            ("a", Some(" b"))
        );
        for (line, tabs) in [(2, 0), (3, 2)] {
            let error = next().expect_err("it is no pair");
            assert!(
                error.starts_with(&format!("standard input:{line}: {tabs} tabs")),
                "{error}"
            );
        }
        let (line, last) = next().expect("a pair");
        assert_eq!((line, last.text_pair.as_deref()), (4, Some("")));
    }

    #[test]
    fn bytes_that_are_no_text_are_named_with_their_line() {
        let mut lines = lines(b"a\n\xff\nb\n", false);
        let mut next = || next(&mut lines).expect("a line");
        next().expect("a text");
        let error = next().expect_err("it is no text");
        assert_eq!(
            error,
            "standard input:2: bytes that are not UTF-8; expected UTF-8 text"
        );
        let (line, text) = next().expect("a text");
        assert_eq!((line, text.text.as_str()), (3, "b"));
    }
}
