//! Texts, one after the other.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use tasks::TextTable;

use crate::error::PredictError;
use crate::lines::Lines;

/// A text to predict, or a pair of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text, or the first of a pair.
    pub text: String,
    /// The second of a pair.
    pub text_pair: Option<String>,
}

impl Text {
    /// Both, as the tokenizer takes them.
    pub(crate) fn parts(&self) -> (&str, Option<&str>) {
        (&self.text, self.text_pair.as_deref())
    }

    /// The bytes of both.
    pub(crate) fn len(&self) -> usize {
        self.text.len() + self.text_pair.as_ref().map_or(0, String::len)
    }
}

/// Where texts come from.
pub enum Input {
    /// Texts in memory.
    Given(Vec<Text>),
    /// A file or stream with a text or pair per line.
    Lines(Lines),
    /// A file with named columns.
    Table(PathBuf, TextTable),
}

/// What is found in an input.
pub(crate) enum Row {
    /// A text and its number.
    Text(usize, Text),
    /// Something else, after which texts may follow.
    Broken(PredictError),
}

/// Where the texts of an input are, in words.
pub(crate) enum Places {
    /// In memory.
    Given,
    /// In the lines of a file or stream.
    Lines(String),
}

impl Places {
    /// The place of the text with this number.
    pub(crate) fn of(&self, number: usize) -> String {
        match self {
            Self::Given => format!("text {number}"),
            Self::Lines(name) => format!("{name}:{number}"),
        }
    }
}

/// Is given the rows in order, until it breaks or fails.
type Visit<'v> = dyn FnMut(Row) -> Result<ControlFlow<()>, PredictError> + 'v;

impl Input {
    /// Opens a file with named columns; see [`TextTable::open`].
    ///
    /// # Errors
    /// Those of [`TextTable::open`].
    pub fn table(
        path: &Path,
        text_column: Option<&str>,
        text_pair_column: Option<&str>,
        skips: bool,
    ) -> Result<Self, PredictError> {
        let table = TextTable::open(path, text_column, text_pair_column, skips)?;
        Ok(Self::Table(path.to_owned(), table))
    }

    /// Says in a few words which columns are read and why, if there are columns.
    pub fn statement(&self) -> Option<String> {
        match self {
            Self::Table(_, table) => table.statement(),
            Self::Given(_) | Self::Lines(_) => None,
        }
    }

    /// Counts the rows, as far as the input can be read.
    pub fn rows(mut self) -> usize {
        let mut rows = 0;
        // What is wrong is said when the texts are predicted.
        let _ = self.visit(&mut |_| {
            rows += 1;
            Ok(ControlFlow::Continue(()))
        });
        rows
    }

    pub(crate) fn places(&self) -> Places {
        match self {
            Self::Given(_) => Places::Given,
            Self::Lines(lines) => Places::Lines(lines.name().to_owned()),
            Self::Table(path, _) => Places::Lines(path.display().to_string()),
        }
    }

    /// Visits the rows in order. Lines can be visited once.
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) -> Result<(), PredictError> {
        match self {
            Self::Given(texts) => {
                for (at, text) in texts.iter().enumerate() {
                    if visit(Row::Text(at + 1, text.clone()))?.is_break() {
                        break;
                    }
                }
                Ok(())
            }
            Self::Lines(lines) => {
                while let Some(row) = lines.next()? {
                    if visit(row)?.is_break() {
                        break;
                    }
                }
                Ok(())
            }
            Self::Table(_, table) => visit_table(table, visit),
        }
    }
}

fn visit_table(table: &TextTable, visit: &mut Visit<'_>) -> Result<(), PredictError> {
    // The reader knows its own errors alone: another one waits here until it is done.
    let mut failed = None;
    table.visit(&mut |row| {
        let row = match row {
            Err(error) => Row::Broken(error.into()),
            Ok((number, text, text_pair)) => {
                let text = Text {
                    text: text.to_owned(),
                    text_pair: text_pair.map(str::to_owned),
                };
                Row::Text(number, text)
            }
        };
        visit(row).unwrap_or_else(|error| {
            failed = Some(error);
            ControlFlow::Break(())
        })
    })?;
    failed.map_or(Ok(()), Err)
}
