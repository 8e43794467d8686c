//! Scaled dot-product attention over several heads.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Bool, Tensor};

use crate::dropout::DropoutBackend;
use crate::key::Dropout;
use crate::packing::{Packed, Packing};
use crate::plain_attention::{Primitives, plain, plain_backward};

/// `softmax(query keyᵀ / √d) value` per head, with the probabilities dropped out.
///
/// [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), section 3.2. The heads lie side by side
/// in the last dimension, as the projections leave them, so nothing is moved. The backward pass
/// computes the probabilities again: memory grows with the length of the sequence, not with its square.
///
/// Keys where `key_mask` is false (padding) get probability 0, whatever their scores. A sequence
/// without any other key gives a zero context and zero gradients.
///
/// Probability `(i, j)` of head `h` of sequence `b` takes place
/// `(b heads + h) ceil(queries keys / 512) 512 + i keys + j` of the dropout mask.
///
/// # Shapes
///
/// - `query` and the result: `[batch, queries, heads * d]`
/// - `key`, `value`: `[batch, keys, heads * d]`
/// - `key_mask`: `[batch, keys]`, true where a key may be attended to
///
/// # Panics
///
/// When the shapes do not fit together, or the last dimension is not a multiple of `heads`.
pub fn attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    heads: usize,
    key_mask: Option<Tensor<2, Bool>>,
    dropout: Option<Dropout>,
) -> Tensor<3> {
    let [batch, keys, width] = key.dims();
    assert!(
        heads > 0 && width.is_multiple_of(heads),
        "attention width {width}: expected a multiple of {heads} heads"
    );
    // The kernels work on raw memory and rely on these checks.
    let [_, queries, _] = query.dims();
    assert_eq!(query.dims(), [batch, queries, width], "attention: query");
    assert_eq!(value.dims(), key.dims(), "attention: value and key");
    let key_mask = key_mask.unwrap_or_else(|| Tensor::ones([batch, keys], &key.device()));
    assert_eq!(key_mask.dims(), [batch, keys], "attention: key_mask");
    Tensor::from_dispatch(<Dispatch as AttentionBackend>::fused_attention(
        query.into_dispatch(),
        key.into_dispatch(),
        value.into_dispatch(),
        key_mask.into_dispatch(),
        None,
        heads,
        dropout,
    ))
}

/// [`attention`] within each of several sequences that lie end to end, without padding.
///
/// Probability `(i, j)` of head `h` of a sequence of `m` queries and `n` keys takes place
/// `h p + i n + j` of its part of the dropout mask, where `p` is `ceil(m n / 512) 512`. The parts,
/// `heads p` places each, lie end to end as the sequences do.
///
/// # Shapes
///
/// - `query` and the result: `[1, queries.rows(), heads * d]`
/// - `key`, `value`: `[1, keys.rows(), heads * d]`
/// - `queries`, `keys`: the rows of as many sequences
///
/// # Panics
///
/// When the shapes do not fit together, or the last dimension is not a multiple of `heads`.
pub fn packed_attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    heads: usize,
    [queries, keys]: [Packing; 2],
    dropout: Option<Dropout>,
) -> Tensor<3> {
    let [_, rows, width] = key.dims();
    assert!(
        heads > 0 && width.is_multiple_of(heads),
        "attention width {width}: expected a multiple of {heads} heads"
    );
    // The kernels work on raw memory and rely on these checks.
    assert_eq!(query.dims(), [1, queries.rows(), width], "attention: query");
    assert_eq!(key.dims(), [1, keys.rows(), width], "attention: key");
    assert_eq!(value.dims(), key.dims(), "attention: value and key");
    let [of_queries, of_keys] = [&queries, &keys].map(|packing| packing.lengths().len());
    assert_eq!(of_queries, of_keys, "attention: sequences");
    let key_mask = Tensor::<2, Bool>::ones([1, rows], &key.device());
    Tensor::from_dispatch(<Dispatch as AttentionBackend>::fused_attention(
        query.into_dispatch(),
        key.into_dispatch(),
        value.into_dispatch(),
        key_mask.into_dispatch(),
        Some(Packed { queries, keys }),
        heads,
        dropout,
    ))
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait AttentionBackend: Backend + DropoutBackend {
    /// With a packing, the batch is one row of sequences end to end, each of which attends to itself alone.
    fn fused_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        packing: Option<Packed>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        plain::<Self, Primitives>(query, key, value, key_mask, packing, heads, dropout)
    }

    /// The gradients of `query`, `key` and `value`.
    #[allow(clippy::too_many_arguments)] // Those of the operation and its result's gradient.
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
        plain_backward::<Self, Primitives>(
            query, key, value, key_mask, packing, grad, heads, dropout,
        )
    }
}

#[cfg(feature = "ndarray")]
impl AttentionBackend for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl AttentionBackend for burn::backend::LibTorch {}

impl<B: Backend + AttentionBackend, C: CheckpointStrategy> AttentionBackend for Autodiff<B, C> {
    fn fused_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        packing: Option<Packed>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct AttentionBackward;

        impl<B: Backend + AttentionBackend> Backward<B, 3> for AttentionBackward {
            type State = (
                [FloatTensor<B>; 3],
                BoolTensor<B>,
                Option<Packed>,
                usize,
                Option<Dropout>,
            );

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let ([query, key, value], key_mask, packing, heads, dropout) = ops.state;
                let (query_grad, key_grad, value_grad) = B::fused_attention_backward(
                    query, key, value, key_mask, packing, grad, heads, dropout,
                );
                let all = [query_grad, key_grad, value_grad];
                for (node, grad) in ops.parents.into_iter().zip(all) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, grad);
                    }
                }
            }
        }

        let (query, query_node) = query.into_parts();
        let (key, key_node) = key.into_parts();
        let (value, value_node) = value.into_parts();
        match AttentionBackward
            .prepare::<C>([query_node, key_node, value_node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let inputs = [query.clone(), key.clone(), value.clone()];
                let state = (inputs, key_mask.clone(), packing.clone(), heads, dropout);
                let output =
                    B::fused_attention(query, key, value, key_mask, packing, heads, dropout);
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_attention(
                query, key, value, key_mask, packing, heads, dropout,
            )),
        }
    }
}
