//! Tensors as rows of their last dimension, and sums over those rows.

use burn::backend::flex::FlexTensor;
use burn::tensor::Shape;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{simd, storage};

/// Rows of one task. Each task makes a partial sum, so this fixes the order of additions.
pub(super) const CHUNK: usize = 32;

/// Elements of the last dimension.
pub(super) fn width(shape: &Shape) -> usize {
    shape[shape.num_dims() - 1]
}

/// The number of rows: the product of all dimensions but the last.
pub(super) fn count(shape: &Shape) -> usize {
    shape.iter().rev().skip(1).product()
}

/// The same shape with another last dimension.
pub(super) fn with_width(shape: &Shape, width: usize) -> Shape {
    let mut dims = shape.to_vec();
    if let Some(last) = dims.last_mut() {
        *last = width;
    }
    Shape::from(dims)
}

/// `[..., width]` summed to `[width]`.
pub(super) fn sum(x: &FlexTensor) -> FlexTensor {
    let width = width(x.layout().shape());
    let partial: Vec<Vec<f32>> = storage::elements(x)
        .par_chunks(CHUNK * width.max(1))
        .map(|rows| {
            let mut sum = vec![0.0; width];
            simd::dispatch(AddRows {
                rows,
                sum: &mut sum,
            });
            sum
        })
        .collect();
    storage::from_vec(total(&partial, width), Shape::new([width]))
}

/// The sum of vectors of `width` elements, in their order.
pub(super) fn total(partial: &[Vec<f32>], width: usize) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    for rows in partial {
        simd::dispatch(AddRows {
            rows,
            sum: &mut sum,
        });
    }
    sum
}

/// Adds every row to `sum`.
pub(super) struct AddRows<'a> {
    pub(super) rows: &'a [f32],
    pub(super) sum: &'a mut [f32],
}

impl WithSimd for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.sum.len();
        let (sum, sum_tail) = S::as_mut_simd_f32s(self.sum);
        for row in self.rows.chunks_exact(width.max(1)) {
            let (row, row_tail) = S::as_simd_f32s(row);
            for (sum, &x) in sum.iter_mut().zip(row) {
                *sum = simd.add_f32s(*sum, x);
            }
            for (sum, &x) in sum_tail.iter_mut().zip(row_tail) {
                *sum += x;
            }
        }
    }
}
