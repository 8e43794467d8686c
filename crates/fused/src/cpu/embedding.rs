//! Rows of a table: copied in parallel; each row's gradients are added by the task that owns it.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::ops::{IntTensorOps, ModuleOps};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::tensor::{IntDType, Shape};
use rayon::prelude::*;

use super::storage::{self, Unwritten};
use super::{rows, simd};
use crate::embedding::{EmbeddingBackend, plain_backward};

/// Elements of the table in one task of the backward pass.
const CHUNK: usize = 256 * 1024;

impl EmbeddingBackend for Flex {
    fn fused_embedding(weight: FloatTensor<Self>, indices: IntTensor<Self>) -> FloatTensor<Self> {
        let [batch, sequence] = indices.layout().shape().dims();
        let [vocabulary, width] = weight.layout().shape().dims();
        let places = places("embedding index", &indices, vocabulary);
        if !storage::is_single(&[&weight]) {
            return Self::embedding(weight, indices);
        }
        let weight = storage::contiguous(weight);
        let table = storage::elements(&weight);
        let mut out = Unwritten::new(Shape::new([batch, sequence, width]));
        let chunk = rows::CHUNK;
        out.slots()
            .par_chunks_mut((chunk * width).max(1))
            .zip(places.par_chunks(chunk))
            .for_each(|(out, places)| {
                for (out, &place) in out.chunks_mut(width.max(1)).zip(places) {
                    out.write_copy_of_slice(&table[place * width..(place + 1) * width]);
                }
            });
        // SAFETY: one row is written per index, which makes up the whole output.
        unsafe { out.finish() }
    }

    fn fused_embedding_backward(
        weight: FloatTensor<Self>,
        indices: IntTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [vocabulary, width] = weight.layout().shape().dims();
        if !storage::is_single(&[&weight, &grad]) {
            return plain_backward::<Self>(weight, indices, grad);
        }
        let places = places("embedding index", &indices, vocabulary);
        let grad = storage::contiguous(grad);
        let grad = storage::elements(&grad);
        let mut out = Unwritten::new(Shape::new([vocabulary, width]));
        let owned = (CHUNK / width.max(1)).max(1);
        out.slots()
            .par_chunks_mut((owned * width).max(1))
            .enumerate()
            .for_each(|(chunk, out)| {
                out.fill(std::mem::MaybeUninit::new(0.0));
                // SAFETY: just filled.
                let out = unsafe { out.assume_init_mut() };
                let first = chunk * owned;
                for (row, &place) in places.iter().enumerate() {
                    if (first..first + owned).contains(&place) {
                        let sum = &mut out[(place - first) * width..][..width];
                        let rows = &grad[row * width..][..width];
                        simd::dispatch(rows::AddRows { rows, sum });
                    }
                }
            });
        // SAFETY: the chunks cover the output and each was filled.
        unsafe { out.finish() }
    }
}

/// Indices as `usize`.
///
/// # Panics
///
/// When one is not below `end`; `what` names it.
pub(super) fn places(what: &str, indices: &FlexTensor, end: usize) -> Vec<usize> {
    let indices = Flex::int_cast(indices.clone(), IntDType::I64).to_contiguous();
    let indices: &[i64] = indices.as_slice().expect("cast to it");
    let checked = |&index: &i64| match usize::try_from(index) {
        Ok(place) if place < end => place,
        _ => panic!("{what} {index}: expected less than {end}, from 0"),
    };
    indices.iter().map(checked).collect()
}
