//! The affine map, by Burn's products and sums.

use burn::backend::Cube;
use burn::backend::ops::ModuleOps;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use burn_cubecl::tensor::CubeTensor;

use super::fusion::register;
use super::launch::as_registered;
use super::product;
use crate::linear::LinearBackend;

impl LinearBackend for Cube {
    /// Sums of half precision are added in single precision here and rounded once, without a kernel before and after.
    fn fused_linear_parameters_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let bias = Self::linear_bias_backward(grad.clone());
        (weight_gradient(x, grad), bias)
    }
}

/// The gradient of a weight. Burn cannot fuse it with what comes next, which with one pass per step is nothing; further passes add
/// theirs.
pub(super) fn weight_gradient(x: FloatTensor<Cube>, grad: FloatTensor<Cube>) -> FloatTensor<Cube> {
    let [inputs, outputs] = [&x, &grad].map(|x| x.shape[x.shape.num_dims() - 1]);
    let form = (Shape::new([inputs, outputs]), x.dtype);
    let run = |tensors: Vec<CubeTensor>| {
        let [x, grad] = as_registered(tensors);
        vec![product::linear_weight_backward(x, grad)]
    };
    register(
        "fused.linear_weight_backward",
        vec![x, grad],
        vec![form],
        run,
    )
    .remove(0)
}

/// The gradient of `x`, likewise.
pub(super) fn x_gradient(weight: FloatTensor<Cube>, grad: FloatTensor<Cube>) -> FloatTensor<Cube> {
    let mut shape = grad.shape.clone();
    let last = shape.num_dims() - 1;
    shape[last] = weight.shape[0];
    let form = (shape, grad.dtype);
    let run = |tensors: Vec<CubeTensor>| {
        let [weight, grad] = as_registered(tensors);
        vec![product::linear_x_backward(weight, grad)]
    };
    register(
        "fused.linear_x_backward",
        vec![weight, grad],
        vec![form],
        run,
    )
    .remove(0)
}
