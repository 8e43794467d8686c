//! Dropout: the mask is computed again each time it is needed.

use std::mem::MaybeUninit;

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use rayon::prelude::*;

use super::elementwise::{CHUNK, MapPairs, Multiply};
use super::storage::{self, Unwritten};
use super::{keystream, simd};
use crate::dropout::{DropoutBackend, plain};
use crate::key::Dropout;

/// Elements whose multipliers stay in the first-level cache until they are used.
const PIECE: usize = 8 * crate::mask::GROUP;

impl DropoutBackend for Flex {
    fn fused_dropout(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        if !storage::is_single(&[&x]) {
            return plain::<Self>(x, dropout);
        }
        let mut x = storage::contiguous(x);
        if x.is_unique() {
            storage::elements_mut(&mut x)
                .par_chunks_mut(CHUNK)
                .enumerate()
                .for_each_init(Vec::new, |scratch, (chunk, x)| {
                    apply(&dropout, chunk * CHUNK, x, scratch);
                });
            return x;
        }
        let mut out = Unwritten::new(x.layout().shape().clone());
        out.slots()
            .par_chunks_mut(CHUNK)
            .zip(storage::elements(&x).par_chunks(CHUNK))
            .enumerate()
            .for_each_init(Vec::new, |scratch, (chunk, (out, x))| {
                write(&dropout, chunk * CHUNK, x, out, scratch);
            });
        // SAFETY: the chunks cover the output and `write` writes every element of each.
        unsafe { out.finish() }
    }
}

/// Multiplies `x`, which starts at element `start` of its mask; `scratch` holds multipliers.
pub(super) fn apply(dropout: &Dropout, start: usize, x: &mut [f32], scratch: &mut Vec<f32>) {
    scratch.resize(PIECE, 0.0);
    for (piece, x) in x.chunks_mut(PIECE).enumerate() {
        let y = &mut scratch[..x.len()];
        keystream::fill(dropout, start + piece * PIECE, y);
        simd::dispatch(MapPairs {
            function: Multiply,
            x,
            y,
        });
    }
}

/// [`apply`] into memory not yet written.
fn write(
    dropout: &Dropout,
    start: usize,
    x: &[f32],
    out: &mut [MaybeUninit<f32>],
    scratch: &mut Vec<f32>,
) {
    scratch.resize(PIECE, 0.0);
    for (piece, (x, out)) in x.chunks(PIECE).zip(out.chunks_mut(PIECE)).enumerate() {
        let y = &mut scratch[..x.len()];
        keystream::fill(dropout, start + piece * PIECE, y);
        simd::dispatch(MapPairs {
            function: Multiply,
            x: y,
            y: x,
        });
        out.write_copy_of_slice(y);
    }
}
