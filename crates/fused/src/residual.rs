//! The end of a transformer's residual block: affine map, dropout, sum, layer normalisation.

// The operands of four operations, and their gradients.
#![allow(clippy::too_many_arguments, clippy::type_complexity)]

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use crate::key::Dropout;
use crate::layer_norm::{self, LayerNormBackend};
use crate::linear::{self, LinearBackend};

/// A layer normalisation.
#[derive(Clone, Debug)]
pub struct Norm {
    /// Scale, `[width]`.
    pub gamma: Tensor<1>,
    /// Shift, `[width]`.
    pub beta: Tensor<1>,
    /// Added to the variance; from 0.
    pub epsilon: f64,
}

/// `layer_norm(dropout(linear(x, weight, bias)) + residual)`, the end of a transformer's residual block.
///
/// # Shapes
///
/// - `x`: `[..., inputs]`
/// - `weight`: `[inputs, width]`, the layout of Burn's `Linear`
/// - `bias`: `[width]`
/// - `residual` and the result: `[..., width]`
///
/// # Panics
///
/// When the shapes do not fit together, or epsilon is not a number from 0.
pub fn linear_dropout_add_layer_norm<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    residual: Tensor<D>,
    norm: Norm,
    dropout: Option<Dropout>,
) -> Tensor<D> {
    linear::check(&x, &weight, &bias);
    layer_norm::check(&residual, &norm.gamma, &norm.beta, norm.epsilon);
    let [_, width] = weight.dims();
    let mut sum = x.dims();
    sum[D - 1] = width;
    assert_eq!(residual.dims(), sum, "layer_norm: x and residual");
    Tensor::from_dispatch(<Dispatch as ResidualBackend>::fused_residual(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        residual.into_dispatch(),
        norm.gamma.into_dispatch(),
        norm.beta.into_dispatch(),
        norm.epsilon,
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
pub(crate) trait ResidualBackend: Backend + LayerNormBackend + LinearBackend {
    fn fused_residual(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        Self::fused_residual_parts(x, weight, bias, residual, gamma, beta, epsilon, dropout).1
    }

    /// The sum, which the backward pass needs, and the result.
    fn fused_residual_parts(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        plain_parts::<Self>(x, weight, bias, residual, gamma, beta, epsilon, dropout)
    }

    /// The gradients of `x`, `weight`, `bias`, `residual`, `gamma` and `beta`.
    fn fused_residual_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        sum: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> (
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
        FloatTensor<Self>,
    ) {
        plain_backward::<Self>(x, weight, sum, gamma, grad, epsilon, dropout)
    }
}

#[cfg(feature = "flex")]
impl ResidualBackend for burn::backend::Flex {}
#[cfg(feature = "ndarray")]
impl ResidualBackend for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl ResidualBackend for burn::backend::LibTorch {}

/// The operations one after the other, each by its kernel.
pub(crate) fn plain_parts<B: LayerNormBackend + LinearBackend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    residual: FloatTensor<B>,
    gamma: FloatTensor<B>,
    beta: FloatTensor<B>,
    epsilon: f64,
    dropout: Option<Dropout>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let x = B::fused_linear(x, weight, bias);
    B::fused_dropout_add_layer_norm_parts(x, residual, gamma, beta, epsilon, dropout)
}

/// The operations one after the other, each by its kernel.
pub(crate) fn plain_backward<B: LayerNormBackend + LinearBackend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    sum: FloatTensor<B>,
    gamma: FloatTensor<B>,
    grad: FloatTensor<B>,
    epsilon: f64,
    dropout: Option<Dropout>,
) -> (
    FloatTensor<B>,
    FloatTensor<B>,
    FloatTensor<B>,
    FloatTensor<B>,
    FloatTensor<B>,
    FloatTensor<B>,
) {
    let (residual, gamma, beta) = B::fused_layer_norm_backward(sum, gamma, grad, epsilon);
    let projected = dropped::<B>(residual.clone(), dropout);
    let x_grad = B::fused_linear_x_backward(weight, projected.clone());
    let (weight, bias) = B::fused_linear_parameters_backward(x, projected);
    (x_grad, weight, bias, residual, gamma, beta)
}

fn dropped<B: LayerNormBackend>(x: FloatTensor<B>, dropout: Option<Dropout>) -> FloatTensor<B> {
    match dropout {
        Some(dropout) => B::fused_dropout(x, dropout),
        None => x,
    }
}

impl<B: Backend + ResidualBackend, C: CheckpointStrategy> ResidualBackend for Autodiff<B, C> {
    fn fused_residual(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        dropout: Option<Dropout>,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct ResidualBackward;

        #[derive(Clone, Debug)]
        struct State<B: Backend> {
            x: FloatTensor<B>,
            weight: FloatTensor<B>,
            sum: FloatTensor<B>,
            gamma: FloatTensor<B>,
            epsilon: f64,
            dropout: Option<Dropout>,
        }

        impl<B: Backend + ResidualBackend> Backward<B, 6> for ResidualBackward {
            type State = State<B>;

            fn backward(
                self,
                ops: Ops<Self::State, 6>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let State {
                    x,
                    weight,
                    sum,
                    gamma,
                    epsilon,
                    dropout,
                } = ops.state;
                let [
                    x_node,
                    weight_node,
                    bias_node,
                    residual_node,
                    gamma_node,
                    beta_node,
                ] = ops.parents;
                if weight_node.is_none() && bias_node.is_none() {
                    // Of parameters that are not trained, no product is made.
                    let (residual, gamma, beta) =
                        B::fused_layer_norm_backward(sum, gamma, grad, epsilon);
                    if let Some(node) = x_node {
                        let projected = dropped::<B>(residual.clone(), dropout);
                        let x = B::fused_linear_x_backward(weight, projected);
                        grads.register::<B>(node.id, x);
                    }
                    for (node, grad) in [
                        (residual_node, residual),
                        (gamma_node, gamma),
                        (beta_node, beta),
                    ] {
                        if let Some(node) = node {
                            grads.register::<B>(node.id, grad);
                        }
                    }
                    return;
                }
                let (x, weight, bias, residual, gamma, beta) =
                    B::fused_residual_backward(x, weight, sum, gamma, grad, epsilon, dropout);
                for (node, grad) in [
                    (residual_node, residual),
                    (x_node, x),
                    (weight_node, weight),
                    (bias_node, bias),
                    (gamma_node, gamma),
                    (beta_node, beta),
                ] {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, grad);
                    }
                }
            }
        }

        let (x, x_node) = x.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let (bias, bias_node) = bias.into_parts();
        let (residual, residual_node) = residual.into_parts();
        let (gamma, gamma_node) = gamma.into_parts();
        let (beta, beta_node) = beta.into_parts();
        let nodes = [
            x_node,
            weight_node,
            bias_node,
            residual_node,
            gamma_node,
            beta_node,
        ];
        match ResidualBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let (sum, output) = B::fused_residual_parts(
                    x.clone(),
                    weight.clone(),
                    bias,
                    residual,
                    gamma.clone(),
                    beta,
                    epsilon,
                    dropout,
                );
                let state = State {
                    x,
                    weight,
                    sum,
                    gamma,
                    epsilon,
                    dropout,
                };
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_residual(
                x, weight, bias, residual, gamma, beta, epsilon, dropout,
            )),
        }
    }
}
