//! Scaled dot-product attention over heads that are apart.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::backend::{AutodiffBackend, Backend, Dispatch, backend_extension};
use burn::tensor::{Bool, Device, Tensor};

use crate::dropout::DropoutBackend;
use crate::key::Dropout;
use crate::plain_attention::{Primitives, by_head, by_head_backward};
use crate::together::runs_together;

/// The most probabilities that one call keeps: 64 MiB in single precision.
const MOST_KEPT: usize = 1 << 24;

/// Whether [`attention_by_head`] is the better way: on devices that [run together](runs_together) it takes five kernels fewer than
/// [`attention`](crate::attention()) in a forward and a backward pass, but keeps the probabilities of that many queries and keys
/// from the one to the other, in each layer. Beyond 2²⁴ of them, they take more memory than the kernels are worth.
pub fn attends_by_head(device: &Device, [batch, heads, queries, keys]: [usize; 4]) -> bool {
    let sizes = [heads, queries, keys].into_iter();
    let kept = sizes.fold(batch, usize::saturating_mul);
    kept <= MOST_KEPT && runs_together(device)
}

/// [`attention`](crate::attention()) of what [`projections_by_head`](crate::projections_by_head) leaves.
///
/// It computes the same, up to rounding, with the same places in the mask. The probabilities are kept for the backward pass, so that
/// memory grows with the square of the length.
///
/// # Shapes
///
/// - `query`: `[batch, heads, queries, d]`
/// - `key`, `value`: `[batch, heads, keys, d]`
/// - `key_mask`: `[batch, keys]`, true where a key may be attended to
/// - the result: `[batch, queries, heads * d]`
///
/// # Panics
///
/// When the shapes do not fit together.
pub fn attention_by_head(
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    key_mask: Option<Tensor<2, Bool>>,
    dropout: Option<Dropout>,
) -> Tensor<3> {
    let [batch, heads, keys, d] = key.dims();
    let [_, _, queries, _] = query.dims();
    // The kernels work on raw memory and rely on these checks.
    let expected = [batch, heads, queries, d];
    assert_eq!(query.dims(), expected, "attention by head: query");
    assert_eq!(value.dims(), key.dims(), "attention by head: value and key");
    let key_mask = key_mask.unwrap_or_else(|| Tensor::ones([batch, keys], &key.device()));
    assert_eq!(
        key_mask.dims(),
        [batch, keys],
        "attention by head: key_mask"
    );
    let (context, _) = <Dispatch as HeadAttentionBackend>::head_attention(
        query.into_dispatch(),
        key.into_dispatch(),
        value.into_dispatch(),
        key_mask.into_dispatch(),
        dropout,
    );
    Tensor::from_dispatch(context)
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait HeadAttentionBackend: Backend + DropoutBackend {
    /// The context, and the probabilities `[batch, heads, queries, keys]` in single precision.
    fn head_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        by_head::<Self, Primitives>([query, key, value], key_mask, dropout)
    }

    /// The gradients of `query`, `key` and `value`.
    fn head_attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        probabilities: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let inputs = [query, key, value];
        by_head_backward::<Self, Primitives>(inputs, probabilities, grad, dropout).into()
    }
}

#[cfg(feature = "flex")]
impl HeadAttentionBackend for burn::backend::Flex {}
#[cfg(feature = "ndarray")]
impl HeadAttentionBackend for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl HeadAttentionBackend for burn::backend::LibTorch {}
#[cfg(feature = "remote")]
impl HeadAttentionBackend for burn::backend::Remote {}

impl<B: Backend + HeadAttentionBackend, C: CheckpointStrategy> HeadAttentionBackend
    for Autodiff<B, C>
{
    fn head_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        key_mask: BoolTensor<Self>,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        #[derive(Debug)]
        struct HeadAttentionBackward;

        impl<B: Backend + HeadAttentionBackend> Backward<B, 3> for HeadAttentionBackward {
            type State = ([FloatTensor<B>; 3], FloatTensor<B>, Option<Dropout>);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let ([query, key, value], probabilities, dropout) = ops.state;
                let all =
                    B::head_attention_backward(query, key, value, probabilities, grad, dropout);
                let all: [_; 3] = all.into();
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
        let inputs = [query.clone(), key.clone(), value.clone()];
        let (context, probabilities) = B::head_attention(query, key, value, key_mask, dropout);
        let context = match HeadAttentionBackward
            .prepare::<C>([query_node, key_node, value_node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                prep.finish((inputs, probabilities.clone(), dropout), context)
            }
            OpsKind::UnTracked(prep) => prep.finish(context),
        };
        // No gradient comes by the probabilities themselves.
        (context, Self::from_inner(probabilities))
    }
}
