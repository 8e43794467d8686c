//! GLUE's TSV dialect: one row per line, columns separated by tabs, no quoting and no escapes.

use std::path::Path;

use super::contents::{Contents, strip};
use crate::error::{TaskError, excerpt};
use crate::outputs::Outputs;
use crate::split::Example;
use crate::targets::Targets;

/// Says what the columns of a TSV file are. Columns are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsvColumns {
    /// The first line, which must match exactly; `None` for a file that starts with its first
    /// example.
    pub header: Option<String>,
    /// Number of columns of every row.
    pub count: usize,
    /// Column of the sentence, or of the first of a pair.
    pub sentence: usize,
    /// Column of the second sentence of a pair.
    pub sentence2: Option<usize>,
    /// Column of the label; `None` for a file without labels.
    pub label: Option<usize>,
}

impl TsvColumns {
    /// Returns a contradiction in the description, if there is one, and what would be right.
    pub(super) fn fault(&self) -> Option<(String, String)> {
        let count = self.count;
        if let Some(header) = &self.header {
            let columns = header.split('\t').count();
            if columns != count {
                return Some((
                    format!("header {header:?} has {columns} column(s)"),
                    format!("{count}, as in every row"),
                ));
            }
        }
        [Some(self.sentence), self.sentence2, self.label]
            .into_iter()
            .flatten()
            .find(|column| *column >= count)
            .map(|column| {
                (
                    format!("column {column} is used"),
                    format!("0 to {}", count.saturating_sub(1)),
                )
            })
    }
}

/// Reads the examples from `bytes`, the contents of `path`.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    columns: &TsvColumns,
    outputs: &Outputs,
) -> Result<Contents, TaskError> {
    let reader = Reader {
        path,
        columns,
        outputs,
    };
    match outputs {
        Outputs::Classes(names) => reader.read(bytes, Targets::Classes, |text| {
            names.iter().position(|name| name == text)
        }),
        Outputs::Score { min, max } => reader.read(bytes, Targets::Scores, |text| {
            text.parse()
                .ok()
                .filter(|score| (min..=max).contains(&score))
        }),
    }
}

struct Reader<'a> {
    path: &'a Path,
    columns: &'a TsvColumns,
    outputs: &'a Outputs,
}

/// A line of the file, counted from 1, and its columns.
struct Row<'a> {
    line: usize,
    columns: Vec<&'a str>,
}

impl Reader<'_> {
    fn read<T>(
        &self,
        bytes: &[u8],
        targets: impl Fn(Vec<T>) -> Targets,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Contents, TaskError> {
        let mut rows = self.rows(bytes)?;
        self.check_header(&mut rows)?;
        let (mut examples, mut labels) = (Vec::new(), Vec::new());
        let mut quoted = Vec::new();
        for row in rows {
            let columns = self.checked(&row)?;
            if self.sentences(columns).any(is_escaped) {
                quoted.push(row.line);
            }
            let mut sentences = self.sentences(columns).map(str::to_owned);
            examples.push(Example {
                sentence: sentences.next().unwrap_or_default(),
                sentence2: sentences.next(),
            });
            if let Some(at) = self.columns.label {
                labels.push(parse(columns[at]).ok_or_else(|| self.label(&row, columns[at]))?);
            }
        }
        Ok(Contents {
            examples,
            targets: self.columns.label.map(|_| targets(labels)),
            notes: self.quotes_are_kept(&quoted).into_iter().collect(),
        })
    }

    /// Splits the file into rows. Blank lines are kept, and refused later for their number of columns.
    ///
    /// A byte-order mark and a carriage return before a line feed are dropped.
    ///
    /// Without quoting, a row only needs to be split at tabs. The `csv` crate would skip blank lines and
    /// miscount the lines of CRLF files by one, and errors name the line.
    fn rows<'b>(
        &self,
        bytes: &'b [u8],
    ) -> Result<impl Iterator<Item = Row<'b>> + use<'b>, TaskError> {
        let text = std::str::from_utf8(bytes).map_err(|error| TaskError::NotUtf8 {
            path: self.path.to_owned(),
            line: 1 + bytes[..error.valid_up_to()]
                .iter()
                .filter(|&&b| b == b'\n')
                .count(),
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(text
            .split_terminator('\n')
            .enumerate()
            .map(|(at, line)| Row {
                line: at + 1,
                columns: line
                    .strip_suffix('\r')
                    .unwrap_or(line)
                    .split('\t')
                    .collect(),
            }))
    }

    fn check_header<'b>(&self, rows: &mut impl Iterator<Item = Row<'b>>) -> Result<(), TaskError> {
        let Some(expected) = &self.columns.header else {
            return Ok(());
        };
        let columns = rows.next().map_or_else(Vec::new, |row| row.columns);
        let found = columns.join("\t");
        match found == *expected {
            true => Ok(()),
            false => Err(TaskError::Header {
                path: self.path.to_owned(),
                found: excerpt(&found),
                expected: expected.clone(),
                hint: hint(&columns),
            }),
        }
    }

    /// The columns of a row, if it has as many as it should.
    fn checked<'r, 'b>(&self, row: &'r Row<'b>) -> Result<&'r [&'b str], TaskError> {
        match row.columns.len() == self.columns.count {
            true => Ok(&row.columns),
            false => Err(TaskError::Columns {
                path: self.path.to_owned(),
                line: row.line,
                found: row.columns.len(),
                expected: self.columns.count,
                hint: hint(&row.columns),
            }),
        }
    }

    fn sentences<'r, 'b>(
        &self,
        columns: &'r [&'b str],
    ) -> impl Iterator<Item = &'b str> + use<'r, 'b> {
        let used = [Some(self.columns.sentence), self.columns.sentence2];
        used.into_iter().flatten().map(|at| strip(columns[at]))
    }

    fn label(&self, row: &Row<'_>, found: &str) -> TaskError {
        TaskError::Label {
            path: self.path.to_owned(),
            line: row.line,
            found: excerpt(found),
            expected: self.outputs.to_string(),
            hint: hint(&[found]),
        }
    }

    fn quotes_are_kept(&self, lines: &[usize]) -> Option<String> {
        let first = lines.first()?;
        Some(format!(
            "{}:{first}: {} row(s) from here on look quoted as in CSV; the quotes stay in the sentences, as GLUE's TSV \
             files have no quoting",
            self.path.display(),
            lines.len(),
        ))
    }
}

/// What may be wrong with columns that do not fit.
fn hint(columns: &[&str]) -> &'static str {
    let opens = columns.iter().any(|column| column.starts_with('"'));
    let closes = columns
        .iter()
        .any(|column| column.len() > 1 && column.ends_with('"'));
    match opens && closes {
        true => "; columns look quoted, and GLUE's TSV files have no quoting",
        false => "",
    }
}

/// Whether a sentence is in quotes and each quote inside is doubled, which is true of no sentence in
/// GLUE's own files. Quotes around a sentence alone prove nothing: some sentences are quotations.
fn is_escaped(sentence: &str) -> bool {
    let inside = sentence
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inside.is_some_and(|inside| inside.contains('"') && !inside.replace("\"\"", "").contains('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(usize, Vec<&str>)> {
        let columns = TsvColumns {
            header: None,
            count: 1,
            sentence: 0,
            sentence2: None,
            label: None,
        };
        let reader = Reader {
            path: Path::new("x.tsv"),
            columns: &columns,
            outputs: &Outputs::classes(["0", "1"]),
        };
        let rows = reader.rows(text.as_bytes()).unwrap();
        rows.map(|row| (row.line, row.columns)).collect()
    }

    #[test]
    fn a_quote_is_a_character() {
        assert_eq!(
            split("\"a\tb\"\n\"\t\"\"\n"),
            [(1, vec!["\"a", "b\""]), (2, vec!["\"", "\"\""])]
        );
    }

    #[test]
    fn crlf_and_a_missing_last_line_feed_read_as_lf() {
        let lf = split("a\tb\nc\td\n");
        assert_eq!(split("a\tb\r\nc\td\r\n"), lf);
        assert_eq!(split("a\tb\r\nc\td"), lf);
        assert_eq!(split("\u{feff}a\tb\nc\td"), lf);
    }

    #[test]
    fn blank_lines_keep_their_place_and_the_count() {
        assert_eq!(
            split("a\n\nb\n\n"),
            [(1, vec!["a"]), (2, vec![""]), (3, vec!["b"]), (4, vec![""])]
        );
    }

    #[test]
    fn a_carriage_return_inside_a_line_stays() {
        assert_eq!(split("a\rb\tc\r\r\n"), [(1, vec!["a\rb", "c\r"])]);
    }

    #[test]
    fn only_doubled_quotes_within_quotes_look_escaped() {
        for escaped in [r#""he said ""wow""""#, r#""""""#, r#""""great"" fun""#] {
            assert!(is_escaped(escaped), "{escaped}");
        }
        for plain in [
            "",
            "\"",
            "\"\"",
            "\"a quotation .\"",
            "a \"\" b",
            "\"a\" and \"b\"",
            "\"\"a\"",
        ] {
            assert!(!is_escaped(plain), "{plain}");
        }
    }
}
