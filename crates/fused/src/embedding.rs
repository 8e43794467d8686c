//! Rows of a table.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Int, Tensor};

use crate::half::{rounded, widened};

/// The rows of `weight` at `indices`.
///
/// # Shapes
///
/// - `weight`: `[vocabulary, width]`
/// - `indices`: `[batch, sequence]`, each below `vocabulary`
/// - result: `[batch, sequence, width]`
///
/// # Panics
///
/// On flex, when an index is not below `vocabulary`. Other backends do with it what their own selection of rows does.
pub fn embedding(weight: Tensor<2>, indices: Tensor<2, Int>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as EmbeddingBackend>::fused_embedding(
        weight.into_dispatch(),
        indices.into_dispatch(),
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
pub(crate) trait EmbeddingBackend: Backend {
    fn fused_embedding(weight: FloatTensor<Self>, indices: IntTensor<Self>) -> FloatTensor<Self> {
        Self::embedding(weight, indices)
    }

    /// The gradient of `weight`, dense.
    fn fused_embedding_backward(
        weight: FloatTensor<Self>,
        indices: IntTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        plain_backward::<Self>(weight, indices, grad)
    }
}

#[cfg(feature = "ndarray")]
impl EmbeddingBackend for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl EmbeddingBackend for burn::backend::LibTorch {}

/// Burn's primitives.
pub(crate) fn plain_backward<B: Backend>(
    weight: FloatTensor<B>,
    indices: IntTensor<B>,
    grad: FloatTensor<B>,
) -> FloatTensor<B> {
    let dtype = weight.dtype();
    let grad = B::embedding_backward(weight, widened::<B>(grad), indices);
    rounded::<B>(grad, dtype)
}

impl<B: Backend + EmbeddingBackend, C: CheckpointStrategy> EmbeddingBackend for Autodiff<B, C> {
    fn fused_embedding(weight: FloatTensor<Self>, indices: IntTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct EmbeddingBackward;

        impl<B: Backend + EmbeddingBackend> Backward<B, 1> for EmbeddingBackward {
            type State = (FloatTensor<B>, IntTensor<B>);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let (weight, indices) = ops.state;
                if let [Some(node)] = ops.parents {
                    let grad = B::fused_embedding_backward(weight, indices, grad);
                    grads.register::<B>(node.id, grad);
                }
            }
        }

        let (weight, node) = weight.into_parts();
        match EmbeddingBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let state = (weight.clone(), indices.clone());
                prep.finish(state, B::fused_embedding(weight, indices))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_embedding(weight, indices)),
        }
    }
}
