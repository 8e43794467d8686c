//! A tensor cut along its last dimension, with the gradients of the parts put together in one pass; and the inverse.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::{Slice, Tensor};

use crate::meeting::Meeting;
use crate::together::TensorList;

/// `x` cut along its last dimension into `N` parts of the same width.
///
/// Slices have the same values and gradients, but Burn pads the gradient of each with zeros and adds them one by one, on one
/// thread. Those of parts wait for each other and are laid side by side in one pass, on every core where the backend is flex.
/// On CubeCL's devices one kernel cuts, and one puts together.
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
    let cut = <Dispatch as PartsBackend>::cut(x.into_dispatch(), N);
    let mut cut = cut.0.into_iter().map(Tensor::from_dispatch);
    std::array::from_fn(|_| cut.next().expect("as many parts as were asked for"))
}

/// Two or three tensors of one shape side by side in the last dimension: the inverse of [`parts`].
pub(crate) fn side_by_side<const N: usize, const D: usize>(tensors: [Tensor<D>; N]) -> Tensor<D> {
    const { assert!(N == 2 || N == 3, "autodiff has a node for these alone") };
    let tensors = TensorList(tensors.map(Tensor::into_dispatch).into());
    Tensor::from_dispatch(<Dispatch as PartsBackend>::joined(tensors))
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait PartsBackend: Backend {
    /// So many parts of the last dimension, all of one width.
    fn cut(x: FloatTensor<Self>, parts: usize) -> TensorList<Self> {
        slices::<Self>(x, parts)
    }

    /// The inverse of `cut`.
    fn joined(#[extension_type] tensors: TensorList<Self>) -> FloatTensor<Self> {
        let places = tensors.0.len();
        plain::<Self>(tensors.0.into_iter().enumerate().collect(), places)
    }
}

#[cfg(feature = "ndarray")]
impl PartsBackend for burn::backend::NdArray {}
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
pub(crate) fn slices<B: Backend>(x: FloatTensor<B>, parts: usize) -> TensorList<B> {
    let all = (0..parts).map(|number| slice::<B>(x.clone(), number, parts));
    TensorList(all.collect())
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

impl<B, C> PartsBackend for Autodiff<B, C>
where
    B: Backend + PartsBackend + JoinBackend,
    C: CheckpointStrategy,
{
    fn cut(x: FloatTensor<Self>, parts: usize) -> TensorList<Self> {
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

        let meeting = Meeting::default();
        let (x, node) = x.into_parts();
        let whole: FloatTensor<Self> = match WholeBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((parts, meeting.clone()), x),
            OpsKind::UnTracked(prep) => prep.finish(x),
        };
        let cut = B::cut(whole.primitive().clone(), parts).0.into_iter();
        let cut = cut.enumerate();
        let cut = cut.map(|(number, part)| meeting.hang::<B, C>(whole.node(), number, part));
        TensorList(cut.collect())
    }

    fn joined(tensors: TensorList<Self>) -> FloatTensor<Self> {
        match tensors.0.len() {
            2 => joined::<B, C, 2>(tensors.0),
            3 => joined::<B, C, 3>(tensors.0),
            _ => unreachable!("two or three tensors"),
        }
    }
}

fn joined<B, C, const N: usize>(
    tensors: Vec<FloatTensor<Autodiff<B, C>>>,
) -> FloatTensor<Autodiff<B, C>>
where
    B: Backend + PartsBackend,
    C: CheckpointStrategy,
{
    #[derive(Debug)]
    struct JoinedBackward<const N: usize>;

    impl<B: Backend + PartsBackend, const N: usize> Backward<B, N> for JoinedBackward<N> {
        type State = ();

        fn backward(
            self,
            ops: Ops<Self::State, N>,
            grads: &mut Gradients,
            _checkpointer: &mut Checkpointer,
        ) {
            let grad = grads.consume::<B>(&ops.node);
            for (node, grad) in ops.parents.into_iter().zip(B::cut(grad, N).0) {
                if let Some(node) = node {
                    grads.register::<B>(node.id, grad);
                }
            }
        }
    }

    let (tensors, nodes): (Vec<_>, Vec<_>) = tensors.into_iter().map(|x| x.into_parts()).unzip();
    let nodes: Result<[_; N], _> = nodes.try_into();
    let Ok(nodes) = nodes else {
        unreachable!("as many tensors as nodes")
    };
    let output = B::joined(TensorList(tensors));
    match JoinedBackward::<N>
        .prepare::<C>(nodes)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}
