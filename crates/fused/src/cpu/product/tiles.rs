//! What is added up in registers.

use pulp::{Simd, WithSimd};

use crate::cpu::matmul::Matrix;

/// Rows of a tile. With four vectors of columns it takes 24 of 32 registers, with two of AVX2's 12 of 16.
pub(super) const TILE_ROWS: usize = 6;

/// Tiles side by side, each added up in registers: a few rows of the result by a few vectors of columns.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    /// As many rows as a tile has.
    pub(super) left: Matrix<*const f32>,
    /// The right operand's columns for the first tile, in rows `panel_stride` apart; those for the next begin `panel_step` later.
    pub(super) panels: *const f32,
    pub(super) panel_stride: isize,
    pub(super) panel_step: usize,
    /// From the first tile on.
    pub(super) out: Matrix<*mut f32>,
    pub(super) count: usize,
    /// Of a tile.
    pub(super) columns: usize,
    pub(super) keep: bool,
}

impl Tiles {
    /// # Safety
    ///
    /// As for [`super::multiply`], and `panels` has whole vectors.
    #[inline(always)]
    pub(super) unsafe fn compute<S: Simd>(self, simd: S) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.left.rows {
                1 => self.of_rows::<S, 1>(simd),
                2 => self.of_rows::<S, 2>(simd),
                3 => self.of_rows::<S, 3>(simd),
                4 => self.of_rows::<S, 4>(simd),
                5 => self.of_rows::<S, 5>(simd),
                _ => self.of_rows::<S, TILE_ROWS>(simd),
            }
        }
    }

    /// # Safety
    ///
    /// As for [`Self::compute`].
    #[inline(always)]
    unsafe fn of_rows<S: Simd, const R: usize>(self, simd: S) {
        match self.columns.div_ceil(S::F32_LANES) {
            1 => simd.vectorize(TilesOf::<R, 1>(self)),
            2 => simd.vectorize(TilesOf::<R, 2>(self)),
            3 => simd.vectorize(TilesOf::<R, 3>(self)),
            _ => simd.vectorize(TilesOf::<R, 4>(self)),
        }
    }
}

/// Tiles of `R` rows and `V` vectors, of which the last may not be whole.
struct TilesOf<const R: usize, const V: usize>(Tiles);

impl<const R: usize, const V: usize> WithSimd for TilesOf<R, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Tiles {
            left,
            panels,
            panel_stride,
            panel_step,
            out,
            count,
            columns,
            keep,
        } = self.0;
        // Not within the loop over terms, where the compiler would multiply anew.
        let rows: [*const f32; R] =
            std::array::from_fn(|row| left.start.wrapping_offset(row as isize * left.row_stride));
        // Vectors without a mask.
        let whole = columns / S::F32_LANES;
        for tile in 0..count {
            let panel = panels.wrapping_add(tile * panel_step);
            let out = Matrix {
                start: out.start.wrapping_add(tile * columns),
                ..out
            };
            let mut sums = [[simd.splat_f32s(0.0); V]; R];
            for term in 0..left.columns as isize {
                // SAFETY: `multiply`'s caller promises that the operands can be read; a panel has whole vectors.
                unsafe {
                    let right = panel.offset(term * panel_stride).cast::<S::f32s>();
                    let right: [S::f32s; V] =
                        std::array::from_fn(|v| right.add(v).read_unaligned());
                    for (sums, row) in sums.iter_mut().zip(rows) {
                        let left = simd.splat_f32s(*row.offset(term * left.column_stride));
                        for (sum, right) in sums.iter_mut().zip(right) {
                            *sum = simd.mul_add_f32s(left, right, *sum);
                        }
                    }
                }
            }
            for (row, sums) in sums.into_iter().enumerate() {
                let out = out.start.wrapping_offset(row as isize * out.row_stride);
                for (v, mut sum) in sums.into_iter().enumerate() {
                    // SAFETY: `multiply`'s caller promises that the result can be written, and read if it is kept; a mask
                    // keeps what is beyond the row from either.
                    unsafe {
                        let out = out.add(v * S::F32_LANES);
                        if v < whole {
                            let out = out.cast::<S::f32s>();
                            if keep {
                                sum = simd.add_f32s(out.read_unaligned(), sum);
                            }
                            out.write_unaligned(sum);
                        } else {
                            let there = (columns % S::F32_LANES) as u32;
                            let mask = simd.mask_between_m32s(0, there);
                            if keep {
                                sum = simd.add_f32s(simd.mask_load_ptr_f32s(mask, out), sum);
                            }
                            simd.mask_store_ptr_f32s(mask, out, sum);
                        }
                    }
                }
            }
        }
    }
}
