//! The hub's files: Parquet, with one column for each sentence and one for the label.

mod budget;
mod delta;
mod page_header;
mod pages;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bytes::Bytes;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

pub(super) use self::budget::Budget;
pub(super) use self::pages::{column_reader, rows};

use super::contents::{Contents, strip};
use super::tsv::{no_row_of, note_of_missing};
use crate::error::{TaskError, excerpt};
use crate::outputs::Outputs;
use crate::split::Example;
use crate::targets::Targets;

/// Names the columns of a Parquet file.
///
/// Labels are numbers: the position of the class (int64), or the score (float); or the names of the classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParquetColumns {
    /// Column of the sentence, or of the first of a pair.
    pub sentence: String,
    /// Column of the second sentence of a pair.
    pub sentence2: Option<String>,
    /// Column of the label; `None` for a file without labels, or with placeholders for them.
    pub label: Option<String>,
    /// Names of the classes that the label column should have, in order, if the file says: the hub's files do. Labels
    /// are numbers, and those of another task would be taken for this one's.
    pub classes: Vec<String>,
    /// Whether labels are the names of the classes, as text.
    pub names_as_labels: bool,
    /// Only rows with this text in this column are examples; rows with another belong to other sets.
    pub only: Option<(String, String)>,
    /// Sentences that stand for one that is missing. Rows with one are dropped, and a [note](crate::Split::notes) says how
    /// many.
    pub missing: Vec<String>,
}

/// Reads the examples from `bytes`, the contents of `path`.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    columns: &ParquetColumns,
    outputs: &Outputs,
) -> Result<Contents, TaskError> {
    // parquet 60.1 panics on some damaged pages, for example if a length runs past the end of one.
    catch_unwind(AssertUnwindSafe(|| contents(path, bytes, columns, outputs))).unwrap_or_else(
        |_| {
            let damaged = ParquetError::General("a damaged page".to_owned());
            Err(unreadable(path, &damaged))
        },
    )
}

fn contents(
    path: &Path,
    bytes: &[u8],
    columns: &ParquetColumns,
    outputs: &Outputs,
) -> Result<Contents, TaskError> {
    let file = File::open(path, bytes)?;
    if let Some(label) = &columns.label {
        file.check_classes(label, &columns.classes)?;
    }
    let sentences = file.sentences(&columns.sentence)?;
    let seconds = columns.sentence2.as_ref().map(|name| file.sentences(name));
    let targets = columns
        .label
        .as_ref()
        .map(|name| file.targets(name, columns.names_as_labels, outputs));

    let mut seconds = seconds.transpose()?.map(Vec::into_iter);
    let contents = Contents {
        // `File::column` gives every column as many values as the file has rows.
        examples: sentences
            .into_iter()
            .map(|sentence| Example {
                sentence,
                sentence2: seconds.as_mut().and_then(Iterator::next),
            })
            .collect(),
        targets: targets.transpose()?,
        notes: Vec::new(),
    };
    let of_the_set = match &columns.only {
        None => None,
        Some((column, value)) => {
            let values = file.sentences(column)?;
            let is_there = values.contains(value);
            if !is_there {
                return Err(no_row_of(path, value));
            }
            Some(values.iter().map(|other| other == value).collect())
        }
    };
    Ok(kept(path, contents, of_the_set, &columns.missing))
}

/// The examples of the set whose sentences are all there.
fn kept(
    path: &Path,
    mut contents: Contents,
    of_the_set: Option<Vec<bool>>,
    missing: &[String],
) -> Contents {
    let is_whole = |example: &Example| {
        let mut sentences = std::iter::once(&example.sentence).chain(&example.sentence2);
        !sentences.any(|sentence| missing.contains(sentence))
    };
    let of_the_set = of_the_set.unwrap_or_else(|| vec![true; contents.examples.len()]);
    let rows = contents.examples.iter().zip(&of_the_set);
    let keep: Vec<bool> = rows
        .map(|(row, of_the_set)| *of_the_set && is_whole(row))
        .collect();
    let dropped = of_the_set.iter().zip(&keep).enumerate();
    let mut dropped = dropped.filter(|(_, (of_the_set, keep))| **of_the_set && !**keep);
    if let Some((first, _)) = dropped.next() {
        let place = format!("{}: row {}", path.display(), first + 1);
        contents
            .notes
            .push(note_of_missing(&place, 1 + dropped.count()));
    }
    match &mut contents.targets {
        None => {}
        Some(Targets::Classes(classes)) => retain(classes, &keep),
        Some(Targets::Scores(scores)) => retain(scores, &keep),
    }
    retain(&mut contents.examples, &keep);
    contents
}

fn retain<T>(values: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    values.retain(|_| keep.next().is_none_or(|keep| *keep));
}

struct File<'a> {
    path: &'a Path,
    bytes: Bytes,
    reader: SerializedFileReader<Bytes>,
    budget: RefCell<Budget>,
}

/// A value, or `None` if the file has a null.
type Column<T> = Vec<Option<T>>;

impl<'a> File<'a> {
    fn open(path: &'a Path, bytes: &[u8]) -> Result<Self, TaskError> {
        let bytes = Bytes::copy_from_slice(bytes);
        let reader =
            SerializedFileReader::new(bytes.clone()).map_err(|error| unreadable(path, &error))?;
        Ok(Self {
            path,
            budget: RefCell::new(Budget::of(bytes.len() as u64)),
            bytes,
            reader,
        })
    }

    /// Compares the names of the classes with those in the metadata that Hugging Face's `datasets` writes, if they are
    /// there.
    fn check_classes(&self, label: &str, expected: &[String]) -> Result<(), TaskError> {
        let metadata = self.reader.metadata().file_metadata();
        let pairs = metadata.key_value_metadata().into_iter().flatten();
        let written = pairs.filter(|pair| pair.key == "huggingface");
        let written = written.filter_map(|pair| serde_json::from_str(pair.value.as_ref()?).ok());
        let names = written
            .map(|info: serde_json::Value| info["info"]["features"][label]["names"].clone())
            .find_map(|names| serde_json::from_value::<Vec<String>>(names).ok());
        match names {
            Some(names) if !expected.is_empty() && names != expected => {
                Err(TaskError::ParquetColumn {
                    path: self.path.to_owned(),
                    column: label.to_owned(),
                    found: excerpt(&format!(
                        "classes {}: another task's file",
                        names.join(", ")
                    )),
                    expected: format!("the classes {}", expected.join(", ")),
                })
            }
            _ => Ok(()),
        }
    }

    fn sentences(&self, name: &str) -> Result<Vec<String>, TaskError> {
        const EXPECTED: &str = "UTF-8 text";
        let values = self.column::<ByteArrayType>(name, "text", |reader| match reader {
            ColumnReader::ByteArrayColumnReader(reader) => Some(reader),
            _ => None,
        })?;
        self.checked(
            name,
            values,
            EXPECTED,
            |bytes: &ByteArray| match std::str::from_utf8(bytes.data()) {
                Ok(text) => Ok(strip(text).to_owned()),
                Err(_) => Err("is not UTF-8".to_owned()),
            },
        )
    }

    fn targets(
        &self,
        name: &str,
        names_as_labels: bool,
        outputs: &Outputs,
    ) -> Result<Targets, TaskError> {
        match outputs {
            Outputs::Classes(names) if names_as_labels => {
                let words = self.sentences(name)?;
                let expected = outputs.to_string();
                let words = words.into_iter().map(Some).collect();
                let classes = self.checked(name, words, &expected, |word: &String| {
                    let class = names.iter().position(|name| name == word);
                    class.ok_or_else(|| format!("is {:?}", excerpt(word)))
                })?;
                Ok(Targets::Classes(classes))
            }
            Outputs::Classes(names) => {
                let values = self.column::<Int64Type>(name, "int64", |reader| match reader {
                    ColumnReader::Int64ColumnReader(reader) => Some(reader),
                    _ => None,
                })?;
                let expected = format!("0 to {}", names.len().saturating_sub(1));
                let classes = self.checked(name, values, &expected, |&value| {
                    match usize::try_from(value) {
                        Ok(class) if class < names.len() => Ok(class),
                        // So the hub writes test sets.
                        _ if value == -1 => Err("is -1, which means no label".to_owned()),
                        _ => Err(format!("is {value}")),
                    }
                })?;
                Ok(Targets::Classes(classes))
            }
            Outputs::Score { min, max } => {
                let values = self.column::<FloatType>(name, "float", |reader| match reader {
                    ColumnReader::FloatColumnReader(reader) => Some(reader),
                    _ => None,
                })?;
                let scores =
                    self.checked(name, values, &outputs.to_string(), |&score| {
                        match (min..=max).contains(&&score) {
                            true => Ok(score),
                            false => Err(format!("is {score}")),
                        }
                    })?;
                Ok(Targets::Scores(scores))
            }
        }
    }

    /// Converts every value. A null, or a value that `convert` refuses, is an error that names the row.
    fn checked<T, U>(
        &self,
        column: &str,
        values: Column<T>,
        expected: &str,
        convert: impl Fn(&T) -> Result<U, String>,
    ) -> Result<Vec<U>, TaskError> {
        let convert = |(at, value): (usize, &Option<T>)| {
            let converted = match value {
                Some(value) => convert(value),
                None => Err("is null".to_owned()),
            };
            converted.map_err(|found| TaskError::ParquetValue {
                path: self.path.to_owned(),
                row: at + 1,
                column: column.to_owned(),
                found,
                expected: expected.to_owned(),
            })
        };
        values.iter().enumerate().map(convert).collect()
    }

    /// Reads a whole column, which must not be nested and must have the type that `typed` takes.
    fn column<T: DataType>(
        &self,
        name: &str,
        expected: &'static str,
        typed: impl Fn(ColumnReader) -> Option<ColumnReaderImpl<T>>,
    ) -> Result<Column<T::T>, TaskError> {
        let other = |found: String| TaskError::ParquetColumn {
            path: self.path.to_owned(),
            column: name.to_owned(),
            found: excerpt(&found),
            expected: expected.to_owned(),
        };
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let names: Vec<String> = schema.columns().iter().map(|c| c.path().string()).collect();
        let at = names
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| other(format!("columns {}", names.join(", "))))?;
        let physical = schema.column(at).physical_type();

        let mut values = Vec::new();
        for group in 0..self.reader.num_row_groups() {
            let group = self.unless_damaged(self.reader.get_row_group(group))?;
            let budget = &mut *self.budget.borrow_mut();
            let reader = column_reader(&self.bytes, group.as_ref(), at, budget);
            let mut reader = typed(self.unless_damaged(reader)?)
                .ok_or_else(|| other(format!("{name} is a column of {physical}")))?;
            let read = read_group(&mut reader, group.as_ref(), budget);
            values.append(&mut self.unless_damaged(read)?);
        }
        Ok(values)
    }

    fn unless_damaged<T>(&self, result: Result<T, ParquetError>) -> Result<T, TaskError> {
        result.map_err(|error| unreadable(self.path, &error))
    }
}

/// One value for each row of the group.
pub(super) fn read_group<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    group: &dyn RowGroupReader,
    budget: &mut Budget,
) -> Result<Column<T::T>, ParquetError> {
    /// Rows after which the budget is looked at: a text may begin with the whole of the one before it.
    const ROWS: usize = 1024;
    let rows = rows(group)?;
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (before, most) = (values.len(), ROWS.min(rows - read));
        let (more, ..) = reader.read_records(most, Some(&mut levels), None, &mut values)?;
        if more == 0 {
            break;
        }
        read += more;
        let sizes = values[before..].iter().map(|value| value.as_bytes().len());
        budget.bytes(sizes.sum::<usize>() as u64)?;
    }
    if read != rows {
        let message = format!("a column has {read} of {rows} rows");
        return Err(ParquetError::General(message));
    }
    // A column without optional values has no levels.
    if values.len() == rows {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(levels
        .into_iter()
        .map(|level| if level == 0 { None } else { values.next() })
        .collect())
}

pub(super) fn unreadable(path: &Path, error: &ParquetError) -> TaskError {
    let reason = match error {
        ParquetError::General(text) | ParquetError::NYI(text) | ParquetError::EOF(text) => {
            text.clone()
        }
        other => other.to_string(),
    };
    TaskError::Parquet {
        path: path.to_owned(),
        reason: excerpt(&reason.replace(char::is_control, " ")),
    }
}
