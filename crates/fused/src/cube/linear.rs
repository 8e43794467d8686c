//! The affine map, by Burn's products and sums.

use burn::backend::Cube;
use burn::backend::ops::ModuleOps;
use burn::backend::tensor::FloatTensor;

use crate::linear::LinearBackend;

impl LinearBackend for Cube {
    /// Sums of half precision are added in single precision here and rounded once, without a kernel before and after.
    fn fused_linear_parameters_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let bias = Self::linear_bias_backward(grad.clone());
        (Self::linear_weight_backward(x, grad), bias)
    }
}
