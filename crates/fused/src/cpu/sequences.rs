//! The heads of sequences as strided matrices, without a copy.

use burn::backend::flex::FlexTensor;

use super::matmul::{Matrix, Pointer};
use super::storage::Unwritten;

/// The tensor itself if the elements of its rows are adjacent, else a copy.
pub(super) fn rows_of_unit_stride(x: FlexTensor) -> FlexTensor {
    match *x.layout().strides() {
        [batch, sequence, 1] if batch >= 0 && sequence >= 0 => x,
        _ => x.to_contiguous(),
    }
}

/// `[batch, sequence, heads * d]` in memory.
#[derive(Clone, Copy)]
pub(super) struct Sequences<P> {
    start: P,
    batch_stride: usize,
    row_stride: usize,
}

// SAFETY: the tasks that share it touch disjoint elements when they write; see `for_each_head`.
unsafe impl<P> Sync for Sequences<P> {}

impl Sequences<*const f32> {
    pub(super) fn read(x: &FlexTensor) -> Self {
        let (layout, elements) = (x.layout(), x.storage::<f32>());
        Self {
            start: elements[layout.start_offset().min(elements.len())..].as_ptr(),
            batch_stride: layout.strides()[0] as usize,
            row_stride: layout.strides()[1] as usize,
        }
    }
}

impl Sequences<*mut f32> {
    pub(super) fn write(x: &mut Unwritten) -> Self {
        let [_, rows, width] = x.shape().dims();
        Self {
            start: x.slots().as_mut_ptr().cast(),
            batch_stride: rows * width,
            row_stride: width,
        }
    }
}

impl<P: Pointer> Sequences<P> {
    /// The columns of one head, over `rows` rows from `start`.
    pub(super) fn head(self, start: Start, number: usize, rows: usize, d: usize) -> Matrix<P> {
        let offset = start.batch * self.batch_stride + start.row * self.row_stride + number * d;
        Matrix {
            start: self.start.moved(offset as isize),
            rows,
            columns: d,
            row_stride: self.row_stride as isize,
            column_stride: 1,
        }
    }
}

/// Where a sequence begins.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub(super) batch: usize,
    pub(super) row: usize,
}
