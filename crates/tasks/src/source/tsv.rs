//! TSV: one row per line, columns separated by tabs. GLUE's dialect has no quoting and no escapes; XTREME's files are written
//! by Python's `csv`, which quotes a column that contains a quote.

use std::borrow::Cow;
use std::iter::Peekable;
use std::path::Path;

use super::contents::{Contents, strip};
use crate::counted::counted;
use crate::error::{TaskError, excerpt};
use crate::outputs::Outputs;
use crate::split::Example;
use crate::targets::Targets;

/// Says what the columns of a TSV file are. Columns are counted from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Words for classes that the task calls otherwise: the one in the file, and the task's.
    pub other_words: Vec<(String, String)>,
    /// Only rows with this value in this column are examples; rows with another belong to other sets.
    pub only: Option<(usize, String)>,
    /// Sentences that stand for one that is missing. Rows with one are dropped, and a [note](crate::Split::notes) says how
    /// many.
    pub missing: Vec<String>,
    /// How sentences that contain quotes are written.
    pub quotes: Quotes,
    /// What happens to rows with fewer columns.
    pub short_rows: ShortRows,
    /// First lines of other files that may be here by mistake, each with the names of these files.
    /// They only make a message more helpful.
    pub other_headers: Vec<(String, String)>,
}

/// Says what happens to rows that have fewer columns than [`TsvColumns::count`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShortRows {
    /// The file is refused.
    #[default]
    Refused,
    /// They are dropped, and a [note](crate::Split::notes) says how many.
    Dropped,
}

/// Says what a quote at the beginning of a column means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quotes {
    /// It is a character.
    #[default]
    Kept,
    /// It opens a quoted column, as Python's `csv` writes one: the quotes around it are not part of it, and each quote inside is
    /// doubled.
    Doubled,
}

impl TsvColumns {
    /// Returns a contradiction in the description, if there is one, and what would be right.
    pub(super) fn fault(&self) -> Option<(String, String)> {
        let count = self.count;
        if let Some(header) = &self.header {
            let columns = header.split('\t').count();
            if columns != count {
                return Some((
                    format!("header {header:?} has {}", counted(columns, "column")),
                    format!("{count}, as in every row"),
                ));
            }
        }
        let only = self.only.as_ref().map(|(column, _)| *column);
        [Some(self.sentence), self.sentence2, self.label, only]
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
            let mut words = columns.other_words.iter();
            let word = words.find(|(word, _)| word == text);
            let name = word.map_or(text, |(_, class)| class.as_str());
            names.iter().position(|class| class == name)
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
        let mut rows = self.rows(bytes)?.peekable();
        self.check_header(&mut rows)?;
        let (mut examples, mut labels) = (Vec::new(), Vec::new());
        let mut quoted = Vec::new();
        let (mut short, mut missing) = (Vec::new(), Vec::new());
        for row in rows {
            if self.is_dropped(&row) {
                short.push(row.line);
                continue;
            }
            let columns = self.checked(&row)?;
            if !self.is_of_the_set(columns) {
                continue;
            }
            if self.columns.quotes == Quotes::Kept && self.sentences(columns).any(is_escaped) {
                quoted.push(row.line);
            }
            let sentences = self
                .sentences(columns)
                .map(|text| self.unquoted(&row, text));
            let sentences: Vec<String> = sentences.collect::<Result<_, _>>()?;
            if sentences
                .iter()
                .any(|text| self.columns.missing.contains(text))
            {
                missing.push(row.line);
                continue;
            }
            let mut sentences = sentences.into_iter();
            examples.push(Example {
                sentence: sentences.next().unwrap_or_default(),
                sentence2: sentences.next(),
            });
            if let Some(at) = self.columns.label {
                labels.push(parse(columns[at]).ok_or_else(|| self.label(&row, columns[at]))?);
            }
        }
        if let (Some((_, value)), true) = (&self.columns.only, examples.is_empty()) {
            return Err(no_row_of(self.path, value));
        }
        let notes = [
            self.quotes_are_kept(&quoted),
            self.rows_are_dropped(&short),
            missing.first().map(|first| {
                let place = format!("{}:{first}", self.path.display());
                note_of_missing(&place, missing.len())
            }),
        ];
        Ok(Contents {
            examples,
            targets: self.columns.label.map(|_| targets(labels)),
            notes: notes.into_iter().flatten().collect(),
        })
    }

    fn is_of_the_set(&self, columns: &[&str]) -> bool {
        let only = self.columns.only.as_ref();
        only.is_none_or(|(column, value)| strip(columns[*column]) == value)
    }

    /// A sentence as it was before it was quoted.
    fn unquoted(&self, row: &Row<'_>, text: &str) -> Result<String, TaskError> {
        if self.columns.quotes == Quotes::Kept {
            return Ok(text.to_owned());
        }
        let unquoted = unquoted(text).ok_or_else(|| TaskError::Line {
            path: self.path.to_owned(),
            line: row.line,
            found: format!("column {:?}", excerpt(text)),
            expected: "a closing quote, and each quote inside doubled, as Python's csv writes them"
                .to_owned(),
        })?;
        Ok(strip(&unquoted).to_owned())
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

    fn check_header<'b>(
        &self,
        rows: &mut Peekable<impl Iterator<Item = Row<'b>>>,
    ) -> Result<(), TaskError> {
        let columns = rows.peek().map_or_else(Vec::new, |row| row.columns.clone());
        let found = columns.join("\t");
        let expected = self.columns.header.as_ref();
        if let Some((_, files)) = (self.columns.other_headers.iter()).find(|(h, _)| *h == found) {
            return Err(TaskError::OtherHeader {
                path: self.path.to_owned(),
                found: excerpt(&found),
                files: files.clone(),
                expected: match expected {
                    Some(header) => format!("{header:?}"),
                    None => format!("{} columns and no header", self.columns.count),
                },
            });
        }
        let Some(expected) = expected else {
            return Ok(());
        };
        rows.next();
        match found == *expected {
            true => Ok(()),
            false => Err(TaskError::Header {
                path: self.path.to_owned(),
                found: excerpt(&found),
                expected: expected.clone(),
                hint: header_hint(&columns, expected),
            }),
        }
    }

    fn is_dropped(&self, row: &Row<'_>) -> bool {
        self.columns.short_rows == ShortRows::Dropped && row.columns.len() < self.columns.count
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
            "{}:{first}: sentences look quoted as in CSV, in {} from here on; the quotes stay in the sentences, as GLUE's TSV \
             files have no quoting",
            self.path.display(),
            counted(lines.len(), "row"),
        ))
    }

    fn rows_are_dropped(&self, lines: &[usize]) -> Option<String> {
        let first = lines.first()?;
        Some(format!(
            "{}:{first}: dropped, as transformers and datasets do: {} from here on with fewer than {} columns",
            self.path.display(),
            counted(lines.len(), "row"),
            self.columns.count,
        ))
    }
}

/// What may be wrong with a header.
fn header_hint(columns: &[&str], expected: &str) -> &'static str {
    let spelling = |names: &[&str]| -> Vec<String> {
        let letters = |name: &&str| {
            let kept = name.chars().filter(|c| c.is_alphanumeric());
            kept.flat_map(char::to_lowercase).collect()
        };
        names.iter().map(letters).collect()
    };
    let expected: Vec<&str> = expected.split('\t').collect();
    let sorted = |names: &[&str]| {
        let mut names = spelling(names);
        names.sort();
        names
    };
    match hint(columns) {
        "" if spelling(columns) == spelling(&expected) => "; only the spelling differs",
        "" if sorted(columns) == sorted(&expected) => "; the columns are in another order",
        hint => hint,
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

/// What Python's `csv` has quoted; `None` if a quote is not closed or one inside is not doubled.
fn unquoted(text: &str) -> Option<Cow<'_, str>> {
    let Some(rest) = text.strip_prefix('"') else {
        return Some(Cow::Borrowed(text));
    };
    let inside = rest.strip_suffix('"')?;
    match inside.replace("\"\"", "").contains('"') {
        true => None,
        false => Some(Cow::Owned(inside.replace("\"\"", "\""))),
    }
}

/// What to say if no row has the value that those of a set have.
pub(super) fn no_row_of(path: &Path, value: &str) -> TaskError {
    TaskError::Table {
        path: path.to_owned(),
        found: format!("no row of {:?}", excerpt(value)),
        expected: "at least one".to_owned(),
    }
}

/// What to say about rows that are dropped because a sentence is missing, the first of which is at `place`.
pub(super) fn note_of_missing(place: &str, count: usize) -> String {
    format!(
        "{place}: dropped: {} from here on without a sentence, or with a placeholder for it",
        counted(count, "row")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_columns_are_what_they_were() {
        for (written, text) in [
            ("plain", Some("plain")),
            ("a \"word\" inside", Some("a \"word\" inside")),
            ("\"\"", Some("")),
            ("\"\"\"\"", Some("\"")),
            ("\"he said \"\"no\"\"\"", Some("he said \"no\"")),
            ("\"", None),
            ("\"open", None),
            ("\"\"\"", None),
            ("\"one \" alone\"", None),
            ("\"\"doubled outside\"\"", None),
        ] {
            assert_eq!(unquoted(written).as_deref(), text, "{written}");
        }
    }

    fn split(text: &str) -> Vec<(usize, Vec<&str>)> {
        let columns = TsvColumns {
            count: 1,
            ..TsvColumns::default()
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
