//! Files of one's own: CSV, TSV, JSON lines and Parquet, whose columns have names.

mod csv;
mod json_lines;
mod labels;
mod number;
mod parquet;
mod part;
mod read;
mod text;
mod texts;
mod value;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub(crate) use labels::{Labels, integer};
pub(crate) use value::{Fault, Place, Value, Visit, VisitAll};

pub use part::{HeldOut, Part};
pub use texts::TextTable;

use crate::counted::counted;
use crate::error::TaskError;

/// Names the columns of a file that names its columns itself.
///
/// The file's ending says what it is; `.gz` may follow any but `.parquet`:
///
/// | ending | format |
/// |---|---|
/// | `.csv` | a header line, then rows with the quoting of RFC 4180 |
/// | `.tsv` | the same, with tabs for commas. Quotes are no part of the text, as in pandas and `datasets`, unlike in [`Format::Tsv`](crate::Format::Tsv) |
/// | `.jsonl`, `.ndjson`, `.json` | JSON lines: one object per line, whose keys are the columns |
/// | `.parquet` | Apache Parquet, uncompressed or with Snappy |
///
/// Text files are UTF-8, with or without a byte-order mark. Their blank lines are skipped, as in pandas.
/// Numbers and truth values are the text that Python's `str` makes of them. Labels are compared without
/// surrounding white space, and integers by their value. A label of a class is its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumns {
    /// Column of the sentence, or of the first of a pair.
    pub sentence: String,
    /// Column of the second sentence of a pair.
    pub sentence2: Option<String>,
    /// Column of the label; `None` for a file without labels, or with placeholders for them.
    pub label: Option<String>,
    /// The rows to use; `None` for all of them.
    pub part: Option<Part>,
}

/// How many rows are looked at to learn what the columns are.
pub(crate) const SAMPLE: usize = 100;

/// A file whose columns have names, and how to read it.
pub(crate) struct Table {
    path: PathBuf,
    encoding: Encoding,
    gzip: bool,
}

#[derive(Clone, Copy)]
enum Encoding {
    Csv { delimiter: u8 },
    JsonLines,
    Parquet,
}

impl Encoding {
    /// The format by a file's ending, if it is known, and whether it is compressed.
    fn of(path: &Path) -> (Option<Self>, bool) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        let (name, gzip) = match name.strip_suffix(".gz") {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let encoding = match (ending, gzip) {
            ("csv", _) => Some(Self::Csv { delimiter: b',' }),
            ("tsv", _) => Some(Self::Csv { delimiter: b'\t' }),
            ("jsonl" | "ndjson" | "json", _) => Some(Self::JsonLines),
            ("parquet", false) => Some(Self::Parquet),
            _ => None,
        };
        (encoding, gzip)
    }
}

impl Table {
    /// Whether a header looks as if another separator than that of the file's kind stood between its columns.
    pub(crate) fn is_unseparated(&self, header: &[String]) -> bool {
        let (Encoding::Csv { delimiter }, [only]) = (self.encoding, header) else {
            return false;
        };
        let others = [',', ';', '\t', '|'];
        let mut others = others.into_iter().filter(|c| *c != char::from(delimiter));
        others.any(|other| only.contains(other))
    }

    /// Returns whether a file's ending is one of those that [`at`](Self::at) takes.
    fn has_known_ending(path: &Path) -> bool {
        Encoding::of(path).0.is_some()
    }

    /// Looks at the name of a file, and makes sure that it is one.
    pub(crate) fn at(path: &Path) -> Result<Self, TaskError> {
        let (encoding, gzip) = Encoding::of(path);
        let encoding = encoding.ok_or_else(|| TaskError::Table {
            path: path.to_owned(),
            found: "a file name with another ending".to_owned(),
            expected: ".csv, .tsv, .jsonl, .ndjson or .json, each also with .gz, or .parquet"
                .to_owned(),
        })?;
        // Opening a pipe would wait for a writer, who may never come.
        let metadata = fs::metadata(path).map_err(|error| text::unreadable(path, false, error))?;
        if !metadata.is_file() {
            let found = match metadata.is_dir() {
                true => "a folder",
                false => "a pipe or a device",
            };
            return Err(TaskError::Table {
                path: path.to_owned(),
                found: found.to_owned(),
                expected: "a file".to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            encoding,
            gzip,
        })
    }

    /// Returns whether the file could be GLUE's, where a quote is part of the text.
    pub(crate) fn is_tsv(&self) -> bool {
        matches!(self.encoding, Encoding::Csv { delimiter: b'\t' })
    }

    /// Returns the file's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the names of the columns: the first row of a text file, or the keys of its first
    /// objects.
    pub(crate) fn header(&self) -> Result<Vec<String>, TaskError> {
        self.header_with(&mut Err)
    }

    /// The same; a line among the first objects that is no object goes to `fault`.
    fn header_with(&self, fault: &mut Fault<'_>) -> Result<Vec<String>, TaskError> {
        let (path, gzip) = (&self.path, self.gzip);
        let header = match self.encoding {
            Encoding::Csv { delimiter } => {
                let mut records = csv::Records::open(path, gzip, delimiter)?;
                let header = records.next()?;
                header.map(|header| {
                    (0..header.len())
                        .map(|at| header.field(at).to_owned())
                        .collect()
                })
            }
            Encoding::JsonLines => json_lines::Objects::open(path, gzip)?.keys(SAMPLE, fault)?,
            Encoding::Parquet => Some(parquet::Rows::open(path)?.header()),
        };
        header.ok_or_else(|| TaskError::NoExamples { path: path.clone() })
    }

    /// Visits the values of `columns` row by row, until `visit` breaks. Returns the number of blank lines
    /// before the last row.
    pub(crate) fn visit(
        &self,
        columns: &[&str],
        visit: &mut Visit<'_>,
    ) -> Result<usize, TaskError> {
        if matches!(self.encoding, Encoding::JsonLines) {
            self.check_columns(&self.header()?, columns)?;
        }
        self.visit_with(columns, &mut |row| {
            row.and_then(|(place, values)| visit(place, values))
        })
    }

    /// The same, except that `visit` also gets the rows that cannot be read, and that no key of a file of JSON lines need
    /// be there.
    fn visit_with(&self, columns: &[&str], visit: &mut VisitAll<'_>) -> Result<usize, TaskError> {
        match self.encoding {
            Encoding::Csv { delimiter } => self.visit_records(delimiter, columns, visit),
            Encoding::JsonLines => self.visit_objects(columns, visit).map(|()| 0),
            Encoding::Parquet => {
                let rows = parquet::Rows::open(&self.path)?;
                self.check_columns(&rows.header(), columns)?;
                rows.visit(columns, &mut |place, values| visit(Ok((place, values))))?;
                Ok(0)
            }
        }
    }

    fn visit_records(
        &self,
        delimiter: u8,
        columns: &[&str],
        visit: &mut VisitAll<'_>,
    ) -> Result<usize, TaskError> {
        let mut records = csv::Records::open(&self.path, self.gzip, delimiter)?;
        let Some(header) = records.next()? else {
            return Ok(0);
        };
        let header: Vec<String> = (0..header.len())
            .map(|at| header.field(at).to_owned())
            .collect();
        let positions = self.check_columns(&header, columns)?;
        loop {
            let record = match records.next() {
                Ok(None) => break,
                Ok(Some(record)) => record,
                Err(error @ TaskError::NotUtf8 { .. }) => match visit(Err(error))? {
                    ControlFlow::Continue(()) => continue,
                    ControlFlow::Break(()) => break,
                },
                Err(other) => return Err(other),
            };
            if record.len() != header.len() {
                let hint = match record.has_line_ends() {
                    true => "; a field that starts with a quote ends at the next quote",
                    false => "",
                };
                let expected = format!("{}, as in the header{hint}", header.len());
                let error = TaskError::Line {
                    path: self.path.clone(),
                    line: record.line,
                    found: counted(record.len(), "column"),
                    expected,
                };
                match visit(Err(error))? {
                    ControlFlow::Continue(()) => continue,
                    ControlFlow::Break(()) => break,
                }
            }
            let fields = positions.iter().map(|&at| Value::Text(record.field(at)));
            let values: Vec<Value<'_>> = fields.collect();
            if visit(Ok((Place::Line(record.line), &values)))?.is_break() {
                break;
            }
        }
        Ok(records.blank_lines())
    }

    fn visit_objects(&self, columns: &[&str], visit: &mut VisitAll<'_>) -> Result<(), TaskError> {
        let mut objects = json_lines::Objects::open(&self.path, self.gzip)?;
        let mut slots = Vec::new();
        loop {
            let line = match objects.next(columns, &mut slots) {
                Ok(None) => return Ok(()),
                Ok(Some(line)) => line,
                Err(error @ (TaskError::NotUtf8 { .. } | TaskError::Line { .. })) => {
                    match visit(Err(error))? {
                        ControlFlow::Continue(()) => continue,
                        ControlFlow::Break(()) => return Ok(()),
                    }
                }
                Err(other) => return Err(other),
            };
            let values: Vec<Value<'_>> = slots.iter().map(json_lines::Slot::value).collect();
            if visit(Ok((Place::Line(line), &values)))?.is_break() {
                return Ok(());
            }
        }
    }

    /// Returns the positions of `columns`, each of which the file must have once.
    fn check_columns(&self, header: &[String], columns: &[&str]) -> Result<Vec<usize>, TaskError> {
        let position = |&column: &&str| {
            let mut found = (0..header.len()).filter(|&at| header[at] == column);
            match (found.next(), found.next()) {
                (Some(at), None) => Ok(at),
                (None, _) => Err(self.no_column(column, header)),
                (Some(_), Some(_)) => Err(TaskError::Table {
                    path: self.path.clone(),
                    found: format!("two columns {column:?}"),
                    expected: "columns with different names".to_owned(),
                }),
            }
        };
        columns.iter().map(position).collect()
    }

    /// The error for a column that the file lacks.
    pub(crate) fn no_column(&self, column: &str, header: &[String]) -> TaskError {
        TaskError::Table {
            path: self.path.clone(),
            found: format!("no column {column:?}"),
            expected: format!("one of its columns, {}", listed(header)),
        }
    }
}

/// Lists names in a message, shortened.
pub(crate) fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    let shown = names.iter().take(MOST);
    let shown: Vec<String> = shown
        .map(|name| format!("{:?}", crate::error::excerpt(name)))
        .collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
