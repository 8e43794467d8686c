//! Rotary positions.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{AutodiffBackend, Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Slice, Tensor};

use crate::half::{rounded, widened};

/// Turns the first half of every head's elements against the second, by the angles of the row.
///
/// Of [Su et al., 2021](https://arxiv.org/abs/2104.09864), with the pairs of transformers' `rotate_half`: elements `i` and
/// `i + d / 2` of a head become `x_1 cos - x_2 sin` and `x_2 cos + x_1 sin`. The angles have no gradient.
///
/// # Shapes
///
/// - `x` and the result: `[batch, length, heads * d]`
/// - `cos`, `sin`: `[length, d / 2]`, in single precision
///
/// # Panics
///
/// When the shapes do not fit together.
pub fn rotary(x: Tensor<3>, cos: Tensor<2>, sin: Tensor<2>, heads: usize) -> Tensor<3> {
    let [_, length, width] = x.dims();
    let [rows, half] = cos.dims();
    assert!(
        rows == length && heads * 2 * half == width && sin.dims() == cos.dims(),
        "rotary: x {:?}, cos {:?}, sin {:?}, {heads} heads",
        x.dims(),
        cos.dims(),
        sin.dims()
    );
    Tensor::from_dispatch(<Dispatch as RotaryBackend>::fused_rotary(
        x.into_dispatch(),
        cos.into_dispatch(),
        sin.into_dispatch(),
        heads,
        Turn::Forward,
    ))
}

/// Which way to turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Forward,
    /// As the gradient turns.
    Back,
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait RotaryBackend: Backend {
    fn fused_rotary(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: usize,
        turn: Turn,
    ) -> FloatTensor<Self> {
        plain::<Self>(x, [cos, sin], heads, turn)
    }
}

#[cfg(feature = "ndarray")]
impl RotaryBackend for burn::backend::NdArray {}
#[cfg(feature = "cube")]
impl RotaryBackend for burn::backend::Cube {}
#[cfg(feature = "tch")]
impl RotaryBackend for burn::backend::LibTorch {}
#[cfg(feature = "remote")]
impl RotaryBackend for burn::backend::Remote {}

/// Burn's primitives.
pub(crate) fn plain<B: Backend>(
    x: FloatTensor<B>,
    tables: [FloatTensor<B>; 2],
    heads: usize,
    turn: Turn,
) -> FloatTensor<B> {
    let (shape, dtype) = (x.shape(), x.dtype());
    let [batch, length, width] = shape.dims();
    let half = width / heads.max(1) / 2;
    let x = widened::<B>(x);
    // In double precision where `x` is.
    let [cos, sin] = tables.map(|table| {
        let table = B::float_reshape(table, Shape::new([1, length, 1, half]));
        rounded::<B>(table, x.dtype())
    });
    let x = B::float_reshape(x, Shape::new([batch, length, heads, 2 * half]));
    let [first, second] = [0, 1].map(|part| {
        let whole = [batch, length, heads].map(|size| Slice::from(0..size));
        let mut slices = whole.to_vec();
        slices.push(Slice::from(part * half..(part + 1) * half));
        B::float_slice(x.clone(), &slices)
    });
    let [along_first, along_second] =
        [&first, &second].map(|x| B::float_mul(x.clone(), cos.clone()));
    let [across_first, across_second] = [first, second].map(|x| B::float_mul(x, sin.clone()));
    let [first, second] = match turn {
        Turn::Forward => [
            B::float_sub(along_first, across_second),
            B::float_add(along_second, across_first),
        ],
        Turn::Back => [
            B::float_add(along_first, across_second),
            B::float_sub(along_second, across_first),
        ],
    };
    let turned = B::float_cat(vec![first, second], 3);
    rounded::<B>(B::float_reshape(turned, shape), dtype)
}

impl<B: Backend + RotaryBackend, C: CheckpointStrategy> RotaryBackend for Autodiff<B, C> {
    fn fused_rotary(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: usize,
        turn: Turn,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct RotaryBackward;

        impl<B: Backend + RotaryBackend> Backward<B, 1> for RotaryBackward {
            type State = (FloatTensor<B>, FloatTensor<B>, usize, Turn);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let grad = grads.consume::<B>(&ops.node);
                let (cos, sin, heads, turn) = ops.state;
                let turn = match turn {
                    Turn::Forward => Turn::Back,
                    Turn::Back => Turn::Forward,
                };
                if let [Some(x)] = ops.parents {
                    grads.register::<B>(x.id, B::fused_rotary(grad, cos, sin, heads, turn));
                }
            }
        }

        let (x, node) = x.into_parts();
        let [cos, sin] = [cos, sin].map(<Self as AutodiffBackend>::inner);
        let output = B::fused_rotary(x, cos.clone(), sin.clone(), heads, turn);
        match RotaryBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((cos, sin, heads, turn), output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}
