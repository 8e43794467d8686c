//! Several uses of one tensor, whose gradients are added in one pass.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use crate::meeting::Meeting;

/// `x` once for each of its uses.
///
/// Clones have the same values and, to rounding, the same gradient, but Burn adds the gradients of clones one by one, each
/// in a pass of its own on one thread, and in the order in which they come. Those of branches wait for each other and are
/// added in one pass, on every core where the backend is flex: the first branch's and the second's, then the third's, and so
/// on. A branch on which no result depends adds nothing.
///
/// # Shapes
///
/// `x` and every branch: any, the same.
pub fn branches<const N: usize, const D: usize>(x: Tensor<D>) -> [Tensor<D>; N] {
    let meeting = Meeting::default();
    let trunk = <Dispatch as BranchesBackend>::trunk(x.into_dispatch(), meeting.clone());
    std::array::from_fn(|number| {
        let branch = <Dispatch as BranchesBackend>::branch(trunk.clone(), meeting.clone(), number);
        Tensor::from_dispatch(branch)
    })
}

/// Without autodiff, a branch is the tensor itself.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait BranchesBackend: Backend {
    /// What the branches start from.
    fn trunk(x: FloatTensor<Self>, meeting: Meeting) -> FloatTensor<Self> {
        let _ = meeting;
        x
    }

    /// The branch of this number, from 0.
    fn branch(trunk: FloatTensor<Self>, meeting: Meeting, number: usize) -> FloatTensor<Self> {
        let _ = (meeting, number);
        trunk
    }
}

#[cfg(feature = "ndarray")]
impl BranchesBackend for burn::backend::NdArray {}
#[cfg(feature = "cube")]
impl BranchesBackend for burn::backend::Cube {}
#[cfg(feature = "tch")]
impl BranchesBackend for burn::backend::LibTorch {}
#[cfg(feature = "remote")]
impl BranchesBackend for burn::backend::Remote {}

/// Sums of several tensors.
pub(crate) trait SumBackend: Backend {
    /// The sum of at least one tensor, all of one shape: the first and the second, then the third, and so on.
    fn sum_in_order(terms: Vec<FloatTensor<Self>>) -> FloatTensor<Self> {
        plain::<Self>(terms)
    }
}

#[cfg(feature = "ndarray")]
impl SumBackend for burn::backend::NdArray {}
#[cfg(feature = "cube")]
impl SumBackend for burn::backend::Cube {}
#[cfg(feature = "tch")]
impl SumBackend for burn::backend::LibTorch {}
#[cfg(feature = "remote")]
impl SumBackend for burn::backend::Remote {}

/// Burn's primitives.
pub(crate) fn plain<B: Backend>(terms: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    terms
        .into_iter()
        .reduce(B::float_add)
        .expect("a trunk has the gradient of a branch")
}

impl<B: Backend + SumBackend, C: CheckpointStrategy> BranchesBackend for Autodiff<B, C> {
    fn trunk(x: FloatTensor<Self>, meeting: Meeting) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct TrunkBackward;

        impl<B: Backend + SumBackend> Backward<B, 1> for TrunkBackward {
            type State = Meeting;

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                grads: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let first = grads.consume::<B>(&ops.node);
                let terms = ops.state.in_order::<FloatTensor<B>>(first);
                if let [Some(x)] = ops.parents {
                    let terms = terms.into_iter().map(|(_, term)| term);
                    grads.register::<B>(x.id, B::sum_in_order(terms.collect()));
                }
            }
        }

        if !x.is_tracked() {
            return x;
        }
        let (x, node) = x.into_parts();
        match TrunkBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(meeting, x),
            OpsKind::UnTracked(prep) => prep.finish(x),
        }
    }

    fn branch(trunk: FloatTensor<Self>, meeting: Meeting, number: usize) -> FloatTensor<Self> {
        if !trunk.is_tracked() {
            return trunk;
        }
        let (trunk, node) = trunk.into_parts();
        meeting.hang::<B, C>(node, number, trunk)
    }
}
