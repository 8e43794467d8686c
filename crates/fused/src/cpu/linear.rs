//! The affine map: one product over all rows; bias and GELU while the rows are in cache.

use std::mem::MaybeUninit;

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::ops::ModuleOps;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use gemm::Parallelism;
use rayon::prelude::*;

use super::matmul::{self, Matrix};
use super::product;
use super::rows;
use super::storage::{self, Unwritten};
use crate::linear::{LinearBackend, plain_parameters_backward};

/// Multiply-adds below which waking a second core costs more than it gains.
const PARALLEL: usize = 1 << 18;

/// Rows below which nearly all time goes to reading the right operand, which a product of ours would copy first.
const ROWS: usize = 8;

impl LinearBackend for Flex {
    fn fused_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        if !storage::is_single(&[&x, &weight, &bias]) {
            return Self::linear(x, weight, Some(bias));
        }
        affine(x, &weight, bias)
    }

    fn fused_linear_x_backward(
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        if !storage::is_single(&[&weight, &grad]) {
            return Self::linear_x_backward(weight, grad);
        }
        let grad = storage::contiguous(grad);
        let right = matrix(&weight).transposed();
        let shape = rows::with_width(grad.layout().shape(), right.columns);
        let left = row_matrix(&grad);
        // SAFETY: both operands point into live tensors.
        unsafe { multiplied(shape, left, right) }
    }

    fn fused_linear_parameters_backward(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        if !storage::is_single(&[&x, &grad]) {
            return plain_parameters_backward::<Self>(x, grad);
        }
        let (x, grad) = (storage::contiguous(x), storage::contiguous(grad));
        let (left, right) = (row_matrix(&x).transposed(), row_matrix(&grad));
        let shape = Shape::new([left.rows, right.columns]);
        // SAFETY: both operands point into live tensors.
        let weight_grad = unsafe { multiplied(shape, left, right) };
        (weight_grad, rows::sum(&grad))
    }
}

/// `x weight + bias`: the result starts as copies of the bias, to which the product is added.
fn affine(x: FlexTensor, weight: &FlexTensor, bias: FlexTensor) -> FlexTensor {
    let (x, bias) = (storage::contiguous(x), storage::contiguous(bias));
    let (left, right) = (row_matrix(&x), matrix(weight));
    let shape = rows::with_width(x.layout().shape(), right.columns);
    let mut out = Unwritten::new(shape);
    fill_rows(out.slots(), storage::elements(&bias));
    let sum = Matrix::row_major(out.slots().as_mut_ptr().cast(), left.rows, right.columns);
    // SAFETY: the rows of bias initialised the whole output, which nothing else refers to; the
    // operands point into live tensors.
    unsafe {
        multiply_with_threads(sum, true, left, right);
        out.finish()
    }
}

/// `left right` as a tensor.
///
/// # Safety
///
/// Both operands lie within live, initialised memory; `shape` has as many elements as the product.
unsafe fn multiplied(
    shape: Shape,
    left: Matrix<*const f32>,
    right: Matrix<*const f32>,
) -> FlexTensor {
    let mut out = Unwritten::new(shape);
    let start = out.slots().as_mut_ptr().cast();
    let result = Matrix::row_major(start, left.rows, right.columns);
    // SAFETY: the product writes every element of memory that nothing else refers to.
    unsafe {
        multiply_with_threads(result, false, left, right);
        out.finish()
    }
}

/// Copies `row` into every row of `out`.
fn fill_rows(out: &mut [MaybeUninit<f32>], row: &[f32]) {
    let width = row.len().max(1);
    out.par_chunks_mut(rows::CHUNK * width).for_each(|out| {
        for out in out.chunks_mut(width) {
            out.write_copy_of_slice(row);
        }
    });
}

/// `out = left right`, or `out += left right` with `keep`, by as many threads as that is worth.
///
/// # Safety
///
/// As for [`matmul::multiply`].
unsafe fn multiply_with_threads(
    out: Matrix<*mut f32>,
    keep: bool,
    left: Matrix<*const f32>,
    right: Matrix<*const f32>,
) {
    let operations = left.rows * left.columns * right.columns;
    // SAFETY: the caller's promise.
    unsafe {
        if operations < PARALLEL {
            matmul::multiply(out, keep, 1.0, left, right, Parallelism::None);
        } else if left.rows < ROWS || !product::is_possible() {
            matmul::multiply(out, keep, 1.0, left, right, Parallelism::Rayon(0));
        } else {
            product::multiply(out, keep, left, right);
        }
    }
}

/// A tensor of rank 2 with whatever strides it has.
fn matrix(tensor: &FlexTensor) -> Matrix<*const f32> {
    let layout = tensor.layout();
    let storage: &[f32] = tensor.storage();
    Matrix {
        // From the start of the storage, as strides of a flipped tensor lead backwards.
        start: storage.as_ptr().wrapping_add(layout.start_offset()),
        rows: layout.shape()[0],
        columns: layout.shape()[1],
        row_stride: layout.strides()[0],
        column_stride: layout.strides()[1],
    }
}

/// A contiguous tensor as rows of its last dimension.
fn row_matrix(tensor: &FlexTensor) -> Matrix<*const f32> {
    let shape = tensor.layout().shape();
    Matrix::row_major(
        storage::elements(tensor).as_ptr(),
        rows::count(shape),
        rows::width(shape),
    )
}
