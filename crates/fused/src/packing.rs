//! Sequences of different lengths without padding between them.

use std::sync::Arc;

use burn::backend::tensor::{BoolTensor, Device, FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata, get_or_init_device_settings};
use burn::tensor::{Shape, TensorData};

/// The number of rows of each of several sequences that lie end to end.
///
/// Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    lengths: Arc<[usize]>,
    rows: usize,
}

/// Lengths that [`Packing::new`] refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packing of {} rows: expected at most {MOST_ROWS}", rows.map_or("overflowing".to_owned(), |rows| rows.to_string()))]
pub struct PackingError {
    /// The sum of the lengths, if a `usize` holds it.
    pub rows: Option<usize>,
}

const MOST_ROWS: usize = i32::MAX as usize;

impl Packing {
    /// Lays sequences of these lengths end to end; a length may be 0.
    ///
    /// # Errors
    ///
    /// [`PackingError`] when they have more rows than an `i32` holds: devices count rows in 32 bits.
    pub fn new(lengths: impl IntoIterator<Item = usize>) -> Result<Self, PackingError> {
        let lengths: Arc<[usize]> = lengths.into_iter().collect();
        let rows = lengths
            .iter()
            .try_fold(0_usize, |rows, &n| rows.checked_add(n));
        match rows {
            Some(rows) if rows <= MOST_ROWS => Ok(Self { lengths, rows }),
            _ => Err(PackingError { rows }),
        }
    }

    /// The rows of each sequence, in order.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The first row of each sequence, in order.
    pub fn starts(&self) -> impl Iterator<Item = usize> {
        self.lengths.iter().scan(0, |next, length| {
            let start = *next;
            *next += length;
            Some(start)
        })
    }

    /// The rows of all sequences.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Rows of the longest sequence.
    pub(crate) fn longest(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }
}

/// The packing of the queries and that of the keys.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    pub(crate) queries: Packing,
    pub(crate) keys: Packing,
}

impl Packed {
    /// How many queries and keys a sequence has.
    pub(crate) fn lengths(&self, sequence: usize) -> [usize; 2] {
        [&self.queries, &self.keys].map(|packing| packing.lengths[sequence])
    }
}

/// Converts between sequences end to end and sequences padded to the longest, in Burn's primitives.
pub(crate) struct Padded<B: Backend> {
    batch: usize,
    longest: usize,
    /// For every place in the padded sequences, the row that goes there; 0 for padding.
    rows: IntTensor<B>,
    /// For every row, its place.
    places: IntTensor<B>,
    /// 1 for a row and 0 for padding, `[batch * longest]`.
    kept: IntTensor<B>,
}

impl<B: Backend> Padded<B> {
    /// One for the queries and one for the keys.
    pub(crate) fn both(packed: &Packed, device: &Device<B>) -> [Self; 2] {
        [&packed.queries, &packed.keys].map(|packing| Self::new(packing, device))
    }

    fn new(packing: &Packing, device: &Device<B>) -> Self {
        let (batch, longest) = (packing.lengths().len(), packing.longest());
        let mut rows = vec![0_i32; batch * longest];
        let mut kept = vec![0_i32; batch * longest];
        let mut places = Vec::with_capacity(packing.rows());
        for (sequence, &length) in packing.lengths().iter().enumerate() {
            for place in sequence * longest..sequence * longest + length {
                rows[place] = places.len() as i32;
                kept[place] = 1;
                places.push(place as i32);
            }
        }
        let upload = |values: Vec<i32>| {
            let shape = [values.len()];
            B::int_from_data(TensorData::new(values, shape), device)
        };
        Self {
            batch,
            longest,
            rows: upload(rows),
            places: upload(places),
            kept: upload(kept),
        }
    }

    fn is_row(&self, shape: Shape) -> BoolTensor<B> {
        let settings = get_or_init_device_settings::<B>(&self.kept.device());
        let is_row = B::int_equal_elem(self.kept.clone(), 1.into(), settings.bool_dtype);
        B::bool_reshape(is_row, shape)
    }

    /// `[batch, longest]`, true for a row and false for padding.
    pub(crate) fn mask(&self) -> BoolTensor<B> {
        self.is_row(Shape::new([self.batch, self.longest]))
    }

    /// `[1, rows, width]` as `[batch, longest, width]`, padded with zeros.
    pub(crate) fn pad(&self, x: FloatTensor<B>) -> FloatTensor<B> {
        let [_, rows, width] = x.shape().dims();
        let places = self.batch * self.longest;
        let x = B::float_reshape(x, Shape::new([rows, width]));
        let x = B::float_select(x, 0, self.rows.clone());
        let padding = B::bool_not(self.is_row(Shape::new([places, 1])));
        let padding = B::bool_expand(padding, Shape::new([places, width]));
        let x = B::float_mask_fill(x, padding, 0f32.into());
        B::float_reshape(x, Shape::new([self.batch, self.longest, width]))
    }

    /// The inverse of [`pad`](Self::pad).
    pub(crate) fn pack(&self, x: FloatTensor<B>) -> FloatTensor<B> {
        let [batch, longest, width] = x.shape().dims();
        let x = B::float_reshape(x, Shape::new([batch * longest, width]));
        let x = B::float_select(x, 0, self.places.clone());
        let [rows] = self.places.shape().dims();
        B::float_reshape(x, Shape::new([1, rows, width]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_start_where_the_one_before_ends() {
        let packing = Packing::new([3, 0, 5]).expect("few rows");
        assert_eq!(packing.starts().collect::<Vec<_>>(), [0, 3, 3]);
        assert_eq!((packing.rows(), packing.longest()), (8, 5));
    }

    #[test]
    fn more_rows_than_are_counted_are_refused() {
        assert!(Packing::new([MOST_ROWS, 0]).is_ok());
        for lengths in [[MOST_ROWS, 1], [usize::MAX, 2]] {
            assert!(Packing::new(lengths).is_err(), "{lengths:?}");
        }
        let error = Packing::new([MOST_ROWS, 1]).expect_err("one too many");
        let message = "packing of 2147483648 rows: expected at most 2147483647";
        assert_eq!(error.to_string(), message);
    }
}
