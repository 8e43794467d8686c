//! Several affine maps of one tensor.

use burn::tensor::Tensor;

use crate::linear::linear;
use crate::parts::{parts, side_by_side};

/// [`linear`] by each of several weights, as one product.
///
/// Where [`runs_together`](crate::runs_together), this takes fewer kernels than a product for each. On other devices it saves
/// nothing, and the gradient of `x` is added in another order than that of [`branches`](crate::branches).
///
/// # Shapes
///
/// - `x`: `[..., inputs]`
/// - two or three weights: `[inputs, outputs]`, the layout of Burn's `Linear`
/// - as many biases: `[outputs]`
/// - results: `[..., outputs]`
///
/// # Panics
///
/// When the shapes do not fit together.
pub fn projections<const N: usize, const D: usize>(
    x: Tensor<D>,
    weights: [Tensor<2>; N],
    biases: [Tensor<1>; N],
) -> [Tensor<D>; N] {
    for (weight, bias) in weights.iter().zip(&biases) {
        let (dims, [outputs]) = (weight.dims(), bias.dims());
        assert_eq!(dims, weights[0].dims(), "projections: weights");
        assert_eq!(outputs, dims[1], "projections: bias");
    }
    parts(linear(x, side_by_side(weights), side_by_side(biases)))
}
