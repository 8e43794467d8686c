//! Several affine maps of one tensor.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use crate::linear::{self, LinearBackend};
use crate::meeting::Meeting;
use crate::parts::{JoinBackend, PartsBackend, side_by_side};
use crate::plain_attention::{join, split};
use crate::together::TensorList;

/// [`linear`](crate::linear()) by each of several weights, as one product.
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
    all(x, weights, biases, None)
}

/// [`projections`] with the heads of attention apart, as [`attention_by_head`](crate::attention_by_head) takes them.
///
/// # Shapes
///
/// - `x`: `[batch, sequence, inputs]`
/// - two or three weights: `[inputs, heads * d]`
/// - as many biases: `[heads * d]`
/// - results: `[batch, heads, sequence, d]`
///
/// # Panics
///
/// When the shapes do not fit together, or the heads do not divide the outputs.
pub fn projections_by_head<const N: usize>(
    x: Tensor<3>,
    weights: [Tensor<2>; N],
    biases: [Tensor<1>; N],
    heads: usize,
) -> [Tensor<4>; N] {
    let [_, outputs] = weights[0].dims();
    assert!(
        heads > 0 && outputs.is_multiple_of(heads),
        "projections of {outputs} outputs: expected a multiple of {heads} heads"
    );
    all(x, weights, biases, Some(heads))
}

fn all<const N: usize, const D: usize, const R: usize>(
    x: Tensor<D>,
    weights: [Tensor<2>; N],
    biases: [Tensor<1>; N],
    heads: Option<usize>,
) -> [Tensor<R>; N] {
    for (weight, bias) in weights.iter().zip(&biases) {
        let (dims, [outputs]) = (weight.dims(), bias.dims());
        assert_eq!(dims, weights[0].dims(), "projections: weights");
        assert_eq!(outputs, dims[1], "projections: bias");
        linear::check(&x, weight, bias);
    }
    let biases = TensorList(biases.map(Tensor::into_dispatch).into());
    let all = <Dispatch as ProjectionsBackend>::projected(
        x.into_dispatch(),
        side_by_side(weights).into_dispatch(),
        biases,
        heads,
    );
    let mut all = all.0.into_iter().map(Tensor::from_dispatch);
    std::array::from_fn(|_| all.next().expect("as many as there are biases"))
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait ProjectionsBackend: Backend + PartsBackend + LinearBackend {
    /// `x weight`, cut into as many parts of the last dimension as there are biases, each with its bias, and with its heads apart
    /// if they are given.
    fn projected(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] biases: TensorList<Self>,
        heads: Option<usize>,
    ) -> TensorList<Self> {
        plain::<Self>(x, weight, biases, heads)
    }
}

#[cfg(feature = "flex")]
impl ProjectionsBackend for burn::backend::Flex {}
#[cfg(feature = "ndarray")]
impl ProjectionsBackend for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl ProjectionsBackend for burn::backend::LibTorch {}
#[cfg(feature = "remote")]
impl ProjectionsBackend for burn::backend::Remote {}

/// The gradients of [`ProjectionsBackend::projected`].
pub(crate) struct ProjectionGradients<B: Backend> {
    pub(crate) x: FloatTensor<B>,
    pub(crate) weight: FloatTensor<B>,
    pub(crate) biases: Vec<FloatTensor<B>>,
}

/// The backward pass of projections, which no dispatch has to find.
pub(crate) trait ProjectedBackward: ProjectionsBackend + JoinBackend {
    /// From the gradients of the parts that have one, with their numbers of `places`, in order; their heads are apart if so many
    /// are given.
    fn projected_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        parts: Vec<(usize, FloatTensor<Self>)>,
        places: usize,
        heads: Option<usize>,
    ) -> ProjectionGradients<Self> {
        plain_backward::<Self>(x, weight, parts, places, heads)
    }

    /// The gradient of `x` alone, of parameters that are not trained.
    fn projected_x_backward(
        weight: FloatTensor<Self>,
        parts: Vec<(usize, FloatTensor<Self>)>,
        places: usize,
        heads: Option<usize>,
    ) -> FloatTensor<Self> {
        let whole = Self::side_by_side(together::<Self>(parts, heads), places);
        Self::fused_linear_x_backward(weight, whole)
    }
}

#[cfg(feature = "flex")]
impl ProjectedBackward for burn::backend::Flex {}
#[cfg(feature = "ndarray")]
impl ProjectedBackward for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl ProjectedBackward for burn::backend::LibTorch {}
#[cfg(feature = "remote")]
impl ProjectedBackward for burn::backend::Remote {}

/// By one product.
pub(crate) fn plain<B: ProjectionsBackend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    biases: TensorList<B>,
    heads: Option<usize>,
) -> TensorList<B> {
    let places = biases.0.len();
    let cut = B::cut(B::fused_linear(x, weight, B::joined(biases)), places);
    match heads {
        Some(heads) => TensorList(cut.0.into_iter().map(|x| split::<B>(x, heads)).collect()),
        None => cut,
    }
}

/// The gradients of [`plain`].
pub(crate) fn plain_backward<B: ProjectionsBackend + JoinBackend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    parts: Vec<(usize, FloatTensor<B>)>,
    places: usize,
    heads: Option<usize>,
) -> ProjectionGradients<B> {
    let whole = B::side_by_side(together::<B>(parts, heads), places);
    let (weight_grad, biases) = B::fused_linear_parameters_backward(x, whole.clone());
    ProjectionGradients {
        weight: weight_grad,
        biases: B::cut(biases, places).0,
        x: B::fused_linear_x_backward(weight, whole),
    }
}

/// Parts whose heads were apart, if so many are given.
pub(crate) fn together<B: Backend>(
    parts: Vec<(usize, FloatTensor<B>)>,
    heads: Option<usize>,
) -> Vec<(usize, FloatTensor<B>)> {
    match heads {
        None => parts,
        Some(_) => {
            let parts = parts.into_iter();
            parts.map(|(number, x)| (number, join::<B>(x))).collect()
        }
    }
}

impl<B, C> ProjectionsBackend for Autodiff<B, C>
where
    B: Backend + ProjectedBackward,
    C: CheckpointStrategy,
{
    fn projected(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        biases: TensorList<Self>,
        heads: Option<usize>,
    ) -> TensorList<Self> {
        let places = biases.0.len();
        let mut inputs = vec![x, weight];
        inputs.extend(biases.0);
        match places {
            2 => projected::<B, C, 4>(inputs, heads),
            3 => projected::<B, C, 5>(inputs, heads),
            _ => unreachable!("two or three biases"),
        }
    }
}

/// `x`, weight and biases are `K` tensors.
fn projected<B, C, const K: usize>(
    inputs: Vec<FloatTensor<Autodiff<B, C>>>,
    heads: Option<usize>,
) -> TensorList<Autodiff<B, C>>
where
    B: Backend + ProjectedBackward,
    C: CheckpointStrategy,
{
    #[derive(Debug)]
    struct ProductBackward<const K: usize>;

    impl<B: Backend + ProjectedBackward, const K: usize> Backward<B, K> for ProductBackward<K> {
        type State = (FloatTensor<B>, FloatTensor<B>, Meeting, Option<usize>);

        fn backward(
            self,
            ops: Ops<Self::State, K>,
            grads: &mut Gradients,
            _checkpointer: &mut Checkpointer,
        ) {
            let first = grads.consume::<B>(&ops.node);
            let (x, weight, meeting, heads) = ops.state;
            let parts = meeting.in_order::<FloatTensor<B>>(first);
            if let [Some(x_node), parameters @ ..] = ops.parents.as_slice()
                && parameters.iter().all(Option::is_none)
            {
                // Of parameters that are not trained, no product is made.
                let x = B::projected_x_backward(weight, parts, K - 2, heads);
                grads.register::<B>(x_node.id, x);
                return;
            }
            let ProjectionGradients { x, weight, biases } =
                B::projected_backward(x, weight, parts, K - 2, heads);
            let all = [x, weight].into_iter().chain(biases);
            for (node, grad) in ops.parents.into_iter().zip(all) {
                if let Some(node) = node {
                    grads.register::<B>(node.id, grad);
                }
            }
        }
    }

    let (inputs, nodes): (Vec<_>, Vec<_>) = inputs.into_iter().map(|x| x.into_parts()).unzip();
    let nodes: Result<[_; K], _> = nodes.try_into();
    let Ok(nodes) = nodes else {
        unreachable!("as many tensors as nodes")
    };
    let mut inputs = inputs.into_iter();
    let [x, weight] = [(); 2].map(|()| inputs.next().expect("x and weight"));
    let biases = TensorList(inputs.collect());
    let parts = B::projected(x.clone(), weight.clone(), biases, heads);
    let meeting = Meeting::default();
    // The parts hang on this node; its own value is never looked at.
    let product: FloatTensor<Autodiff<B, C>> = match ProductBackward::<K>
        .prepare::<C>(nodes)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((x.clone(), weight, meeting.clone(), heads), x),
        OpsKind::UnTracked(prep) => prep.finish(x),
    };
    let parts = parts.0.into_iter().enumerate();
    let parts = parts.map(|(number, part)| meeting.hang::<B, C>(product.node(), number, part));
    TensorList(parts.collect())
}
