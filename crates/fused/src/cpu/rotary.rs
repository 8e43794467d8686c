//! Rotary positions, row by row.

use std::mem::MaybeUninit;

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::elementwise::CHUNK;
use super::storage::{self, Unwritten};
use super::{rows, simd};
use crate::rotary::{RotaryBackend, Turn, plain};

impl RotaryBackend for Flex {
    fn fused_rotary(
        x: FlexTensor,
        cos: FlexTensor,
        sin: FlexTensor,
        heads: usize,
        turn: Turn,
    ) -> FlexTensor {
        if !storage::is_single(&[&x, &cos, &sin]) {
            return plain::<Self>(x, [cos, sin], heads, turn);
        }
        let [x, cos, sin] = [x, cos, sin].map(storage::contiguous);
        let shape = x.layout().shape().clone();
        let (width, length) = (rows::width(&shape), shape[1]);
        let half = rows::width(cos.layout().shape());
        let (cos, sin) = (storage::elements(&cos), storage::elements(&sin));
        let task = (CHUNK / width.max(1)).max(1);
        let mut out = Unwritten::new(shape);
        out.slots()
            .par_chunks_mut(task * width.max(1))
            .zip(storage::elements(&x).par_chunks(task * width.max(1)))
            .enumerate()
            .for_each(|(chunk, (out, x))| {
                let rows = out
                    .chunks_exact_mut(width.max(1))
                    .zip(x.chunks_exact(width.max(1)));
                for (row, (out, x)) in rows.enumerate() {
                    let position = (chunk * task + row) % length;
                    let angles = position * half..(position + 1) * half;
                    simd::dispatch(TurnRow {
                        turn,
                        cos: &cos[angles.clone()],
                        sin: &sin[angles],
                        x,
                        out,
                    });
                }
            });
        // SAFETY: the chunks cover the output, and `TurnRow` writes every element of a row.
        unsafe { out.finish() }
    }
}

/// Turns the heads of a row.
struct TurnRow<'a> {
    turn: Turn,
    cos: &'a [f32],
    sin: &'a [f32],
    x: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl WithSimd for TurnRow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let half = self.cos.len();
        let (cos, cos_tail) = S::as_simd_f32s(self.cos);
        let (sin, sin_tail) = S::as_simd_f32s(self.sin);
        let heads = self.x.chunks_exact((2 * half).max(1));
        for (x, out) in heads.zip(self.out.chunks_exact_mut((2 * half).max(1))) {
            let (first, second) = x.split_at(half);
            let (out_first, out_second) = out.split_at_mut(half);
            let (first, first_tail) = S::as_simd_f32s(first);
            let (second, second_tail) = S::as_simd_f32s(second);
            let (out_first, out_first_tail) = S::as_uninit_mut_simd_f32s(out_first);
            let (out_second, out_second_tail) = S::as_uninit_mut_simd_f32s(out_second);
            for i in 0..cos.len() {
                // Products and sums are rounded one by one, as Burn's primitives round them.
                let along = [first[i], second[i]].map(|x| simd.mul_f32s(x, cos[i]));
                let across = [first[i], second[i]].map(|x| simd.mul_f32s(x, sin[i]));
                let [turned_first, turned_second] = match self.turn {
                    Turn::Forward => [
                        simd.sub_f32s(along[0], across[1]),
                        simd.add_f32s(along[1], across[0]),
                    ],
                    Turn::Back => [
                        simd.add_f32s(along[0], across[1]),
                        simd.sub_f32s(along[1], across[0]),
                    ],
                };
                out_first[i].write(turned_first);
                out_second[i].write(turned_second);
            }
            for i in 0..cos_tail.len() {
                let along = [first_tail[i], second_tail[i]].map(|x| x * cos_tail[i]);
                let across = [first_tail[i], second_tail[i]].map(|x| x * sin_tail[i]);
                let [turned_first, turned_second] = match self.turn {
                    Turn::Forward => [along[0] - across[1], along[1] + across[0]],
                    Turn::Back => [along[0] + across[1], along[1] - across[0]],
                };
                out_first_tail[i].write(turned_first);
                out_second_tail[i].write(turned_second);
            }
        }
    }
}
