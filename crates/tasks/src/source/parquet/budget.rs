//! How much memory a Parquet file may take.

use parquet::errors::ParquetError;

/// Far beyond any file of sentences; snappy alone makes at most 22 bytes of one, and runs of equal values any number.
const BYTES_PER_BYTE: u64 = 1_000;
/// For small files, which may hold a few texts many times.
const SLACK: u64 = 16 << 20;
/// What a row takes beside its text.
const BYTES_PER_ROW: u64 = 256;

/// The memory that is left for what a file holds. Its numbers of rows, values and bytes are charged before memory is taken
/// for them: a file of a few bytes can announce terabytes.
pub(in crate::source) struct Budget {
    file: u64,
    most: u64,
    left: u64,
}

impl Budget {
    /// The memory for a file of so many bytes.
    pub(in crate::source) fn of(file: u64) -> Self {
        let most = file.saturating_mul(BYTES_PER_BYTE).saturating_add(SLACK);
        Self {
            file,
            most,
            left: most,
        }
    }

    /// Charges rows.
    pub(in crate::source) fn rows(&mut self, rows: usize) -> Result<(), ParquetError> {
        self.bytes((rows as u64).saturating_mul(BYTES_PER_ROW))
    }

    /// Charges bytes.
    pub(in crate::source) fn bytes(&mut self, bytes: u64) -> Result<(), ParquetError> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(ParquetError::General(format!(
                "it unfolds to more than {} bytes from {}",
                self.most, self.file
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_may_unfold_to_is_used_up() {
        let mut budget = Budget::of(1_000);
        assert!(budget.rows(65_536).is_ok() && budget.bytes(1_000_000).is_ok());
        let text = budget.bytes(1).expect_err("it is used up").to_string();
        assert!(
            text.ends_with("it unfolds to more than 17777216 bytes from 1000"),
            "{text}"
        );
        assert!(Budget::of(1_000).rows(usize::MAX).is_err());
    }
}
