//! The pages of a column, looked at before parquet takes memory for what they announce.

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, RowGroupReader};

use super::budget::Budget;
use super::delta;
use super::page_header::{Kind, PageHeader};

type Result<T> = std::result::Result<T, ParquetError>;

/// A reader of the column at a position in a row group of a file, its pages checked.
pub(in crate::source) fn column_reader<F: ChunkReader>(
    file: &F,
    group: &dyn RowGroupReader,
    position: usize,
    budget: &mut Budget,
) -> Result<ColumnReader> {
    let rows = rows(group)?;
    budget.rows(rows)?;
    check(file, group, position, rows, budget)?;
    let column = group.metadata().schema_descr().column(position);
    let pages = Checked {
        pages: group.get_column_page_reader(position)?,
        has_levels: column.max_def_level() > 0,
    };
    Ok(get_column_reader(column, Box::new(pages)))
}

/// The number of rows in a group.
pub(in crate::source) fn rows(group: &dyn RowGroupReader) -> Result<usize> {
    let rows = group.metadata().num_rows();
    usize::try_from(rows).map_err(|_| damaged(format!("a row group of {rows} rows")))
}

/// Checks the header of every page that the rows of a group need.
fn check<F: ChunkReader>(
    file: &F,
    group: &dyn RowGroupReader,
    position: usize,
    rows: usize,
    budget: &mut Budget,
) -> Result<()> {
    let column = group.metadata().column(position);
    let dictionary = column.dictionary_page_offset();
    let (start, length) = (
        dictionary.unwrap_or(column.data_page_offset()),
        column.compressed_size(),
    );
    let chunk = u64::try_from(start).ok().zip(u64::try_from(length).ok());
    let in_file = |(start, length): &(u64, u64)| {
        start
            .checked_add(*length)
            .is_some_and(|end| end <= file.len())
    };
    let Some((start, length)) = chunk.filter(in_file) else {
        return Err(damaged(format!(
            "a column of {length} bytes from byte {start} on, the file has {}",
            file.len()
        )));
    };
    let chunk = file.get_bytes(start, length as usize)?;
    let (mut rest, mut values) = (&chunk[..], 0);
    while values < rows && !rest.is_empty() {
        let header = PageHeader::read(&mut rest)
            .ok_or_else(|| damaged("a damaged page header".to_owned()))?;
        rest = rest
            .get(header.compressed..)
            .ok_or_else(|| damaged("a page that the file does not hold".to_owned()))?;
        budget.bytes(header.uncompressed as u64)?;
        // A value in a dictionary has at least a byte.
        let most = match header.kind {
            Kind::Dictionary => header.uncompressed,
            Kind::Data | Kind::Other => rows,
        };
        if header.values > most {
            return Err(damaged(format!(
                "a page of {} values, accepted is at most {most} here",
                header.values
            )));
        }
        if header.kind == Kind::Data {
            values += header.values;
        }
    }
    Ok(())
}

fn damaged(reason: String) -> ParquetError {
    ParquetError::General(reason)
}

/// Pages whose number of differences is checked.
struct Checked {
    pages: Box<dyn PageReader>,
    /// Whether values may be null.
    has_levels: bool,
}

impl Checked {
    fn check(&self, page: &Page) -> Result<()> {
        let (bytes, values) = match page {
            Page::DictionaryPage { .. } => return Ok(()),
            Page::DataPage {
                buf,
                num_values,
                def_level_encoding,
                ..
            } => {
                let levels = match (self.has_levels, def_level_encoding) {
                    (false, _) => Some(0),
                    (true, Encoding::RLE) => buf
                        .first_chunk::<4>()
                        .and_then(|length| (u32::from_le_bytes(*length) as usize).checked_add(4)),
                    (true, _) => None,
                };
                (levels.and_then(|levels| buf.get(levels..)), num_values)
            }
            Page::DataPageV2 {
                buf,
                num_values,
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => {
                let levels = def_levels_byte_len.checked_add(*rep_levels_byte_len);
                let bytes = levels.and_then(|levels| buf.get(levels as usize..));
                (bytes, num_values)
            }
        };
        let is_whole = match page.encoding() {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => {
                bytes.is_some_and(|bytes| delta::holds(bytes, 1, *values as usize))
            }
            Encoding::DELTA_BYTE_ARRAY => {
                bytes.is_some_and(|bytes| delta::holds(bytes, 2, *values as usize))
            }
            _ => true,
        };
        match is_whole {
            true => Ok(()),
            false => Err(damaged(format!(
                "a page of {values} values with lengths of another number of them"
            ))),
        }
    }
}

impl Iterator for Checked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        if let Some(page) = &page {
            self.check(page)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}
