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
