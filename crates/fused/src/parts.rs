//! A tensor cut along its last dimension, and the gradients of the parts put together in one pass.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Slice, Tensor};

use crate::meeting::{Meeting, UseBackward};

/// `x` cut along its last dimension into `N` parts of the same width.
///
/// Slices have the same values and gradients, but Burn pads the gradient of each with zeros and adds them one by one, on one
/// thread. Those of parts wait for each other and are laid side by side in one pass, on every core where the backend is flex.
/// A part on which no result depends has the gradient 0.
///
/// # Shapes
///
/// - `x`: `[..., N * width]`
/// - every part: `[..., width]`
///
/// # Panics
///
/// When `N` does not divide the last dimension.
pub fn parts<const N: usize, const D: usize>(x: Tensor<D>) -> [Tensor<D>; N] {
    let dims = x.dims();
    assert!(
        N > 0 && dims[D - 1].is_multiple_of(N),
        "parts: x {dims:?} does not have {N} parts"
    );
    let meeting = Meeting::default();
    let whole = <Dispatch as PartsBackend>::whole(x.into_dispatch(), N, meeting.clone());
    std::array::from_fn(|number| {
        let part = <Dispatch as PartsBackend>::part(whole.clone(), number, N, meeting.clone());
        Tensor::from_dispatch(part)
    })
}

/// Without autodiff, a part is a slice.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait PartsBackend: Backend {
    /// What the parts are cut from, in so many.
    fn whole(x: FloatTensor<Self>, parts: usize, meeting: Meeting) -> FloatTensor<Self> {
        let _ = (parts, meeting);
        x
    }

    /// The part of this number, from 0.
    fn part(
        whole: FloatTensor<Self>,
        number: usize,
        parts: usize,
        meeting: Meeting,
    ) -> FloatTensor<Self> {
        let _ = meeting;
        slice::<Self>(whole, number, parts)
    }
}

#[cfg(feature = "ndarray")]
impl PartsBackend for burn::backend::NdArray {}
#[cfg(feature = "cube")]
impl PartsBackend for burn::backend::Cube {}
#[cfg(feature = "tch")]
impl PartsBackend for burn::backend::LibTorch {}
#[cfg(feature = "remote")]
impl PartsBackend for burn::backend::Remote {}

/// Parts put together.
pub(crate) trait JoinBackend: Backend {
    /// Parts of one shape side by side in the last dimension, each at the place of its number, and zeros in the other places.
    fn side_by_side(parts: Vec<(usize, FloatTensor<Self>)>, places: usize) -> FloatTensor<Self> {
        plain::<Self>(parts, places)
    }
}

#[cfg(feature = "ndarray")]
impl JoinBackend for burn::backend::NdArray {}
#[cfg(feature = "cube")]
impl JoinBackend for burn::backend::Cube {}
#[cfg(feature = "tch")]
impl JoinBackend for burn::backend::LibTorch {}
#[cfg(feature = "remote")]
impl JoinBackend for burn::backend::Remote {}

/// A part of the last dimension.
pub(crate) fn slice<B: Backend>(x: FloatTensor<B>, number: usize, parts: usize) -> FloatTensor<B> {
    let shape = x.shape();
    let (last, outer) = shape.split_last().expect("x has a last dimension");
    let width = last / parts;
    let mut slices: Vec<Slice> = outer.iter().map(|&size| Slice::from(0..size)).collect();
    slices.push(Slice::from(number * width..(number + 1) * width));
    B::float_slice(x, &slices)
}

/// Burn's primitives.
pub(crate) fn plain<B: Backend>(
    parts: Vec<(usize, FloatTensor<B>)>,
    places: usize,
) -> FloatTensor<B> {
    let (_, like) = parts.first().expect("a whole has the gradient of a part");
    let (shape, device, dtype) = (like.shape(), like.device(), like.dtype());
    let last = shape.num_dims() - 1;
    let mut parts = parts.into_iter().peekable();
    let side_by_side =
        (0..places).map(
            |place| match parts.next_if(|(number, _)| *number == place) {
                Some((_, part)) => part,
                None => B::float_zeros(shape.clone(), &device, dtype.into()),
            },
        );
    B::float_cat(side_by_side.collect(), last)
}

impl<B: Backend + JoinBackend, C: CheckpointStrategy> PartsBackend for Autodiff<B, C> {
    fn whole(x: FloatTensor<Self>, parts: usize, meeting: Meeting) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct WholeBackward;

        impl<B: Backend + JoinBackend> Backward<B, 1> for WholeBackward {
            type State = (usize, Meeting);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let first = grads.consume::<B>(&ops.node);
                let (places, meeting) = ops.state;
                let parts = meeting.in_order::<FloatTensor<B>>(first);
                if let [Some(x)] = ops.parents {
                    grads.register::<B>(x.id, B::side_by_side(parts, places));
                }
            }
        }

        if !x.is_tracked() {
            return x;
        }
        let (x, node) = x.into_parts();
        match WholeBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((parts, meeting), x),
            OpsKind::UnTracked(prep) => prep.finish(x),
        }
    }

    fn part(
        whole: FloatTensor<Self>,
        number: usize,
        parts: usize,
        meeting: Meeting,
    ) -> FloatTensor<Self> {
        let (whole, node) = whole.into_parts();
        let part = slice::<B>(whole, number, parts);
        match UseBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((meeting, number), part),
            OpsKind::UnTracked(prep) => prep.finish(part),
        }
    }
}
