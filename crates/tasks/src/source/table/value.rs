//! One value of a row.

use std::ops::ControlFlow;
use std::path::Path;

use crate::error::{TaskError, excerpt};

/// A value in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Text, or a number or a truth value as Python's `str` writes it.
    Text(&'a str),
    /// What is no text: null, missing, or of another type.
    Other(&'static str),
}

/// Is given the values of one row after the other, until it breaks.
pub(crate) type Visit<'v> =
    dyn FnMut(Place, &[Value<'_>]) -> Result<ControlFlow<()>, TaskError> + 'v;

/// A row, or what is wrong with it.
pub(crate) type Row<'r> = Result<(Place, &'r [Value<'r>]), TaskError>;

/// Is given rows that can be read and others, until it breaks.
pub(crate) type VisitAll<'v> = dyn FnMut(Row<'_>) -> Result<ControlFlow<()>, TaskError> + 'v;

/// Is given what is wrong with a line, and may let it pass.
pub(crate) type Fault<'f> = dyn FnMut(TaskError) -> Result<(), TaskError> + 'f;

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a line of text, from 1.
    Line(usize),
    /// In a row of a binary file, from 1.
    Row(usize),
}

impl Place {
    /// The error for a value that is not what it should be; `found` follows the name of its column.
    pub(crate) fn fault(
        self,
        path: &Path,
        column: &str,
        found: &str,
        expected: impl Into<String>,
    ) -> TaskError {
        let (path, column) = (path.to_owned(), column.to_owned());
        let (found, expected) = (found.to_owned(), expected.into());
        match self {
            Self::Line(line) => TaskError::Value {
                path,
                line,
                column,
                found,
                expected,
            },
            Self::Row(row) => TaskError::ParquetValue {
                path,
                row,
                column,
                found,
                expected,
            },
        }
    }

    /// A note about this place.
    pub(crate) fn note(self, path: &Path, note: &str) -> String {
        match self {
            Self::Line(line) => format!("{}:{line}: {note}", path.display()),
            Self::Row(row) => format!("{}: row {row}: {note}", path.display()),
        }
    }

    /// The text of a value, or an error if it is none.
    pub(crate) fn text<'a>(
        self,
        path: &Path,
        column: &str,
        value: Value<'a>,
    ) -> Result<&'a str, TaskError> {
        match value {
            Value::Text(text) => Ok(text),
            Value::Other(kind) => {
                let expected = "text, a number, true or false";
                Err(self.fault(path, column, &format!("is {kind}"), expected))
            }
        }
    }

    /// The error for a label that is none.
    pub(crate) fn label_fault(
        self,
        path: &Path,
        column: &str,
        label: &str,
        expected: impl Into<String>,
    ) -> TaskError {
        let found = match label {
            "" => "is empty".to_owned(),
            label => format!("is {:?}", excerpt(label)),
        };
        self.fault(path, column, &found, expected)
    }
}
