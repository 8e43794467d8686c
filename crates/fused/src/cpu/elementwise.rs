//! One vector function over whole tensors, on every core.

use std::mem::MaybeUninit;

use burn::backend::flex::FlexTensor;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::simd;
use super::storage::{self, Unwritten};

/// Elements of one task: two tasks' worth fits the second-level cache with room to spare.
pub(super) const CHUNK: usize = 16 * 1024;

/// A function of one number.
pub(super) trait Unary: Copy + Send + Sync {
    /// Its values on one vector.
    fn apply<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s;
}

/// A function of two numbers.
pub(super) trait Binary: Copy + Send + Sync {
    /// Its values on one pair of vectors.
    fn apply<S: Simd>(self, simd: S, x: S::f32s, y: S::f32s) -> S::f32s;
}

/// `function` of every element; written over `x` when nothing else refers to it.
pub(super) fn map<F: Unary>(function: F, x: FlexTensor) -> FlexTensor {
    let mut x = storage::contiguous(x);
    if x.is_unique() {
        storage::elements_mut(&mut x)
            .par_chunks_mut(CHUNK)
            .for_each(|x| simd::dispatch(MapInPlace { function, x }));
        return x;
    }
    let mut out = Unwritten::new(x.layout().shape().clone());
    out.slots()
        .par_chunks_mut(CHUNK)
        .zip(storage::elements(&x).par_chunks(CHUNK))
        .for_each(|(out, x)| simd::dispatch(Map { function, x, out }));
    // SAFETY: the chunks cover the output and `Map` writes every element of each.
    unsafe { out.finish() }
}

/// `function` of every pair of elements, written over `x`.
pub(super) fn map_pairs<F: Binary>(function: F, mut x: FlexTensor, y: FlexTensor) -> FlexTensor {
    let y = storage::contiguous(y);
    storage::elements_mut(&mut x)
        .par_chunks_mut(CHUNK)
        .zip(storage::elements(&y).par_chunks(CHUNK))
        .for_each(|(x, y)| simd::dispatch(MapPairs { function, x, y }));
    x
}

/// [`map`] on one slice, into memory not yet written.
pub(super) struct Map<'a, F> {
    pub(super) function: F,
    pub(super) x: &'a [f32],
    pub(super) out: &'a mut [MaybeUninit<f32>],
}

impl<F: Unary> WithSimd for Map<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (x, x_tail) = S::as_simd_f32s(self.x);
        let (out, out_tail) = S::as_uninit_mut_simd_f32s(self.out);
        for (out, &x) in out.iter_mut().zip(x) {
            out.write(self.function.apply(simd, x));
        }
        if !x_tail.is_empty() {
            let last = self.function.apply(simd, simd.partial_load_f32s(x_tail));
            write_tail(simd, last, out_tail);
        }
    }
}

/// [`map`] on one slice, in place.
pub(super) struct MapInPlace<'a, F> {
    pub(super) function: F,
    pub(super) x: &'a mut [f32],
}

impl<F: Unary> WithSimd for MapInPlace<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (x, tail) = S::as_mut_simd_f32s(self.x);
        for x in x {
            *x = self.function.apply(simd, *x);
        }
        if !tail.is_empty() {
            let last = self.function.apply(simd, simd.partial_load_f32s(tail));
            simd.partial_store_f32s(tail, last);
        }
    }
}

/// [`map_pairs`] on one pair of slices.
pub(super) struct MapPairs<'a, F> {
    pub(super) function: F,
    pub(super) x: &'a mut [f32],
    pub(super) y: &'a [f32],
}

impl<F: Binary> WithSimd for MapPairs<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (x, x_tail) = S::as_mut_simd_f32s(self.x);
        let (y, y_tail) = S::as_simd_f32s(self.y);
        for (x, &y) in x.iter_mut().zip(y) {
            *x = self.function.apply(simd, *x, y);
        }
        if !x_tail.is_empty() {
            let last = self.function.apply(
                simd,
                simd.partial_load_f32s(x_tail),
                simd.partial_load_f32s(y_tail),
            );
            simd.partial_store_f32s(x_tail, last);
        }
    }
}

/// Writes the first lanes of `last` to what remains, less than one vector.
#[inline(always)]
pub(super) fn write_tail<S: Simd>(simd: S, last: S::f32s, tail: &mut [MaybeUninit<f32>]) {
    let mut lanes = [0.0; simd::MOST_LANES];
    simd.partial_store_f32s(&mut lanes[..tail.len()], last);
    tail.write_copy_of_slice(&lanes[..tail.len()]);
}

/// The product.
#[derive(Clone, Copy)]
pub(super) struct Multiply;

impl Binary for Multiply {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, x: S::f32s, y: S::f32s) -> S::f32s {
        simd.mul_f32s(x, y)
    }
}

/// The sum.
#[derive(Clone, Copy)]
pub(super) struct Add;

impl Binary for Add {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, x: S::f32s, y: S::f32s) -> S::f32s {
        simd.add_f32s(x, y)
    }
}
