//! The large products: of many rows with a matrix of weights, or with gradients.
//!
//! Each part of the result, a strip of columns by a block of rows, is one task. A task lays its strip of the right operand out in
//! panels as wide as a tile of the result, and computes tile after tile in registers, reading the left operand where it lies. That
//! is what the `gemm` crate does within one thread, with less laying out; among threads, it divides a product into as many
//! parts as there are threads, which all wait for the slowest.
//!
//! An element of the result is the sum of partial sums of at most [`DEPTH`] products, each added up in order and rounded once per
//! product: the same bits with AVX-512, AVX2 and NEON, and with any division into parts.

use std::cell::RefCell;
use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::matmul::Matrix;
use super::simd;

/// Rows of a tile. With four vectors of columns it takes 24 of 32 registers, with two of AVX2's 12 of 16.
const TILE_ROWS: usize = 6;
/// Columns of a tile of the widest vectors.
const MOST_COLUMNS: usize = 64;
/// Products of a partial sum.
const DEPTH: usize = 512;
/// Columns of a strip at most, so that its panels fit a core's second-level cache.
const STRIP: usize = 256;
/// Up to so many rows, the right operand is read where it lies: it would not be read often enough to pay for laying it out. A
/// block has at least as many.
const FEW_ROWS: usize = 48;

/// Whether this processor has vectors that multiply and add with one rounding.
pub(super) fn is_possible() -> bool {
    simd::dispatch(Lanes) > 1
}

/// Of a vector.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// `out = left right`, or `out += left right` with `keep`, on all threads, where that [`is_possible`].
///
/// # Safety
///
/// The three matrices lie within live allocations, `out` overlaps nothing else in use and, with `keep`, is initialised; `left` and
/// `right` are initialised. The columns of `out` are adjacent.
pub(super) unsafe fn multiply(
    out: Matrix<*mut f32>,
    keep: bool,
    left: Matrix<*const f32>,
    right: Matrix<*const f32>,
) {
    assert_eq!((out.rows, out.columns), (left.rows, right.columns));
    assert_eq!(left.columns, right.rows);
    assert_eq!(out.column_stride, 1);
    // Three per thread, so that none waits long for another.
    let parts = 3 * rayon::current_num_threads();
    let most = out.columns.div_ceil(MOST_COLUMNS);
    let strips = parts.max(out.columns.div_ceil(STRIP)).clamp(1, most.max(1));
    let blocks = (out.rows / FEW_ROWS).clamp(1, parts.div_ceil(strips));
    let whole = Part {
        out,
        keep,
        left,
        right,
    };
    let parts = (0..strips * blocks).into_par_iter().with_max_len(1);
    parts.for_each(|index| {
        let columns = share(out.columns, MOST_COLUMNS, strips, index % strips);
        let rows = share(out.rows, TILE_ROWS, blocks, index / strips);
        // SAFETY: the caller's promise; parts do not overlap.
        unsafe { whole.part(rows, columns).compute() };
    });
}

/// The `index`th of `count` shares of `0..length`, in whole `unit`s but for the last, which has what remains.
fn share(length: usize, unit: usize, count: usize, index: usize) -> Range<usize> {
    let bound = |index: usize| (length.div_ceil(unit) * index / count * unit).min(length);
    bound(index)..bound(index + 1)
}

thread_local! {
    /// Panels of a thread's task, kept for the next.
    static PANELS: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// What any vector is aligned to.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line {
    #[expect(dead_code, reason = "read through pointers")]
    values: [f32; 16],
}

/// A product, or a part of one.
#[derive(Clone, Copy)]
struct Part {
    out: Matrix<*mut f32>,
    keep: bool,
    left: Matrix<*const f32>,
    right: Matrix<*const f32>,
}

// SAFETY: only addresses cross threads; `multiply` says what is done with them.
unsafe impl Send for Part {}
// SAFETY: as above.
unsafe impl Sync for Part {}

impl Part {
    fn part(&self, rows: Range<usize>, columns: Range<usize>) -> Self {
        Self {
            out: self.out.slice(rows.clone()).strip(columns.clone()),
            left: self.left.slice(rows),
            right: self.right.strip(columns),
            ..*self
        }
    }

    /// # Safety
    ///
    /// As for [`multiply`].
    unsafe fn compute(self) {
        PANELS.with_borrow_mut(|panels| {
            // Of the widest tiles, and of partial sums of any length.
            let size =
                self.out.columns.next_multiple_of(MOST_COLUMNS) * self.left.columns.min(DEPTH);
            if panels.len() < size / 16 {
                panels.resize(size / 16, Line { values: [0.0; 16] });
            }
            simd::dispatch(Compute {
                part: self,
                panels: panels.as_mut_ptr().cast(),
            });
        });
    }
}

/// A part, with room for a whole partial sum's panels.
struct Compute {
    part: Part,
    panels: *mut f32,
}

impl WithSimd for Compute {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // SAFETY: `multiply`'s caller promises what these ask for.
        unsafe {
            match S::F32_LANES {
                16 => self.with_tiles::<S, 4>(simd),
                8 => self.with_tiles::<S, 2>(simd),
                4 => self.with_tiles::<S, 4>(simd),
                lanes => unreachable!("vectors of {lanes} lanes"),
            }
        }
    }
}

impl Compute {
    /// Tiles of `V` vectors.
    ///
    /// # Safety
    ///
    /// As for [`multiply`], and `panels` has room.
    #[inline(always)]
    unsafe fn with_tiles<S: Simd, const V: usize>(self, simd: S) {
        let Part {
            out,
            keep,
            left,
            right,
        } = self.part;
        let width = V * S::F32_LANES;
        let in_place =
            out.rows <= FEW_ROWS && right.column_stride == 1 && right.columns.is_multiple_of(width);
        let depth = right.rows.div_ceil(right.rows.div_ceil(DEPTH).max(1));
        let mut first = 0;
        loop {
            let terms = first..(first + depth).min(right.rows);
            let part = right.slice(terms.clone());
            if !in_place {
                // SAFETY: the caller's promise.
                unsafe { lay_out::<S>(simd, part, width, self.panels) };
            }
            let left = left.strip(terms.clone());
            let (panels, panel_stride, panel_step) = match in_place {
                true => (part.start, part.row_stride, width),
                false => (
                    self.panels.cast_const(),
                    width as isize,
                    width * terms.len(),
                ),
            };
            let (whole, rest) = (out.columns / width, out.columns % width);
            for row in (0..out.rows).step_by(TILE_ROWS) {
                let rows = row..(row + TILE_ROWS).min(out.rows);
                let tiles = Tiles {
                    left: left.slice(rows.clone()),
                    panels,
                    panel_stride,
                    panel_step,
                    out: out.slice(rows),
                    count: whole,
                    columns: width,
                    keep: keep || first > 0,
                };
                // SAFETY: the caller's promise.
                unsafe { tiles.compute(simd) };
                if rest > 0 {
                    let last = Tiles {
                        panels: panels.wrapping_add(whole * panel_step),
                        out: tiles.out.strip(whole * width..out.columns),
                        count: 1,
                        columns: rest,
                        ..tiles
                    };
                    // SAFETY: as above.
                    unsafe { last.compute(simd) };
                }
            }
            first = terms.end;
            if first == right.rows {
                break;
            }
        }
    }
}

/// Copies a strip into panels of `width` columns, row after row, the last filled up with zeros.
///
/// # Safety
///
/// `right` lies within live, initialised memory, and `panels` has room and is aligned for vectors.
#[inline(always)]
unsafe fn lay_out<S: Simd>(simd: S, right: Matrix<*const f32>, width: usize, panels: *mut f32) {
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

/// Writes a square as wide as a vector with rows and columns exchanged; rows are `stride` apart there, `width` here.
///
/// # Safety
///
/// Both squares lie within live memory, `from` is initialised.
#[inline(always)]
unsafe fn transpose<S: Simd>(simd: S, from: *const f32, stride: isize, to: *mut f32, width: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = (&simd as &dyn std::any::Any).downcast_ref::<pulp::x86::V4>() {
        // SAFETY: the caller's promise.
        unsafe { transpose_sixteen(*simd, from, stride, to, width) };
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = (&simd as &dyn std::any::Any).downcast_ref::<pulp::x86::V3>() {
        // SAFETY: the caller's promise.
        unsafe { transpose_eight(*simd, from, stride, to, width) };
        return;
    }
    let _ = simd;
    for column in 0..S::F32_LANES {
        for row in 0..S::F32_LANES {
            // SAFETY: the caller's promise.
            unsafe {
                let value = *from.offset(column as isize * stride + row as isize);
                to.add(row * width + column).write(value);
            }
        }
    }
}

/// [`transpose`] in registers: pairs of rows, of pairs, of fours and of eights exchange their parts.
///
/// # Safety
///
/// As for [`transpose`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn transpose_sixteen(
    simd: pulp::x86::V4,
    from: *const f32,
    stride: isize,
    to: *mut f32,
    width: usize,
) {
    use std::arch::x86_64::__m512;
    let avx = simd.avx512f;
    // SAFETY: the caller's promise.
    let row = |i: usize| unsafe {
        from.offset(i as isize * stride)
            .cast::<__m512>()
            .read_unaligned()
    };
    let mut x: [__m512; 16] = std::array::from_fn(row);
    let mut y = x;
    for i in 0..8 {
        y[2 * i] = avx._mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]);
        y[2 * i + 1] = avx._mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]);
    }
    for i in 0..4 {
        let [a, b, c, d] = std::array::from_fn(|j| avx._mm512_castps_pd(y[4 * i + j]));
        x[4 * i] = avx._mm512_castpd_ps(avx._mm512_unpacklo_pd(a, c));
        x[4 * i + 1] = avx._mm512_castpd_ps(avx._mm512_unpackhi_pd(a, c));
        x[4 * i + 2] = avx._mm512_castpd_ps(avx._mm512_unpacklo_pd(b, d));
        x[4 * i + 3] = avx._mm512_castpd_ps(avx._mm512_unpackhi_pd(b, d));
    }
    for i in 0..4 {
        for j in [0, 8] {
            y[i + j] = avx._mm512_shuffle_f32x4::<0x88>(x[i + j], x[i + j + 4]);
            y[i + j + 4] = avx._mm512_shuffle_f32x4::<0xdd>(x[i + j], x[i + j + 4]);
        }
    }
    for i in 0..8 {
        x[i] = avx._mm512_shuffle_f32x4::<0x88>(y[i], y[i + 8]);
        x[i + 8] = avx._mm512_shuffle_f32x4::<0xdd>(y[i], y[i + 8]);
    }
    for (row, values) in x.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { to.add(row * width).cast::<__m512>().write_unaligned(values) };
    }
}

/// As [`transpose_sixteen`], with AVX2's vectors.
///
/// # Safety
///
/// As for [`transpose`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn transpose_eight(
    simd: pulp::x86::V3,
    from: *const f32,
    stride: isize,
    to: *mut f32,
    width: usize,
) {
    use std::arch::x86_64::__m256;
    let avx = simd.avx;
    // SAFETY: the caller's promise.
    let row = |i: usize| unsafe {
        let row = from.offset(i as isize * stride);
        row.cast::<__m256>().read_unaligned()
    };
    let mut x: [__m256; 8] = std::array::from_fn(row);
    let mut y = x;
    for i in 0..4 {
        y[2 * i] = avx._mm256_unpacklo_ps(x[2 * i], x[2 * i + 1]);
        y[2 * i + 1] = avx._mm256_unpackhi_ps(x[2 * i], x[2 * i + 1]);
    }
    for i in [0, 4] {
        let [a, b, c, d] = std::array::from_fn(|j| avx._mm256_castps_pd(y[i + j]));
        x[i] = avx._mm256_castpd_ps(avx._mm256_unpacklo_pd(a, c));
        x[i + 1] = avx._mm256_castpd_ps(avx._mm256_unpackhi_pd(a, c));
        x[i + 2] = avx._mm256_castpd_ps(avx._mm256_unpacklo_pd(b, d));
        x[i + 3] = avx._mm256_castpd_ps(avx._mm256_unpackhi_pd(b, d));
    }
    for i in 0..4 {
        y[i] = avx._mm256_permute2f128_ps::<0x20>(x[i], x[i + 4]);
        y[i + 4] = avx._mm256_permute2f128_ps::<0x31>(x[i], x[i + 4]);
    }
    for (row, values) in y.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { to.add(row * width).cast::<__m256>().write_unaligned(values) };
    }
}

/// Tiles side by side, each added up in registers: a few rows of the result by a few vectors of columns.
#[derive(Clone, Copy)]
struct Tiles {
    /// As many rows as a tile has.
    left: Matrix<*const f32>,
    /// The right operand's columns for the first tile, in rows `panel_stride` apart; those for the next begin `panel_step` later.
    panels: *const f32,
    panel_stride: isize,
    panel_step: usize,
    /// From the first tile on.
    out: Matrix<*mut f32>,
    count: usize,
    /// Of a tile.
    columns: usize,
    keep: bool,
}

impl Tiles {
    /// # Safety
    ///
    /// As for [`multiply`], and `panels` has whole vectors.
    #[inline(always)]
    unsafe fn compute<S: Simd>(self, simd: S) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::{InstructionSet, on_every_instruction_set};

    /// How a matrix lies in memory.
    #[derive(Clone, Copy, Debug)]
    enum Lies {
        ByRows,
        ByColumns,
        /// With room after each element.
        Apart,
        /// The last row first, as a flipped tensor.
        UpsideDown,
        /// The same row again and again, as an expanded tensor.
        Repeated,
    }

    struct Owned {
        values: Vec<f32>,
        rows: usize,
        columns: usize,
        /// Of the first element.
        start: usize,
        strides: [isize; 2],
    }

    impl Owned {
        fn new(rows: usize, columns: usize, lies: Lies, seed: u32) -> Self {
            let [down, across] = [rows as isize, columns as isize];
            let (strides, start, size) = match lies {
                Lies::ByRows => ([across, 1], 0, rows * columns),
                Lies::ByColumns => ([1, down], 0, rows * columns),
                Lies::Apart => ([3 * across, 3], 0, 3 * rows * columns),
                Lies::UpsideDown => ([-across, 1], (rows - 1) * columns, rows * columns),
                Lies::Repeated => ([0, 1], 0, columns),
            };
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            };
            Self {
                values: (0..size).map(|_| next()).collect(),
                rows,
                columns,
                start,
                strides,
            }
        }

        fn at(&self, row: usize, column: usize) -> f32 {
            let [down, across] = self.strides;
            let offset = row as isize * down + column as isize * across;
            self.values[self.start.strict_add_signed(offset)]
        }

        fn matrix(&self) -> Matrix<*const f32> {
            Matrix {
                start: self.values[self.start..].as_ptr(),
                rows: self.rows,
                columns: self.columns,
                row_stride: self.strides[0],
                column_stride: self.strides[1],
            }
        }
    }

    /// A result with room behind each row, which has to stay as it was.
    struct Guarded {
        values: Vec<f32>,
        rows: usize,
        columns: usize,
    }

    impl Guarded {
        const ROOM: usize = 67;

        fn new(start: &[f32], rows: usize, columns: usize) -> Self {
            let guard = [12345.0; Self::ROOM];
            let rows_of = start.chunks_exact(columns);
            Self {
                values: rows_of
                    .flat_map(|row| row.iter().chain(&guard))
                    .copied()
                    .collect(),
                rows,
                columns,
            }
        }

        fn matrix(&mut self) -> Matrix<*mut f32> {
            Matrix {
                row_stride: (self.columns + Self::ROOM) as isize,
                ..Matrix::row_major(self.values.as_mut_ptr(), self.rows, self.columns)
            }
        }

        fn check(&self, expected: &[f32], case: &str) {
            let rows = self.values.chunks_exact(self.columns + Self::ROOM);
            for (row, expected) in rows.zip(expected.chunks_exact(self.columns)) {
                let (row, room) = row.split_at(self.columns);
                assert_eq!(row, expected, "{case}");
                assert!(
                    room.iter().all(|&x| x == 12345.0),
                    "{case}: written behind a row"
                );
            }
        }
    }

    /// The order of additions that the module promises, one element at a time.
    fn in_order(start: Option<&[f32]>, left: &Owned, right: &Owned) -> Vec<f32> {
        let depth = right.rows.div_ceil(right.rows.div_ceil(512));
        let mut out = Vec::new();
        for row in 0..left.rows {
            for column in 0..right.columns {
                let mut result = start.map(|start| start[row * right.columns + column]);
                for first in (0..right.rows).step_by(depth) {
                    let mut sum = 0.0f32;
                    for k in first..(first + depth).min(right.rows) {
                        sum = left.at(row, k).mul_add(right.at(k, column), sum);
                    }
                    result = Some(result.map_or(sum, |result| result + sum));
                }
                out.push(result.expect("a term or more"));
            }
        }
        out
    }

    const SHAPES: [[usize; 3]; 9] = [
        [8, 1, 64],
        [9, 511, 17],
        [48, 512, 128],
        [49, 513, 128],
        [10, 1025, 65],
        [13, 40, 130],
        [300, 70, 31],
        [270, 600, 100],
        [129, 33, 520],
    ];

    #[test]
    fn elements_are_added_up_in_the_promised_order() {
        assert!(
            is_possible(),
            "the processors that tests run on have AVX2 or NEON"
        );
        let everywhere = [
            Lies::ByRows,
            Lies::ByColumns,
            Lies::Apart,
            Lies::UpsideDown,
            Lies::Repeated,
        ];
        for (seed, [rows, depth, columns]) in (1..).zip(SHAPES) {
            for left in everywhere {
                for right in everywhere {
                    let case = format!("{rows} × {depth} {left:?}, × {columns} {right:?}");
                    let left = Owned::new(rows, depth, left, seed);
                    let right = Owned::new(depth, columns, right, 100 + seed);
                    let start = Owned::new(rows, columns, Lies::ByRows, 200 + seed).values;
                    for keep in [false, true] {
                        let expected = in_order(keep.then_some(&start), &left, &right);
                        for threads in [1, 2, 16] {
                            let mut got = Guarded::new(&start, rows, columns);
                            let operands = Addresses(got.matrix(), left.matrix(), right.matrix());
                            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                            pool.build()
                                .expect("a pool")
                                .install(|| operands.multiply(keep));
                            got.check(
                                &expected,
                                &format!("{case}, keep {keep}, {threads} threads"),
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_adds_up_in_that_order() {
        for (seed, [rows, depth, columns]) in (1..).zip(SHAPES) {
            for (lies, keep) in [(Lies::ByRows, false), (Lies::ByColumns, true)] {
                let left = Owned::new(rows, depth, Lies::ByRows, seed);
                let right = Owned::new(depth, columns, lies, 100 + seed);
                let start = Owned::new(rows, columns, Lies::ByRows, 200 + seed).values;
                let expected = in_order(keep.then_some(&start), &left, &right);
                on_every_instruction_set(|set| {
                    if matches!(set, InstructionSet::Scalar) {
                        return;
                    }
                    let mut got = Guarded::new(&start, rows, columns);
                    let size = columns.next_multiple_of(MOST_COLUMNS) * DEPTH / 16;
                    let mut panels = vec![Line { values: [0.0; 16] }; size];
                    set.call(Compute {
                        part: Part {
                            out: got.matrix(),
                            keep,
                            left: left.matrix(),
                            right: right.matrix(),
                        },
                        panels: panels.as_mut_ptr().cast(),
                    });
                    got.check(
                        &expected,
                        &format!("{rows} × {depth} × {columns} {lies:?}, {set:?}"),
                    );
                });
            }
        }
    }

    /// The operands, for a pool's thread.
    struct Addresses(Matrix<*mut f32>, Matrix<*const f32>, Matrix<*const f32>);

    // SAFETY: the test waits for the thread that gets them.
    unsafe impl Send for Addresses {}

    impl Addresses {
        fn multiply(self, keep: bool) {
            // SAFETY: the test holds all three matrices.
            unsafe { multiply(self.0, keep, self.1, self.2) };
        }
    }
}
