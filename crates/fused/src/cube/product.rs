//! Burn's products of matrices, with the rows of the result next to each other. Burn's own leave room between rows on CUDA and ROCm,
//! unless they are as long as the device likes; the kernels of this crate would need a copy then.

use burn::tensor::Shape;
use burn_cubecl::kernel::matmul::{MatmulStrategy, matmul};
use burn_cubecl::ops::{permute, reshape};
use burn_cubecl::tensor::CubeTensor;

use super::launch::empty;

/// `x weight`, `[.., outputs]`, of `[.., inputs]` and `[inputs, outputs]`.
pub(super) fn linear(x: CubeTensor, weight: CubeTensor) -> CubeTensor {
    let [inputs, outputs] = weight.meta.shape().dims();
    if x.meta.num_dims() == 1 {
        let row = linear(reshape(x, Shape::new([1, inputs])), weight);
        return reshape(row, Shape::new([outputs]));
    }
    let mut of_weight = vec![1; x.meta.num_dims() - 2];
    of_weight.extend([inputs, outputs]);
    product(x, reshape(weight, Shape::from(of_weight)))
}

/// The gradient of `x`, `[.., inputs]`.
pub(super) fn linear_x_backward(weight: CubeTensor, grad: CubeTensor) -> CubeTensor {
    linear(grad, permute(weight, &[1, 0]))
}

/// The gradient of `weight`, `[inputs, outputs]`.
pub(super) fn linear_weight_backward(x: CubeTensor, grad: CubeTensor) -> CubeTensor {
    product(permute(rows(x), &[1, 0]), rows(grad))
}

/// All rows in one dimension.
fn rows(x: CubeTensor) -> CubeTensor {
    let width = x.meta.shape()[x.meta.num_dims() - 1];
    let rows = x.meta.num_elements() / width;
    reshape(x, Shape::new([rows, width]))
}

fn product(left: CubeTensor, right: CubeTensor) -> CubeTensor {
    let mut shape = left.meta.shape().clone();
    let last = shape.num_dims() - 1;
    shape[last] = right.meta.shape()[last];
    let (out, dtype) = (empty(&left, shape, left.dtype), left.dtype);
    let product = matmul(left, right, Some(out), MatmulStrategy::default(), dtype);
    product.expect("Burn has a kernel for every product")
}
