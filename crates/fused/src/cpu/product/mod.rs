//! The large products: of many rows with a matrix of weights, or with gradients.
//!
//! Each part of the result, a strip of columns by a block of rows, is one task. A task lays its strip of the right operand out in
//! panels as wide as a tile of the result, and computes tile after tile in registers, reading the left operand where it lies. That
//! is what the `gemm` crate does within one thread, with less laying out; among threads, it divides a product into as many
//! parts as there are threads, which all wait for the slowest.
//!
//! An element of the result is the sum of partial sums of at most [`DEPTH`] products, each added up in order and rounded once per
//! product: the same bits with AVX-512, AVX2 and NEON, and with any division into parts.

mod panels;
#[cfg(test)]
mod tests;
mod tiles;
mod transpose;

use std::cell::RefCell;
use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use self::panels::lay_out;
use self::tiles::{TILE_ROWS, Tiles};
use super::matmul::Matrix;
use super::simd;

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
