//! Layer normalisation.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use crate::dropout::DropoutBackend;
use crate::half::{rounded, widened};
use crate::key::Dropout;

/// `(x - mean) / sqrt(variance + epsilon) * gamma + beta` over the last dimension, with the biased
/// variance.
///
/// [Ba, Kiros and Hinton, 2016](https://arxiv.org/abs/1607.06450).
///
/// # Shapes
///
/// - `x` and the result: `[..., width]`
/// - `gamma`, `beta`: `[width]`
///
/// # Panics
///
/// When the shapes do not fit together, or `epsilon` is not a number from 0.
pub fn layer_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    check(&x, &gamma, &beta, epsilon);
    Tensor::from_dispatch(<Dispatch as LayerNormBackend>::fused_layer_norm(
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        epsilon,
    ))
}

/// The kernels leave unwritten what has no counterpart, and rely on these checks.
pub(crate) fn check<const D: usize>(
    x: &Tensor<D>,
    gamma: &Tensor<1>,
    beta: &Tensor<1>,
    epsilon: f64,
) {
    assert!(
        epsilon.is_finite() && epsilon >= 0.0,
        "layer_norm: epsilon {epsilon}: expected a number from 0"
    );
    let width = x.dims()[D - 1];
    assert_eq!(gamma.dims(), [width], "layer_norm: gamma, width {width}");
    assert_eq!(beta.dims(), [width], "layer_norm: beta, width {width}");
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait LayerNormBackend: Backend + DropoutBackend {
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        plain::<Self>(x, gamma, beta, epsilon)
    }

    /// The gradients of `x`, `gamma` and `beta`.
    fn fused_layer_norm_backward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        plain_backward::<Self>(x, gamma, grad, epsilon)
    }

    /// `dropout(x) + residual`, and that normalised.
    fn fused_dropout_add_layer_norm_parts(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        plain_parts::<Self>(x, residual, gamma, beta, epsilon, dropout)
    }
}

#[cfg(feature = "ndarray")]
impl LayerNormBackend for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl LayerNormBackend for burn::backend::LibTorch {}

/// `x` minus the mean of its row, and the reciprocal of the row's standard deviation.
fn centred<B: Backend>(x: FloatTensor<B>, epsilon: f64) -> (FloatTensor<B>, FloatTensor<B>) {
    let last = x.shape().num_dims() - 1;
    let mean = B::float_mean_dim(x.clone(), last);
    let centred = B::float_sub(x, mean);
    let variance = B::float_mean_dim(B::float_mul(centred.clone(), centred.clone()), last);
    let deviation = B::float_sqrt(B::float_add_scalar(variance, epsilon.into()));
    (centred, B::float_recip(deviation))
}

/// `[width]` as `[1, ..., 1, width]`, the rank of `like`.
fn broadcastable<B: Backend>(vector: FloatTensor<B>, like: &Shape) -> FloatTensor<B> {
    let mut shape = vec![1; like.num_dims()];
    shape[like.num_dims() - 1] = vector.shape()[0];
    B::float_reshape(vector, Shape::from(shape))
}

/// `[..., width]` summed to `[width]`.
fn sum_of_rows<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let shape = x.shape();
    let width = shape[shape.num_dims() - 1];
    let rows: usize = shape.iter().rev().skip(1).product();
    let sum = B::float_sum_dim(B::float_reshape(x, Shape::new([rows, width])), 0);
    B::float_reshape(sum, Shape::new([width]))
}

/// Burn's primitives.
pub(crate) fn plain<B: Backend>(
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    beta: FloatTensor<B>,
    epsilon: f64,
) -> FloatTensor<B> {
    let (shape, dtype) = (x.shape(), x.dtype());
    let [x, gamma, beta] = [x, gamma, beta].map(widened::<B>);
    let (centred, scale) = centred::<B>(x, epsilon);
    let normal = B::float_mul(centred, scale);
    let scaled = B::float_mul(normal, broadcastable::<B>(gamma, &shape));
    rounded::<B>(
        B::float_add(scaled, broadcastable::<B>(beta, &shape)),
        dtype,
    )
}

/// Burn's primitives.
pub(crate) fn plain_parts<B: Backend + DropoutBackend>(
    x: FloatTensor<B>,
    residual: FloatTensor<B>,
    gamma: FloatTensor<B>,
    beta: FloatTensor<B>,
    epsilon: f64,
    dropout: Option<Dropout>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let x = match dropout {
        Some(dropout) => B::fused_dropout(x, dropout),
        None => x,
    };
    let sum = B::float_add(x, residual);
    (sum.clone(), plain::<B>(sum, gamma, beta, epsilon))
}

/// Burn's primitives.
pub(crate) fn plain_backward<B: Backend>(
    x: FloatTensor<B>,
    gamma: FloatTensor<B>,
    grad: FloatTensor<B>,
    epsilon: f64,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let shape = x.shape();
    let last = shape.num_dims() - 1;
    let [x_dtype, gamma_dtype] = [x.dtype(), gamma.dtype()];
    let [x, gamma, grad] = [x, gamma, grad].map(widened::<B>);
    let (centred, scale) = centred::<B>(x, epsilon);
    let normal = B::float_mul(centred, scale.clone());
    let gamma_grad = sum_of_rows::<B>(B::float_mul(grad.clone(), normal.clone()));
    let beta_grad = sum_of_rows::<B>(grad.clone());
    let grad = B::float_mul(grad, broadcastable::<B>(gamma, &shape));
    let mean = B::float_mean_dim(grad.clone(), last);
    let along = B::float_mean_dim(B::float_mul(grad.clone(), normal.clone()), last);
    let grad = B::float_sub(B::float_sub(grad, mean), B::float_mul(normal, along));
    (
        rounded::<B>(B::float_mul(grad, scale), x_dtype),
        rounded::<B>(gamma_grad, gamma_dtype),
        rounded::<B>(beta_grad, gamma_dtype),
    )
}

impl<B: Backend + LayerNormBackend, C: CheckpointStrategy> LayerNormBackend for Autodiff<B, C> {
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct LayerNormBackward;

        impl<B: Backend + LayerNormBackend> Backward<B, 3> for LayerNormBackward {
            type State = (FloatTensor<B>, FloatTensor<B>, f64);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let (x, gamma, epsilon) = ops.state;
                let (x_grad, gamma_grad, beta_grad) =
                    B::fused_layer_norm_backward(x, gamma, grad, epsilon);
                let all = [x_grad, gamma_grad, beta_grad];
                for (node, grad) in ops.parents.into_iter().zip(all) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, grad);
                    }
                }
            }
        }

        let (x, x_node) = x.into_parts();
        let (gamma, gamma_node) = gamma.into_parts();
        let (beta, beta_node) = beta.into_parts();
        match LayerNormBackward
            .prepare::<C>([x_node, gamma_node, beta_node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let state = (x.clone(), gamma.clone(), epsilon);
                prep.finish(state, B::fused_layer_norm(x, gamma, beta, epsilon))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_layer_norm(x, gamma, beta, epsilon)),
        }
    }
}
