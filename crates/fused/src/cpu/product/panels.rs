//! The right operand, laid out in the order in which tiles read it.

use pulp::Simd;

use super::transpose::transpose;
use crate::cpu::matmul::Matrix;

/// Copies a strip into panels of `width` columns, row after row, the last filled up with zeros.
///
/// # Safety
///
/// `right` lies within live, initialised memory, and `panels` has room and is aligned for vectors.
#[inline(always)]
pub(super) unsafe fn lay_out<S: Simd>(
    simd: S,
    right: Matrix<*const f32>,
    width: usize,
    panels: *mut f32,
) {
    for column in (0..right.columns).step_by(width) {
        let columns = column..(column + width).min(right.columns);
        let panel = panels.wrapping_add(column * right.rows);
        let right = right.strip(columns);
        // SAFETY: the caller's promise.
        unsafe {
            if right.column_stride == 1 {
                copy_rows::<S>(simd, right, width, panel);
            } else {
                copy_columns::<S>(simd, right, width, panel);
            }
        }
    }
}

/// A panel of rows whose elements are adjacent.
///
/// # Safety
///
/// As for [`lay_out`].
#[inline(always)]
unsafe fn copy_rows<S: Simd>(simd: S, right: Matrix<*const f32>, width: usize, panel: *mut f32) {
    let lanes = S::F32_LANES;
    for row in 0..right.rows {
        let from = right.start.wrapping_offset(row as isize * right.row_stride);
        let to = panel.wrapping_add(row * width);
        for column in (0..width).step_by(lanes) {
            let there = right.columns.saturating_sub(column).min(lanes);
            // SAFETY: the caller's promise; a mask keeps what is beyond the row from being read.
            unsafe {
                let values = if there == lanes {
                    from.add(column).cast::<S::f32s>().read_unaligned()
                } else {
                    let mask = simd.mask_between_m32s(0, there as u32);
                    simd.mask_load_ptr_f32s(mask, from.wrapping_add(column))
                };
                to.add(column).cast::<S::f32s>().write(values);
            }
        }
    }
}

/// A panel of columns whose elements are adjacent, or of any matrix.
///
/// # Safety
///
/// As for [`lay_out`].
#[inline(always)]
unsafe fn copy_columns<S: Simd>(simd: S, right: Matrix<*const f32>, width: usize, panel: *mut f32) {
    let lanes = S::F32_LANES;
    for column in (0..width).step_by(lanes) {
        let there = right.columns.saturating_sub(column).min(lanes);
        let from = right
            .start
            .wrapping_offset(column as isize * right.column_stride);
        let mut row = 0;
        // SAFETY: the caller's promise; rows and columns are within the matrix, and the panel's rows are `width` apart.
        unsafe {
            if there == lanes && right.row_stride == 1 {
                while row + lanes <= right.rows {
                    let to = panel.add(row * width + column);
                    transpose::<S>(simd, from.add(row), right.column_stride, to, width);
                    row += lanes;
                }
            }
            while row < right.rows {
                let to = panel.add(row * width + column);
                for column in 0..lanes {
                    let offset =
                        row as isize * right.row_stride + column as isize * right.column_stride;
                    let value = if column < there {
                        *from.offset(offset)
                    } else {
                        0.0
                    };
                    to.add(column).write(value);
                }
                row += 1;
            }
        }
    }
}
