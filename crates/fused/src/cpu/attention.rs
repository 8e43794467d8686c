//! Attention: one task per head of each sequence, whose scores stay in cache.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::{BoolTensor, FloatTensor};
use gemm::Parallelism;
use rayon::prelude::*;

use super::elementwise::{Add, MapPairs, Multiply};
use super::matmul::{Matrix, multiply};
use super::sequences::{Sequences, Start, rows_of_unit_stride};
use super::softmax::{Probabilities, ScoreGrad};
use super::storage::{self, Unwritten};
use super::{keystream, simd};
use crate::attention::AttentionBackend;
use crate::key::Dropout;
use crate::mask::head_stride;
use crate::packing::Packed;
use crate::plain_attention::{Primitives, plain, plain_backward};

/// Scores computed at a time: with their gradients they fit the second-level cache.
const BLOCK: usize = 64 * 1024;

impl AttentionBackend for Flex {
    fn fused_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        packing: Option<Packed>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        if !storage::is_single(&[&query, &key, &value]) {
            return plain::<Self, Primitives>(query, key, value, key_mask, packing, heads, dropout);
        }
        let [query, key, value] = [query, key, value].map(rows_of_unit_stride);
        let problem = Problem::new(&query, &key, key_mask, packing, heads, dropout);
        let mut context = Unwritten::new(query.layout().shape().clone());
        let out = Sequences::write(&mut context);
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
        packing: Option<Packed>,
        grad: FloatTensor<Self>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !storage::is_single(&[&query, &key, &value, &grad]) {
            return plain_backward::<Self, Primitives>(
                query, key, value, key_mask, packing, grad, heads, dropout,
            );
        }
        let [query, key, value, grad] = [query, key, value, grad].map(rows_of_unit_stride);
        let problem = Problem::new(&query, &key, key_mask, packing, heads, dropout);
        let mut query_grad = Unwritten::new(query.layout().shape().clone());
        let mut key_grad = Unwritten::new(key.layout().shape().clone());
        let mut value_grad = Unwritten::new(key.layout().shape().clone());
        let outputs = [
            Sequences::write(&mut query_grad),
            Sequences::write(&mut key_grad),
            Sequences::write(&mut value_grad),
        ];
        let inputs = [&query, &key, &value, &grad].map(Sequences::read);
        problem.for_each_head(|head, scratch| {
            // SAFETY: the inputs are live; each head of each sequence writes its own columns.
            unsafe { problem.backward(head, inputs, outputs, None, scratch) };
        });
        // SAFETY: the heads of the sequences make up the whole tensors.
        unsafe { (query_grad.finish(), key_grad.finish(), value_grad.finish()) }
    }
}

/// One head of one sequence.
#[derive(Clone, Copy)]
pub(super) struct Head {
    sequence: Sequence,
    number: usize,
}

/// Memory of one thread.
#[derive(Default)]
pub(super) struct Scratch {
    scores: Vec<f32>,
    grads: Vec<f32>,
    multipliers: Vec<f32>,
}

/// What all heads have in common.
pub(super) struct Problem<'a> {
    sequences: Vec<Sequence>,
    heads: usize,
    d: usize,
    /// 1 where a key is padding, else 0; `[batch, keys]`.
    padding: Vec<f32>,
    dropout: Option<Dropout>,
    bias: Option<Bias<'a>>,
}

/// What is added to the scaled scores, `[sequences, heads, queries, keys]`.
#[derive(Clone, Copy)]
pub(super) struct Bias<'a> {
    pub(super) values: &'a [f32],
    /// 1 if it is the same for all.
    pub(super) sequences: usize,
    /// 1 if it is the same for all.
    pub(super) heads: usize,
}

/// The gradient of a bias, `[sequences, heads, queries, keys]` in memory.
#[derive(Clone, Copy)]
pub(super) struct BiasGrad(*mut f32);

// SAFETY: the tasks that share it write disjoint elements; see `for_each_head`.
unsafe impl Sync for BiasGrad {}

/// The rows of one sequence and what belongs to them.
#[derive(Clone, Copy)]
struct Sequence {
    first_query: Start,
    queries: usize,
    first_key: Start,
    keys: usize,
    /// The keys up to the last that is not padding.
    length: usize,
    /// Whether there is padding among them.
    has_holes: bool,
    /// Its first key in `padding`.
    start: usize,
    /// The place of its first head in the dropout mask.
    place: usize,
}

impl Sequence {
    /// Elements of the dropout mask that belong to one head.
    fn stride(&self) -> usize {
        head_stride(self.queries, self.keys)
    }

    /// Query rows of one block.
    fn block(&self) -> usize {
        (BLOCK / self.length.max(1)).clamp(1, self.queries.max(1))
    }
}

impl<'a> Problem<'a> {
    pub(super) fn new(
        query: &FlexTensor,
        key: &FlexTensor,
        key_mask: BoolTensor<Flex>,
        packing: Option<Packed>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> Self {
        let [batch, queries, width] = query.layout().shape().dims();
        let keys = key.layout().shape()[1];
        let key_mask = key_mask.to_contiguous();
        let kept = &key_mask.bytes()[..batch * keys];
        let padding = kept.iter().map(|&kept| f32::from(kept == 0)).collect();
        let sequence = |(first_query, queries): (Start, usize),
                        (first_key, of_it): (Start, usize)| {
            let start = first_key.batch * keys + first_key.row;
            let own = &kept[start..start + of_it];
            let last = own.iter().rposition(|&kept| kept != 0);
            let length = last.map_or(0, |last| last + 1);
            Sequence {
                first_query,
                queries,
                first_key,
                keys: of_it,
                length,
                has_holes: own[..length].contains(&0),
                start,
                place: 0,
            }
        };
        let mut sequences: Vec<Sequence> = match packing {
            None => (0..batch)
                .map(|batch| Start { batch, row: 0 })
                .map(|start| sequence((start, queries), (start, keys)))
                .collect(),
            Some(packed) => {
                let [queries, keys] = [&packed.queries, &packed.keys].map(|packing| {
                    let starts = packing.starts().map(|row| Start { batch: 0, row });
                    starts.zip(packing.lengths().iter().copied())
                });
                (queries.zip(keys))
                    .map(|(queries, keys)| sequence(queries, keys))
                    .collect()
            }
        };
        let mut place = 0;
        for sequence in &mut sequences {
            sequence.place = place;
            place += heads * sequence.stride();
        }
        Self {
            sequences,
            heads,
            d: width / heads,
            padding,
            dropout,
            bias: None,
        }
    }

    /// With a bias of the shape that the operation checked.
    pub(super) fn with_bias(self, bias: Bias<'a>) -> Self {
        Self {
            bias: Some(bias),
            ..self
        }
    }

    /// Where the gradient of the bias goes: a matrix for each head of each sequence.
    pub(super) fn bias_grad(&self, out: &mut Unwritten) -> BiasGrad {
        BiasGrad(out.slots().as_mut_ptr().cast())
    }

    /// The first element of a head's matrix among those of `heads` heads of `sequences` sequences.
    fn matrix(Head { sequence, number }: Head, sequences: usize, heads: usize) -> usize {
        let of_sequence = if sequences == 1 {
            0
        } else {
            sequence.first_query.batch
        };
        let of_head = if heads == 1 { 0 } else { number };
        (of_sequence * heads + of_head) * sequence.queries * sequence.keys
    }

    /// Adds the bias to the scores of some rows.
    fn add_bias(&self, head: Head, rows: std::ops::Range<usize>, scores: &mut [f32]) {
        let Some(bias) = self.bias else {
            return;
        };
        let Sequence { keys, length, .. } = head.sequence;
        let start = Self::matrix(head, bias.sequences, bias.heads) + rows.start * keys;
        let bias = bias.values[start..].chunks(keys.max(1));
        for (x, bias) in scores.chunks_exact_mut(length.max(1)).zip(bias) {
            let (function, y) = (Add, &bias[..length]);
            simd::dispatch(MapPairs { function, x, y });
        }
    }

    fn scale(&self) -> f32 {
        1.0 / (self.d as f32).sqrt()
    }

    /// Runs `task` for every head of every sequence, each with memory of its own thread.
    pub(super) fn for_each_head(&self, task: impl Fn(Head, &mut Scratch) + Sync) {
        (0..self.sequences.len() * self.heads)
            .into_par_iter()
            .for_each_init(Scratch::default, |scratch, index| {
                let head = Head {
                    sequence: self.sequences[index / self.heads],
                    number: index % self.heads,
                };
                task(head, scratch);
            });
    }

    /// Writes the dropout multipliers of some rows to `out`, one per score.
    fn multipliers<'b>(
        &self,
        Head { sequence, number }: Head,
        rows: std::ops::Range<usize>,
        out: &'b mut Vec<f32>,
    ) -> Option<&'b [f32]> {
        let dropout = self.dropout.as_ref()?;
        let (keys, length) = (sequence.keys, sequence.length);
        let start = sequence.place + number * sequence.stride();
        out.resize(rows.len() * keys, 0.0);
        keystream::fill(dropout, start + rows.start * keys, out);
        // The padding at the end of every row goes, so that rows are as long as those of scores.
        if length < keys {
            for row in 1..rows.len() {
                out.copy_within(row * keys..row * keys + length, row * length);
            }
        }
        Some(&out[..rows.len() * length])
    }

    /// The probabilities of a block of queries, in `scores`.
    ///
    /// # Safety
    ///
    /// Both operands lie within live, initialised memory.
    unsafe fn probabilities<'b>(
        &self,
        head: Head,
        rows: std::ops::Range<usize>,
        query: Matrix<*const f32>,
        key: Matrix<*const f32>,
        scores: &'b mut Vec<f32>,
    ) -> &'b mut [f32] {
        let sequence = head.sequence;
        scores.resize(query.rows * key.rows, 0.0);
        let out = Matrix::row_major(scores.as_mut_ptr(), query.rows, key.rows);
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
        self.add_bias(head, rows, scores);
        let padding = &self.padding[sequence.start..][..key.rows];
        simd::dispatch(Probabilities {
            scores,
            columns: key.rows,
            padding: sequence.has_holes.then_some(padding),
        });
        scores
    }

    /// Writes the context of one head.
    ///
    /// # Safety
    ///
    /// The inputs lie within live, initialised memory; no other thread uses the columns of this
    /// head in the output.
    pub(super) unsafe fn forward(
        &self,
        head: Head,
        [query, key, value]: [Sequences<*const f32>; 3],
        out: Sequences<*mut f32>,
        scratch: &mut Scratch,
    ) {
        let Head { sequence, number } = head;
        let Sequence {
            first_query,
            queries,
            first_key,
            length,
            ..
        } = sequence;
        let query = query.head(first_query, number, queries, self.d);
        let key = key.head(first_key, number, length, self.d);
        let value = value.head(first_key, number, length, self.d);
        let out = out.head(first_query, number, queries, self.d);
        if length == 0 {
            // SAFETY: the caller's promise on the output.
            unsafe { out.clear() };
            return;
        }
        let block = sequence.block();
        for first in (0..queries).step_by(block) {
            let rows = first..(first + block).min(queries);
            let Scratch {
                scores,
                multipliers,
                ..
            } = scratch;
            // SAFETY: the caller's promises; the blocks of rows are parts of the whole.
            unsafe {
                let of_rows = query.slice(rows.clone());
                let x = self.probabilities(head, rows.clone(), of_rows, key, scores);
                if let Some(y) = self.multipliers(head, rows.clone(), multipliers) {
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
    pub(super) unsafe fn backward(
        &self,
        head: Head,
        [query, key, value, grad]: [Sequences<*const f32>; 4],
        [query_grad, key_grad, value_grad]: [Sequences<*mut f32>; 3],
        bias_grad: Option<BiasGrad>,
        scratch: &mut Scratch,
    ) {
        let Head { sequence, number } = head;
        let Sequence {
            first_query,
            queries,
            first_key,
            keys,
            length,
            ..
        } = sequence;
        let query = query.head(first_query, number, queries, self.d);
        let key = key.head(first_key, number, length, self.d);
        let value = value.head(first_key, number, length, self.d);
        let grad = grad.head(first_query, number, queries, self.d);
        let query_grad = query_grad.head(first_query, number, queries, self.d);
        let key_grad = key_grad.head(first_key, number, keys, self.d);
        let value_grad = value_grad.head(first_key, number, keys, self.d);
        let bias_grad = bias_grad.map(|BiasGrad(start)| {
            let start = start.wrapping_add(Self::matrix(head, self.sequences.len(), self.heads));
            Matrix::row_major(start, queries, keys)
        });
        // Keys of padding have no gradient, nor has any key that no query attends to.
        let seen = if queries == 0 { 0 } else { length };
        // SAFETY: the caller's promise on the outputs.
        unsafe {
            key_grad.slice(seen..keys).clear();
            value_grad.slice(seen..keys).clear();
            if let Some(bias_grad) = bias_grad.filter(|_| seen < keys) {
                bias_grad.clear();
            }
            if seen == 0 {
                query_grad.clear();
                return;
            }
        }
        let key_grad = key_grad.slice(0..length);
        let value_grad = value_grad.slice(0..length);
        let block = sequence.block();
        // The bias is added to the scaled scores, so its gradient has no factor.
        let (factor, alpha) = match bias_grad {
            None => (self.scale(), 1.0),
            Some(_) => (1.0, self.scale()),
        };
        for first in (0..queries).step_by(block) {
            let rows = first..(first + block).min(queries);
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
                let probabilities = self.probabilities(head, rows.clone(), query, key, scores);
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
                    multipliers: self.multipliers(head, rows.clone(), multipliers),
                    columns: length,
                    scale: factor,
                });
                if let Some(bias_grad) = bias_grad {
                    bias_grad.slice(rows.clone()).copy(grads, length);
                }
                let kept = Matrix::row_major(probabilities.as_ptr(), rows.len(), length);
                let score_grad = Matrix::row_major(grads.as_ptr(), rows.len(), length);
                let add = first > 0;
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
                    alpha,
                    score_grad.transposed(),
                    query,
                    Parallelism::None,
                );
                multiply(
                    query_grad.slice(rows),
                    false,
                    alpha,
                    score_grad,
                    key,
                    Parallelism::None,
                );
            }
        }
    }
}
