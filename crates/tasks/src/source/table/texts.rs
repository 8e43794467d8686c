//! The texts of a file of one's own, row by row and as they are.

use std::ops::ControlFlow;
use std::path::Path;

use super::{Place, Table};
use crate::error::TaskError;
use crate::own::Columns;

/// The texts of a file that names its columns, in formats by the file's ending: see
/// [`TableColumns`](crate::TableColumns).
///
/// The file is read row by row, so memory does not grow with it, except that a row group of a Parquet file is in memory as
/// a whole. Texts keep the white space around them. No label is read.
pub struct TextTable {
    table: Table,
    /// `None` for a file without rows.
    columns: Option<Columns>,
}

impl TextTable {
    /// Returns whether the file's ending is that of a format with named columns.
    pub fn is_at(path: &Path) -> bool {
        Table::has_known_ending(path)
    }

    /// Opens a file and finds the columns of its texts. They are guessed if `text_column` is `None`, as those of a
    /// file to train on. With `skips`, rows that cannot be read do not matter here.
    ///
    /// # Errors
    /// [`TaskError::Unreadable`], [`TaskError::Table`] with the columns that there are, [`TaskError::NotUtf8`],
    /// [`TaskError::Line`] or [`TaskError::Parquet`].
    pub fn open(
        path: &Path,
        text_column: Option<&str>,
        text_pair_column: Option<&str>,
        skips: bool,
    ) -> Result<Self, TaskError> {
        let table = Table::at(path)?;
        let header = table.header_with(&mut |error| match skips {
            true => Ok(()),
            false => Err(error),
        });
        let columns = match header {
            Err(TaskError::NoExamples { .. }) => None,
            header => {
                let columns = Columns::of_texts(&table, &header?, text_column, text_pair_column);
                Some(columns?)
            }
        };
        Ok(Self { table, columns })
    }

    /// Says in a few words which columns are read and why; `None` for a file without rows.
    pub fn statement(&self) -> Option<String> {
        let columns = self.columns.as_ref()?;
        let texts = match &columns.sentence2 {
            None => format!("column {:?}", columns.sentence),
            Some(second) => format!("columns {:?} and {second:?}", columns.sentence),
        };
        Some(format!("{texts}, {}", columns.text_reason))
    }

    /// Visits the rows in order, until `visit` breaks. It gets the number of a row, from 1, with the row's texts: the line
    /// where it starts, or its position in a Parquet file. For a row that cannot be read it gets the error.
    ///
    /// # Errors
    /// Those after which no row can be read.
    pub fn visit(
        &self,
        visit: &mut dyn FnMut(Result<TextRow<'_>, TaskError>) -> ControlFlow<()>,
    ) -> Result<(), TaskError> {
        let Some(found) = &self.columns else {
            return Ok(());
        };
        let mut columns = vec![found.sentence.as_str()];
        columns.extend(found.sentence2.as_deref());
        let path = self.table.path();
        self.table.visit_with(&columns, &mut |row| {
            let (place, values) = match row {
                Ok(row) => row,
                Err(error) => return Ok(visit(Err(error))),
            };
            let text = |at: usize| place.text(path, columns[at], values[at]);
            let second = (columns.len() > 1).then(|| text(1)).transpose();
            let (Place::Line(number) | Place::Row(number)) = place;
            let row = text(0).and_then(|first| Ok((number, first, second?)));
            Ok(visit(row))
        })?;
        Ok(())
    }
}

/// The number of a row, its text, and the second text of a pair.
type TextRow<'r> = (usize, &'r str, Option<&'r str>);
