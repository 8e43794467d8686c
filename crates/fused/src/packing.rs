//! Sequences of different lengths without padding between them.

use std::sync::Arc;

use burn::backend::tensor::{BoolTensor, Device, FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata, get_or_init_device_settings};
use burn::tensor::{Shape, TensorData};

/// How many rows each of several sequences takes that lie end to end.
///
/// Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    lengths: Arc<[usize]>,
    rows: usize,
}

impl Packing {
    /// Lays sequences of these lengths end to end.
    pub fn new(lengths: impl IntoIterator<Item = usize>) -> Self {
        let lengths: Arc<[usize]> = lengths.into_iter().collect();
        let rows = lengths.iter().sum();
        Self { lengths, rows }
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

/// Where the queries and the keys of packed sequences lie.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    pub(crate) queries: Packing,
    pub(crate) keys: Packing,
}

impl Packed {
    /// Queries and keys of a sequence.
    pub(crate) fn lengths(&self, sequence: usize) -> [usize; 2] {
        [&self.queries, &self.keys].map(|packing| packing.lengths[sequence])
    }
}

/// The way between sequences end to end and sequences padded to the longest, in Burn's primitives.
pub(crate) struct Padded<B: Backend> {
    batch: usize,
    longest: usize,
    /// For every place of the padded sequences, the row that stands there; 0 for padding.
    rows: IntTensor<B>,
    /// For every row, its place.
    places: IntTensor<B>,
    /// 1 where a row stands and 0 at padding, `[batch * longest]`.
    kept: IntTensor<B>,
}

impl<B: Backend> Padded<B> {
    /// Of the queries and of the keys.
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

    /// `[batch, longest]`, true where a row stands.
    pub(crate) fn mask(&self) -> BoolTensor<B> {
        self.is_row(Shape::new([self.batch, self.longest]))
    }

    /// `[1, rows, width]` as `[batch, longest, width]` with zeros between.
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
        let packing = Packing::new([3, 0, 5]);
        assert_eq!(packing.starts().collect::<Vec<_>>(), [0, 3, 3]);
        assert_eq!((packing.rows(), packing.longest()), (8, 5));
    }
}
