//! The mean cross-entropy of logits against classes.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{FloatDType, IndexingUpdateOp, Int, Shape, Tensor};

use crate::half::{rounded, widened};

/// The mean over all rows of `ln sum(exp(logits)) - logits[class]`.
///
/// As `torch.nn.functional.cross_entropy`. The probabilities are kept for the backward pass, in the
/// memory of the logits where nothing else refers to it: a vocabulary of logits is the largest tensor
/// of a language model. Of logits in half precision they are kept, and the loss is returned, in single precision.
///
/// # Shapes
///
/// - `logits`: `[rows, classes]`
/// - `targets`: `[rows]`, each below `classes`
/// - result: `[1]`; NaN without rows
///
/// # Panics
///
/// When the shapes do not fit together and, on flex, when a target is not below `classes`. Elsewhere the loss of such a row
/// means nothing.
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let ([rows, _], [count]) = (logits.dims(), targets.dims());
    assert_eq!(rows, count, "cross_entropy: rows of logits and targets");
    Tensor::from_dispatch(<Dispatch as CrossEntropyBackend>::fused_cross_entropy(
        logits.into_dispatch(),
        targets.into_dispatch(),
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
pub(crate) trait CrossEntropyBackend: Backend {
    fn fused_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::fused_cross_entropy_parts(logits, targets).0
    }

    /// `(loss, probabilities)`.
    fn fused_cross_entropy_parts(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        plain::<Self>(logits, targets)
    }

    /// The gradient of `logits`, whose type is `dtype`, from that of the loss, `[1]`.
    fn fused_cross_entropy_backward(
        probabilities: FloatTensor<Self>,
        targets: IntTensor<Self>,
        grad: FloatTensor<Self>,
        dtype: FloatDType,
    ) -> FloatTensor<Self> {
        plain_backward::<Self>(probabilities, targets, grad, dtype)
    }
}

#[cfg(feature = "ndarray")]
impl CrossEntropyBackend for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl CrossEntropyBackend for burn::backend::LibTorch {}

/// Burn's primitives.
pub(crate) fn plain<B: Backend>(
    logits: FloatTensor<B>,
    targets: IntTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let [rows, _] = logits.shape().dims();
    let targets = B::int_reshape(targets, Shape::new([rows, 1]));
    let logarithms = B::log_softmax(widened::<B>(logits), 1);
    let own = B::float_gather(1, logarithms.clone(), targets);
    let loss = B::float_neg(B::float_mean(own));
    (loss, B::float_exp(logarithms))
}

/// Burn's primitives.
pub(crate) fn plain_backward<B: Backend>(
    probabilities: FloatTensor<B>,
    targets: IntTensor<B>,
    grad: FloatTensor<B>,
    dtype: FloatDType,
) -> FloatTensor<B> {
    let [rows, _] = probabilities.shape().dims();
    let targets = B::int_reshape(targets, Shape::new([rows, 1]));
    let (device, wide) = (probabilities.device(), probabilities.dtype());
    let one = B::float_ones(Shape::new([rows, 1]), &device, wide.into());
    let update = IndexingUpdateOp::Add;
    let difference = B::float_scatter(1, probabilities, targets, B::float_neg(one), update);
    let scale = B::float_div_scalar(grad, (rows as f32).into());
    let grad = B::float_mul(difference, B::float_reshape(scale, Shape::new([1, 1])));
    rounded::<B>(grad, dtype.into())
}

impl<B: Backend + CrossEntropyBackend, C: CheckpointStrategy> CrossEntropyBackend
    for Autodiff<B, C>
{
    fn fused_cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct CrossEntropyBackward;

        impl<B: Backend + CrossEntropyBackend> Backward<B, 1> for CrossEntropyBackward {
            type State = (FloatTensor<B>, IntTensor<B>, FloatDType);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let (probabilities, targets, dtype) = ops.state;
                if let [Some(node)] = ops.parents {
                    let grad = B::fused_cross_entropy_backward(probabilities, targets, grad, dtype);
                    grads.register::<B>(node.id, grad);
                }
            }
        }

        let (logits, node) = logits.into_parts();
        match CrossEntropyBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let dtype = logits.dtype().into();
                let (loss, probabilities) = B::fused_cross_entropy_parts(logits, targets.clone());
                prep.finish((probabilities, targets, dtype), loss)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_cross_entropy(logits, targets)),
        }
    }
}
