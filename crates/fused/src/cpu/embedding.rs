//! Rows of a table: copied in parallel, and their gradients added by the task that owns the row.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::ops::ModuleOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::tensor::{DType, Shape};
use rayon::prelude::*;

use super::storage::{self, Unwritten};
use super::{rows, simd};
use crate::embedding::EmbeddingBackend;

/// Elements of the table in one task of the backward pass.
const CHUNK: usize = 256 * 1024;

impl EmbeddingBackend for Flex {
    fn fused_embedding(weight: FloatTensor<Self>, indices: IntTensor<Self>) -> FloatTensor<Self> {
        let [batch, sequence] = indices.layout().shape().dims();
        let [vocabulary, width] = weight.layout().shape().dims();
        let Some(places) = places(&[&weight], &indices, vocabulary) else {
            return Self::embedding(weight, indices);
        };
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
        let Some(places) = places(&[&weight, &grad], &indices, vocabulary) else {
            return Self::embedding_backward(weight, grad, indices);
        };
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

/// The indices as row numbers, or `None` for types that the kernels do not know.
///
/// # Panics
///
/// When an index is not below `vocabulary`.
pub(super) fn places(
    floats: &[&FlexTensor],
    indices: &FlexTensor,
    vocabulary: usize,
) -> Option<Vec<usize>> {
    if !storage::is_single(floats) {
        return None;
    }
    let indices = indices.to_contiguous();
    let checked = |index: i64| match usize::try_from(index) {
        Ok(place) if place < vocabulary => place,
        _ => panic!("embedding index {index}: expected less than {vocabulary} rows"),
    };
    match indices.dtype() {
        DType::I64 => Some(
            indices
                .as_slice::<i64>()?
                .iter()
                .map(|&i| checked(i))
                .collect(),
        ),
        DType::I32 => Some(
            indices
                .as_slice::<i32>()?
                .iter()
                .map(|&i| checked(i64::from(i)))
                .collect(),
        ),
        _ => None,
    }
}
