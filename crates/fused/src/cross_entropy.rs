//! The mean cross-entropy of logits against classes.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{IndexingUpdateOp, Int, Shape, Tensor};

/// The mean over all rows of `ln sum(exp(logits)) - logits[class]`.
///
/// As `torch.nn.functional.cross_entropy`. The probabilities are kept for the backward pass, in the
/// memory of the logits where nothing else refers to it: a vocabulary of logits is the largest tensor
/// of a language model.
///
/// # Shapes
///
/// - `logits`: `[rows, classes]`
/// - `targets`: `[rows]`, each below `classes`
/// - result: `[1]`; NaN without rows
///
/// # Panics
///
/// When the shapes do not fit together or a target is not below `classes`.
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

    /// The gradient of `logits` from that of the loss, `[1]`.
    fn fused_cross_entropy_backward(
        probabilities: FloatTensor<Self>,
        targets: IntTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        plain_backward::<Self>(probabilities, targets, grad)
    }
}

#[cfg(feature = "ndarray")]
impl CrossEntropyBackend for burn::backend::NdArray {}
#[cfg(feature = "cube")]
impl CrossEntropyBackend for burn::backend::Cube {}
#[cfg(feature = "tch")]
impl CrossEntropyBackend for burn::backend::LibTorch {}

/// Burn's primitives.
pub(crate) fn plain<B: Backend>(
    logits: FloatTensor<B>,
    targets: IntTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let [rows, _] = logits.shape().dims();
    let targets = B::int_reshape(targets, Shape::new([rows, 1]));
    let logarithms = B::log_softmax(logits, 1);
    let own = B::float_gather(1, logarithms.clone(), targets);
    let loss = B::float_neg(B::float_mean(own));
    (loss, B::float_exp(logarithms))
}

/// Burn's primitives.
pub(crate) fn plain_backward<B: Backend>(
    probabilities: FloatTensor<B>,
    targets: IntTensor<B>,
    grad: FloatTensor<B>,
) -> FloatTensor<B> {
    let [rows, _] = probabilities.shape().dims();
    let targets = B::int_reshape(targets, Shape::new([rows, 1]));
    let (device, dtype) = (probabilities.device(), probabilities.dtype());
    let one = B::float_ones(Shape::new([rows, 1]), &device, dtype.into());
    let update = IndexingUpdateOp::Add;
    let difference = B::float_scatter(1, probabilities, targets, B::float_neg(one), update);
    let scale = B::float_div_scalar(grad, (rows as f32).into());
    B::float_mul(difference, B::float_reshape(scale, Shape::new([1, 1])))
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
            type State = (FloatTensor<B>, IntTensor<B>);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let (probabilities, targets) = ops.state;
                if let [Some(node)] = ops.parents {
                    let grad = B::fused_cross_entropy_backward(probabilities, targets, grad);
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
                let (loss, probabilities) = B::fused_cross_entropy_parts(logits, targets.clone());
                prep.finish((probabilities, targets), loss)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_cross_entropy(logits, targets)),
        }
    }
}
