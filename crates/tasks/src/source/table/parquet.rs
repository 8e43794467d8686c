//! Parquet files of any schema, one row group after the other.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::basic::{ConvertedType, Type as PhysicalType};
use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, Length, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::number;
use super::value::{Place, Value, Visit};
use crate::error::TaskError;
use crate::source::parquet::{Budget, column_reader, read_group, rows, unreadable};

/// A file's columns and rows.
pub(super) struct Rows<'a> {
    path: &'a Path,
    file: File,
    reader: SerializedFileReader<File>,
}

/// What to read as a column.
#[derive(Clone, Copy)]
enum Column {
    /// The values at this position; integers may be without sign.
    At { position: usize, unsigned: bool },
    /// Nothing, because of its type.
    Other(&'static str),
}

/// The values of a column in a row group.
enum Values {
    Texts(Vec<Option<Result<String, &'static str>>>),
    Other(&'static str),
}

impl Values {
    fn at(&self, row: usize) -> Value<'_> {
        match self {
            Self::Other(kind) => Value::Other(kind),
            Self::Texts(values) => match &values[row] {
                None => Value::Other("null"),
                Some(Ok(text)) => Value::Text(text),
                Some(Err(kind)) => Value::Other(kind),
            },
        }
    }
}

impl<'a> Rows<'a> {
    /// Opens a file.
    pub(super) fn open(path: &'a Path) -> Result<Self, TaskError> {
        let unreadable = |error| super::text::unreadable(path, false, error);
        let file = File::open(path).map_err(unreadable)?;
        let read = file.try_clone().map_err(unreadable)?;
        let reader = unless_damaged(path, || SerializedFileReader::new(read))?;
        Ok(Self { path, file, reader })
    }

    /// Returns the names of the columns.
    pub(super) fn header(&self) -> Vec<String> {
        let schema = self.reader.metadata().file_metadata().schema();
        let fields = schema.get_fields().iter();
        fields.map(|field| field.name().to_owned()).collect()
    }

    /// Visits the rows in order until `visit` breaks.
    pub(super) fn visit(&self, columns: &[&str], visit: &mut Visit<'_>) -> Result<(), TaskError> {
        let columns: Vec<Column> = columns.iter().map(|name| self.column(name)).collect();
        let mut budget = Budget::of(self.file.len());
        let mut before = 0;
        for group in 0..self.reader.num_row_groups() {
            let read = unless_damaged(self.path, || {
                let group = self.reader.get_row_group(group)?;
                let columns = columns.iter();
                let values = columns.map(|column| column.read(&self.file, &*group, &mut budget));
                Ok((rows(&*group)?, values.collect::<Result<_, _>>()?))
            });
            let (rows, values): (usize, Vec<Values>) = read?;
            for row in 0..rows {
                let place = Place::Row(before + row + 1);
                let values: Vec<Value<'_>> = values.iter().map(|column| column.at(row)).collect();
                if visit(place, &values)?.is_break() {
                    return Ok(());
                }
            }
            before += rows;
        }
        Ok(())
    }

    fn column(&self, name: &str) -> Column {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let mut columns = schema.columns().iter().enumerate();
        let found = columns
            .find(|(_, column)| column.path().parts() == [name] && column.max_rep_level() == 0);
        match found {
            None => Column::Other("a list or nested"),
            Some((at, column)) => Column::of(at, column),
        }
    }
}

impl Column {
    fn of(position: usize, column: &ColumnDescriptor) -> Self {
        use ConvertedType as Converted;
        let unsigned = matches!(
            column.converted_type(),
            Converted::UINT_8 | Converted::UINT_16 | Converted::UINT_32 | Converted::UINT_64
        );
        let at = Self::At { position, unsigned };
        match (column.physical_type(), column.converted_type()) {
            (PhysicalType::BOOLEAN | PhysicalType::FLOAT | PhysicalType::DOUBLE, _) => at,
            (
                PhysicalType::BYTE_ARRAY,
                Converted::NONE | Converted::UTF8 | Converted::ENUM | Converted::JSON,
            ) => at,
            (
                PhysicalType::INT32 | PhysicalType::INT64,
                Converted::INT_8 | Converted::INT_16 | Converted::INT_32 | Converted::INT_64,
            ) => at,
            (PhysicalType::INT32 | PhysicalType::INT64, _) if unsigned => at,
            (PhysicalType::INT32 | PhysicalType::INT64, Converted::NONE)
                if column.logical_type_ref().is_none() =>
            {
                at
            }
            (PhysicalType::INT32 | PhysicalType::INT64, _) => Self::Other("a date or a decimal"),
            _ => Self::Other("of a type that is neither text nor a number"),
        }
    }

    fn read(
        self,
        file: &File,
        group: &dyn RowGroupReader,
        budget: &mut Budget,
    ) -> Result<Values, ParquetError> {
        let (position, unsigned) = match self {
            Self::At { position, unsigned } => (position, unsigned),
            Self::Other(kind) => return Ok(Values::Other(kind)),
        };
        match column_reader(file, group, position, budget)? {
            ColumnReader::ByteArrayColumnReader(mut reader) => {
                let values = read_group(&mut reader, group, budget)?;
                Ok(texts(values, |bytes| {
                    match std::str::from_utf8(bytes.data()) {
                        Ok(text) => Ok(text.to_owned()),
                        Err(_) => Err("not UTF-8"),
                    }
                }))
            }
            ColumnReader::BoolColumnReader(mut reader) => {
                let values = read_group(&mut reader, group, budget)?;
                Ok(texts(values, |value| {
                    Ok(if value { "True" } else { "False" }.to_owned())
                }))
            }
            ColumnReader::Int32ColumnReader(mut reader) => {
                let values = read_group(&mut reader, group, budget)?;
                Ok(texts(values, |value| match unsigned {
                    true => Ok(value.cast_unsigned().to_string()),
                    false => Ok(value.to_string()),
                }))
            }
            ColumnReader::Int64ColumnReader(mut reader) => {
                let values = read_group(&mut reader, group, budget)?;
                Ok(texts(values, |value| match unsigned {
                    true => Ok(value.cast_unsigned().to_string()),
                    false => Ok(value.to_string()),
                }))
            }
            ColumnReader::FloatColumnReader(mut reader) => {
                let values = read_group(&mut reader, group, budget)?;
                Ok(texts(values, |value| Ok(number::single(value))))
            }
            ColumnReader::DoubleColumnReader(mut reader) => {
                let values = read_group(&mut reader, group, budget)?;
                Ok(texts(values, |value| Ok(number::float(value))))
            }
            _ => Err(ParquetError::General(
                "a column of another type than the schema's".to_owned(),
            )),
        }
    }
}

fn texts<T>(values: Vec<Option<T>>, text: impl Fn(T) -> Result<String, &'static str>) -> Values {
    let values = values.into_iter();
    Values::Texts(values.map(|value| value.map(&text)).collect())
}

/// Turns a panic into an error: parquet 60.1 panics on some damaged files.
fn unless_damaged<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, TaskError> {
    let read = catch_unwind(AssertUnwindSafe(read));
    let damaged = || Err(ParquetError::General("a damaged page".to_owned()));
    read.unwrap_or_else(|_| damaged())
        .map_err(|error| unreadable(path, &error))
}
