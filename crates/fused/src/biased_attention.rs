//! Attention whose scores have a bias.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Bool, Tensor};

use crate::dropout::DropoutBackend;
use crate::key::Dropout;
use crate::plain_attention::{biased, biased_backward};

/// `softmax(query keyᵀ / √d + bias) value` per head, with the probabilities dropped out.
///
/// Everything else is as in [`attention`](crate::attention). The bias is added to the scaled scores, and has a
/// gradient of its own. A large negative number keeps a query from a key; minus infinity does so too, but makes
/// the row of a query without any key NaN.
///
/// # Shapes
///
/// - `query` and the result: `[batch, queries, heads * d]`
/// - `key`, `value`: `[batch, keys, heads * d]`
/// - `bias`: `[batch, heads, queries, keys]`; either of the first two may be 1, for the same bias everywhere
/// - `key_mask`: `[batch, keys]`, true where a key may be attended to
///
/// # Panics
///
/// When the shapes do not fit together, or the last dimension is not a multiple of `heads`.
pub fn biased_attention(
    [query, key, value]: [Tensor<3>; 3],
    bias: Tensor<4>,
    heads: usize,
    key_mask: Tensor<2, Bool>,
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
    assert_eq!(key_mask.dims(), [batch, keys], "attention: key_mask");
    let [sequences, of_heads, rows, columns] = bias.dims();
    assert!(
        [1, batch].contains(&sequences)
            && [1, heads].contains(&of_heads)
            && [rows, columns] == [queries, keys],
        "attention: bias {:?}, expected [{batch} or 1, {heads} or 1, {queries}, {keys}]",
        bias.dims()
    );
    Tensor::from_dispatch(
        <Dispatch as BiasedAttentionBackend>::fused_biased_attention(
            query.into_dispatch(),
            key.into_dispatch(),
            value.into_dispatch(),
            bias.into_dispatch(),
            key_mask.into_dispatch(),
            heads,
            dropout,
        ),
    )
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait BiasedAttentionBackend: Backend + DropoutBackend {
    fn fused_biased_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        biased::<Self>([query, key, value], bias, key_mask, heads, dropout)
    }

    /// The gradients of `query`, `key`, `value` and `bias`.
    #[allow(clippy::too_many_arguments)] // Those of the operation and its result's gradient.
    fn fused_biased_attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        grad: FloatTensor<Self>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        let inputs = [query, key, value, grad];
        biased_backward::<Self>(inputs, bias, key_mask, heads, dropout)
    }
}

#[cfg(feature = "ndarray")]
impl BiasedAttentionBackend for burn::backend::NdArray {}
#[cfg(feature = "cube")]
impl BiasedAttentionBackend for burn::backend::Cube {}
#[cfg(feature = "tch")]
impl BiasedAttentionBackend for burn::backend::LibTorch {}

impl<B: Backend + BiasedAttentionBackend, C: CheckpointStrategy> BiasedAttentionBackend
    for Autodiff<B, C>
{
    fn fused_biased_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        heads: usize,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct BiasedAttentionBackward;

        impl<B: Backend + BiasedAttentionBackend> Backward<B, 4> for BiasedAttentionBackward {
            type State = ([FloatTensor<B>; 4], BoolTensor<B>, usize, Option<Dropout>);

            fn backward(
                self,
                ops: Ops<Self::State, 4>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let ([query, key, value, bias], key_mask, heads, dropout) = ops.state;
                let (query_grad, key_grad, value_grad, bias_grad) =
                    B::fused_biased_attention_backward(
                        query, key, value, bias, key_mask, grad, heads, dropout,
                    );
                let all = [query_grad, key_grad, value_grad, bias_grad];
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
        let (bias, bias_node) = bias.into_parts();
        match BiasedAttentionBackward
            .prepare::<C>([query_node, key_node, value_node, bias_node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let inputs = [query.clone(), key.clone(), value.clone(), bias.clone()];
                let state = (inputs, key_mask.clone(), heads, dropout);
                let output =
                    B::fused_biased_attention(query, key, value, bias, key_mask, heads, dropout);
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_biased_attention(
                query, key, value, bias, key_mask, heads, dropout,
            )),
        }
    }
}
