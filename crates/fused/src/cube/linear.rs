//! The affine map, by Burn's products and sums; before GELU, one kernel adds the bias.

use burn::backend::Cube;
use burn::backend::ops::{FloatTensorOps, ModuleOps};
use burn::backend::tensor::FloatTensor;

use super::fusion::register;
use super::gelu::shifted_and_activated;
use super::launch::{contiguous, element, has_kernel};
use crate::gelu::GeluBackend;
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

    fn fused_linear_gelu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::fused_linear_gelu_parts(x, weight, bias).1
    }

    fn fused_linear_gelu_parts(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let product = Self::linear(x, weight, None);
        if !has_kernel(&product) || element(bias.dtype).is_none() {
            let shape = bias.shape.clone();
            let mut row = vec![1; product.shape.num_dims()];
            *row.last_mut().expect("a product has rows") = shape[0];
            let linear = Self::float_add(product, Self::float_reshape(bias, row.into()));
            return (linear.clone(), Self::fused_gelu(linear));
        }
        let form = (product.shape.clone(), product.dtype);
        let run = |tensors| {
            let [product, bias] = contiguous(tensors);
            shifted_and_activated(product, bias).into()
        };
        let outputs = vec![form.clone(), form];
        let parts = register("fused.linear_gelu", vec![product, bias], outputs, run);
        let [linear, activated] = parts.try_into().expect("two outputs");
        (linear, activated)
    }
}
