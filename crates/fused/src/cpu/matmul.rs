//! Strided matrices, and small products of them, computed by the `gemm` crate.

use std::ops::Range;

use gemm::Parallelism;

/// A matrix of single precision in memory that something else keeps alive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<P> {
    /// The first element.
    pub(super) start: P,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Elements from one row to the next.
    pub(super) row_stride: isize,
    /// Elements from one column to the next.
    pub(super) column_stride: isize,
}

impl<P> Matrix<P> {
    /// Rows of `columns` elements, one after another.
    pub(super) fn row_major(start: P, rows: usize, columns: usize) -> Self {
        Self {
            start,
            rows,
            columns,
            row_stride: columns as isize,
            column_stride: 1,
        }
    }

    /// The same memory seen with rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Self {
            start: self.start,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// A pointer, mutable or not, that can be moved by a number of elements.
pub(super) trait Pointer: Copy {
    /// The address `count` elements further on, not dereferenced here.
    fn moved(self, count: isize) -> Self;
}

impl Pointer for *const f32 {
    fn moved(self, count: isize) -> Self {
        self.wrapping_offset(count)
    }
}

impl Pointer for *mut f32 {
    fn moved(self, count: isize) -> Self {
        self.wrapping_offset(count)
    }
}

impl<P: Pointer> Matrix<P> {
    /// Some of the columns.
    pub(super) fn strip(self, columns: Range<usize>) -> Self {
        self.transposed().slice(columns).transposed()
    }

    /// Some of the rows.
    pub(super) fn slice(self, rows: Range<usize>) -> Self {
        assert!(rows.end <= self.rows);
        Self {
            start: self.start.moved(rows.start as isize * self.row_stride),
            rows: rows.len(),
            ..self
        }
    }
}

impl Matrix<*mut f32> {
    /// Writes zeros.
    ///
    /// # Safety
    ///
    /// The matrix lies within live memory that nothing else refers to.
    pub(super) unsafe fn clear(self) {
        for row in 0..self.rows as isize {
            for column in 0..self.columns as isize {
                let offset = row * self.row_stride + column * self.column_stride;
                // SAFETY: the caller's promise.
                unsafe { self.start.offset(offset).write(0.0) };
            }
        }
    }

    /// Writes rows of `length` elements to the beginnings of the matrix's rows.
    ///
    /// # Safety
    ///
    /// The matrix lies within live memory that nothing else refers to.
    pub(super) unsafe fn copy(self, values: &[f32], length: usize) {
        assert!(self.column_stride == 1 && length <= self.columns);
        assert_eq!(values.len(), self.rows * length);
        for (row, values) in values.chunks_exact(length.max(1)).enumerate() {
            let row = self.start.moved(row as isize * self.row_stride);
            // SAFETY: the caller's promise; a row has room for `length` elements.
            unsafe { row.copy_from_nonoverlapping(values.as_ptr(), length) };
        }
    }
}

/// `out = keep out + scale (left right)`; `keep` false overwrites without reading.
///
/// # Safety
///
/// The three matrices lie within live allocations, `out` overlaps nothing else in use and, with
/// `keep`, is initialised; `left` and `right` are initialised.
pub(super) unsafe fn multiply(
    out: Matrix<*mut f32>,
    keep: bool,
    scale: f32,
    left: Matrix<*const f32>,
    right: Matrix<*const f32>,
    parallelism: Parallelism,
) {
    assert_eq!((out.rows, out.columns), (left.rows, right.columns));
    assert_eq!(left.columns, right.rows);
    // SAFETY: the caller's promise, and shapes that agree.
    unsafe {
        gemm::gemm(
            out.rows,
            out.columns,
            left.columns,
            out.start,
            out.column_stride,
            out.row_stride,
            keep,
            left.start,
            left.column_stride,
            left.row_stride,
            right.start,
            right.column_stride,
            right.row_stride,
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}
