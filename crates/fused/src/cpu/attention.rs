//! Attention: one task per head of each sequence, its scores in cache, never in memory.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::{BoolTensor, FloatTensor};
use gemm::Parallelism;
use rayon::prelude::*;

use super::elementwise::{MapPairs, Multiply};
use super::matmul::{Matrix, multiply};
use super::sequences::{Head, Sequences, rows_of_unit_stride};
use super::softmax::{Probabilities, ScoreGrad};
use super::storage::{self, Unwritten};
use super::{keystream, simd};
use crate::attention::{AttentionBackend, mask_stride, plain, plain_backward};
use crate::dropout::Dropout;

/// Scores in work at a time: with their gradients they fit the second-level cache.
const BLOCK: usize = 64 * 1024;

impl AttentionBackend for Flex {
    fn fused_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        if !storage::is_single(&[&query, &key, &value]) {
            return plain::<Self>(query, key, value, key_mask, heads, dropout);
        }
        let [query, key, value] = [query, key, value].map(rows_of_unit_stride);
        let problem = Problem::new(&query, &key, key_mask, heads, dropout);
        let mut context = Unwritten::new(query.layout().shape().clone());
        let out = Sequences::write(&mut context, problem.queries, problem.width());
        let [query, key, value] = [&query, &key, &value].map(Sequences::read);
        problem.for_each_head(|head, scratch| {
            // SAFETY: the inputs are live; each head of each sequence writes its own columns.
            unsafe { problem.forward(head, [query, key, value], out, scratch) };
        });
        // SAFETY: the heads of the sequences make up the whole tensor.
        unsafe { context.finish() }
    }

    fn fused_attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        grad: FloatTensor<Self>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !storage::is_single(&[&query, &key, &value, &grad]) {
            return plain_backward::<Self>(query, key, value, key_mask, grad, heads, dropout);
        }
        let [query, key, value, grad] = [query, key, value, grad].map(rows_of_unit_stride);
        let problem = Problem::new(&query, &key, key_mask, heads, dropout);
        let mut query_grad = Unwritten::new(query.layout().shape().clone());
        let mut key_grad = Unwritten::new(key.layout().shape().clone());
        let mut value_grad = Unwritten::new(key.layout().shape().clone());
        let outputs = [
            Sequences::write(&mut query_grad, problem.queries, problem.width()),
            Sequences::write(&mut key_grad, problem.keys, problem.width()),
            Sequences::write(&mut value_grad, problem.keys, problem.width()),
        ];
        let inputs = [&query, &key, &value, &grad].map(Sequences::read);
        problem.for_each_head(|head, scratch| {
            // SAFETY: the inputs are live; each head of each sequence writes its own columns.
            unsafe { problem.backward(head, inputs, outputs, scratch) };
        });
        // SAFETY: the heads of the sequences make up the whole tensors.
        unsafe { (query_grad.finish(), key_grad.finish(), value_grad.finish()) }
    }
}

/// Memory of one thread.
#[derive(Default)]
struct Scratch {
    scores: Vec<f32>,
    grads: Vec<f32>,
    multipliers: Vec<f32>,
}

/// The sizes and what all heads share.
struct Problem {
    batch: usize,
    heads: usize,
    d: usize,
    queries: usize,
    keys: usize,
    /// 0, or minus infinity where a key is padding; `[batch, keys]`.
    padding: Vec<f32>,
    /// Per sequence, the keys up to the last that is none.
    lengths: Vec<usize>,
    dropout: Option<Dropout>,
}

impl Problem {
    fn new(
        query: &FlexTensor,
        key: &FlexTensor,
        key_mask: BoolTensor<Flex>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> Self {
        let [batch, queries, width] = query.layout().shape().dims();
        let keys = key.layout().shape()[1];
        let key_mask = key_mask.to_contiguous();
        let kept = &key_mask.bytes()[..batch * keys];
        let lengths = kept
            .chunks(keys.max(1))
            .map(|kept| {
                kept.iter()
                    .rposition(|&kept| kept != 0)
                    .map_or(0, |last| last + 1)
            })
            .collect();
        let padding = kept
            .iter()
            .map(|&kept| if kept != 0 { 0.0 } else { f32::NEG_INFINITY })
            .collect();
        Self {
            batch,
            heads,
            d: width / heads,
            queries,
            keys,
            padding,
            lengths,
            dropout,
        }
    }

    fn width(&self) -> usize {
        self.heads * self.d
    }

    fn scale(&self) -> f32 {
        1.0 / (self.d as f32).sqrt()
    }

    /// Runs `task` for every head of every sequence, each with memory of its own thread.
    fn for_each_head(&self, task: impl Fn(Head, &mut Scratch) + Sync) {
        if self.queries == 0 {
            return;
        }
        (0..self.batch * self.heads).into_par_iter().for_each_init(
            Scratch::default,
            |scratch, index| {
                let (sequence, head) = (index / self.heads, index % self.heads);
                let head = Head {
                    sequence,
                    head,
                    index,
                };
                task(head, scratch);
            },
        );
    }

    /// Query rows of one block.
    fn block(&self, length: usize) -> usize {
        (BLOCK / length.max(1)).clamp(1, self.queries)
    }

    /// Writes the dropout multipliers of some rows, `length` of each, to `out`.
    fn multipliers<'a>(
        &self,
        head: Head,
        rows: std::ops::Range<usize>,
        length: usize,
        out: &'a mut Vec<f32>,
    ) -> Option<&'a [f32]> {
        let dropout = self.dropout.as_ref()?;
        let start = head.index * mask_stride(self.queries, self.keys);
        out.resize(rows.len() * self.keys, 0.0);
        keystream::fill(dropout, start + rows.start * self.keys, out);
        // The padding at the end of every row goes, so that rows are as long as those of scores.
        if length < self.keys {
            for row in 1..rows.len() {
                out.copy_within(row * self.keys..row * self.keys + length, row * length);
            }
        }
        Some(&out[..rows.len() * length])
    }

    /// The probabilities of a block of queries, in `scores`.
    ///
    /// # Safety
    ///
    /// Both operands lie within live, initialised memory.
    unsafe fn probabilities<'a>(
        &self,
        head: Head,
        query: Matrix<*const f32>,
        key: Matrix<*const f32>,
        scores: &'a mut Vec<f32>,
    ) -> &'a mut [f32] {
        scores.resize(query.rows * key.rows, 0.0);
        let out = Matrix::row_major(scores.as_mut_ptr(), query.rows, key.rows);
        let padding = &self.padding[head.sequence * self.keys..][..key.rows];
        // SAFETY: `scores` has room for the product and is nobody else's.
        unsafe {
            multiply(
                out,
                false,
                self.scale(),
                query,
                key.transposed(),
                Parallelism::None,
            );
        }
        simd::dispatch(Probabilities { scores, padding });
        scores
    }

    /// Writes the context of one head.
    ///
    /// # Safety
    ///
    /// The inputs lie within live, initialised memory; no other thread uses the columns of this
    /// head in the output.
    unsafe fn forward(
        &self,
        head: Head,
        [query, key, value]: [Sequences<*const f32>; 3],
        out: Sequences<*mut f32>,
        scratch: &mut Scratch,
    ) {
        let length = self.lengths[head.sequence];
        let query = query.head(head, self.queries, self.d);
        let key = key.head(head, length, self.d);
        let value = value.head(head, length, self.d);
        let out = out.head(head, self.queries, self.d);
        if length == 0 {
            // SAFETY: the caller's promise on the output.
            unsafe { out.clear() };
            return;
        }
        let block = self.block(length);
        for start in (0..self.queries).step_by(block) {
            let rows = start..(start + block).min(self.queries);
            let Scratch {
                scores,
                multipliers,
                ..
            } = scratch;
            // SAFETY: the caller's promises; the blocks of rows are parts of the whole.
            unsafe {
                let x = self.probabilities(head, query.slice(rows.clone()), key, scores);
                if let Some(y) = self.multipliers(head, rows.clone(), length, multipliers) {
                    let function = Multiply;
                    simd::dispatch(MapPairs { function, x, y });
                }
                let kept = Matrix::row_major(x.as_ptr(), rows.len(), length);
                multiply(out.slice(rows), false, 1.0, kept, value, Parallelism::None);
            }
        }
    }

    /// Writes the gradients of one head.
    ///
    /// # Safety
    ///
    /// Those of [`Problem::forward`], for each output.
    unsafe fn backward(
        &self,
        head: Head,
        [query, key, value, grad]: [Sequences<*const f32>; 4],
        [query_grad, key_grad, value_grad]: [Sequences<*mut f32>; 3],
        scratch: &mut Scratch,
    ) {
        let length = self.lengths[head.sequence];
        let query = query.head(head, self.queries, self.d);
        let key = key.head(head, length, self.d);
        let value = value.head(head, length, self.d);
        let grad = grad.head(head, self.queries, self.d);
        let query_grad = query_grad.head(head, self.queries, self.d);
        let key_grad = key_grad.head(head, self.keys, self.d);
        let value_grad = value_grad.head(head, self.keys, self.d);
        // SAFETY: the caller's promise on the outputs.
        unsafe {
            key_grad.slice(length..self.keys).clear();
            value_grad.slice(length..self.keys).clear();
            if length == 0 {
                query_grad.clear();
                return;
            }
        }
        let key_grad = key_grad.slice(0..length);
        let value_grad = value_grad.slice(0..length);
        let block = self.block(length);
        for start in (0..self.queries).step_by(block) {
            let rows = start..(start + block).min(self.queries);
            let Scratch {
                scores,
                grads,
                multipliers,
            } = scratch;
            grads.resize(rows.len() * length, 0.0);
            let (query, grad) = (query.slice(rows.clone()), grad.slice(rows.clone()));
            let kept_grad = Matrix::row_major(grads.as_mut_ptr(), rows.len(), length);
            // SAFETY: the caller's promises; the blocks of rows are parts of the whole, and the
            // first of them initialises what the others add to.
            unsafe {
                let probabilities = self.probabilities(head, query, key, scores);
                multiply(
                    kept_grad,
                    false,
                    1.0,
                    grad,
                    value.transposed(),
                    Parallelism::None,
                );
                simd::dispatch(ScoreGrad {
                    probabilities,
                    grad: grads,
                    multipliers: self.multipliers(head, rows.clone(), length, multipliers),
                    columns: length,
                    scale: self.scale(),
                });
                let kept = Matrix::row_major(probabilities.as_ptr(), rows.len(), length);
                let score_grad = Matrix::row_major(grads.as_ptr(), rows.len(), length);
                let add = start > 0;
                multiply(
                    value_grad,
                    add,
                    1.0,
                    kept.transposed(),
                    grad,
                    Parallelism::None,
                );
                multiply(
                    key_grad,
                    add,
                    1.0,
                    score_grad.transposed(),
                    query,
                    Parallelism::None,
                );
                multiply(
                    query_grad.slice(rows),
                    false,
                    1.0,
                    score_grad,
                    key,
                    Parallelism::None,
                );
            }
        }
    }
}
