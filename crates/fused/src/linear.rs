//! The affine map, alone and followed by GELU.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::autodiff::{Autodiff, NodeId};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use crate::gelu::GeluBackend;
use crate::half::{rounded, widened};

/// `x weight + bias` over the last dimension.
///
/// # Shapes
///
/// - `x`: `[..., inputs]`
/// - `weight`: `[inputs, outputs]`, the layout of Burn's `Linear`
/// - `bias`: `[outputs]`
/// - result: `[..., outputs]`
///
/// # Panics
///
/// When the shapes do not fit together.
pub fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<D> {
    check(&x, &weight, &bias);
    Tensor::from_dispatch(<Dispatch as LinearBackend>::fused_linear(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ))
}

/// `gelu(linear(x, weight, bias))`.
///
/// # Shapes
///
/// Those of [`linear`].
///
/// # Panics
///
/// When the shapes do not fit together.
pub fn linear_gelu<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<D> {
    check(&x, &weight, &bias);
    Tensor::from_dispatch(<Dispatch as LinearBackend>::fused_linear_gelu(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ))
}

/// The kernels work on raw memory and rely on these checks.
pub(crate) fn check<const D: usize>(x: &Tensor<D>, weight: &Tensor<2>, bias: &Tensor<1>) {
    let ([inputs, outputs], [biases]) = (weight.dims(), bias.dims());
    let x = x.dims();
    assert_eq!(
        x[D - 1],
        inputs,
        "linear: x {x:?}, weight {:?}",
        weight.dims()
    );
    assert_eq!(
        biases,
        outputs,
        "linear: bias {biases}, weight {:?}",
        weight.dims()
    );
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait LinearBackend: Backend + GeluBackend {
    fn fused_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::linear(x, weight, Some(bias))
    }

    /// The gradient of `x`, `[..., inputs]`, from that of the result, `[..., outputs]`.
    fn fused_linear_x_backward(
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::linear_x_backward(weight, grad)
    }

    /// The gradients of `weight` and `bias`.
    fn fused_linear_parameters_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        plain_parameters_backward::<Self>(x, grad)
    }

    fn fused_linear_gelu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::fused_gelu(Self::fused_linear(x, weight, bias))
    }

    /// What the backward pass of [`linear_gelu`] needs besides its result: `(linear, gelu)`.
    fn fused_linear_gelu_parts(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let linear = Self::fused_linear(x, weight, bias);
        (linear.clone(), Self::fused_gelu(linear))
    }
}

#[cfg(feature = "ndarray")]
impl LinearBackend for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl LinearBackend for burn::backend::LibTorch {}

/// Burn's primitives.
pub(crate) fn plain_parameters_backward<B: Backend>(
    x: FloatTensor<B>,
    grad: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let dtype = grad.dtype();
    let bias = B::linear_bias_backward(widened::<B>(grad.clone()));
    (
        B::linear_weight_backward(x, grad),
        rounded::<B>(bias, dtype),
    )
}

impl<B: Backend + LinearBackend, C: CheckpointStrategy> LinearBackend for Autodiff<B, C> {
    fn fused_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct LinearBackward;

        impl<B: Backend + LinearBackend> Backward<B, 3> for LinearBackward {
            type State = (FloatTensor<B>, FloatTensor<B>);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let nodes = ops.parents.map(|node| node.map(|node| node.id));
                register::<B>(nodes, ops.state, grad, grads);
            }
        }

        let (x, x_node) = x.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let (bias, bias_node) = bias.into_parts();
        match LinearBackward
            .prepare::<C>([x_node, weight_node, bias_node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let state = (x.clone(), weight.clone());
                prep.finish(state, B::fused_linear(x, weight, bias))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_linear(x, weight, bias)),
        }
    }

    fn fused_linear_gelu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct LinearGeluBackward;

        impl<B: Backend + LinearBackend> Backward<B, 3> for LinearGeluBackward {
            type State = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let (x, weight, linear) = ops.state;
                let grad = B::fused_gelu_backward(linear, grad);
                let nodes = ops.parents.map(|node| node.map(|node| node.id));
                register::<B>(nodes, (x, weight), grad, grads);
            }
        }

        let (x, x_node) = x.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let (bias, bias_node) = bias.into_parts();
        match LinearGeluBackward
            .prepare::<C>([x_node, weight_node, bias_node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let (linear, output) = B::fused_linear_gelu_parts(x.clone(), weight.clone(), bias);
                prep.finish((x, weight, linear), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_linear_gelu(x, weight, bias)),
        }
    }
}

/// Registers those gradients of an affine map's inputs that are asked for.
fn register<B: Backend + LinearBackend>(
    [x_node, weight_node, bias_node]: [Option<NodeId>; 3],
    (x, weight): (FloatTensor<B>, FloatTensor<B>),
    grad: FloatTensor<B>,
    grads: &mut Gradients,
) {
    if weight_node.is_some() || bias_node.is_some() {
        let (weight_grad, bias_grad) = B::fused_linear_parameters_backward(x, grad.clone());
        if let Some(id) = weight_node {
            grads.register::<B>(id, weight_grad);
        }
        if let Some(id) = bias_node {
            grads.register::<B>(id, bias_grad);
        }
    }
    // Last, so that Burn can fuse it with the sum of branches that often comes next.
    if let Some(id) = x_node {
        grads.register::<B>(id, B::fused_linear_x_backward(weight, grad));
    }
}
