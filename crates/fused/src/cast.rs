//! Casts of many tensors at once.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    AutodiffBackend, Backend, Dispatch, DispatchTensor, TensorMetadata, backend_extension,
};
use burn::tensor::{DType, FloatDType, Tensor};

use crate::meeting::Meeting;
use crate::together::TensorList;

/// Gradients that are cast back together, since a node of the graph has a fixed number of parents.
const TOGETHER: usize = 32;

/// Casts of several tensors, each as `Tensor::cast`: on devices that [run together](crate::runs_together), in a few kernels forward
/// and a few backward.
///
/// The gradients of some tensors wait for each other before they are cast back: one backward pass has to bring all of them.
#[derive(Default)]
pub struct Casts(Vec<DispatchTensor>);

/// What [`Casts::take`] made of the tensors, in the order in which they were added.
pub struct Casted(std::vec::IntoIter<DispatchTensor>);

impl Casts {
    /// Adds a tensor.
    pub fn add<const D: usize>(&mut self, x: Tensor<D>) {
        self.0.push(x.into_dispatch());
    }

    /// Casts all of them to `dtype`.
    ///
    /// # Panics
    ///
    /// When the tensors are on several devices.
    pub fn take(self, dtype: FloatDType) -> Casted {
        if self.0.is_empty() {
            return Casted(Vec::new().into_iter());
        }
        let all = <Dispatch as CastBackend>::cast_all(TensorList(self.0), dtype);
        Casted(all.0.into_iter())
    }
}

impl Casted {
    /// Hands back the next tensor; `None` after the last.
    pub fn hand_back<const D: usize>(&mut self) -> Option<Tensor<D>> {
        self.0.next().map(Tensor::from_dispatch)
    }
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote"),
    Autodiff
)]
pub(crate) trait CastBackend: Backend {
    /// At least one tensor, in order.
    fn cast_all(
        #[extension_type] tensors: TensorList<Self>,
        dtype: FloatDType,
    ) -> TensorList<Self> {
        plain::<Self>(tensors, dtype)
    }
}

#[cfg(feature = "flex")]
impl CastBackend for burn::backend::Flex {}
#[cfg(feature = "ndarray")]
impl CastBackend for burn::backend::NdArray {}
#[cfg(feature = "tch")]
impl CastBackend for burn::backend::LibTorch {}
#[cfg(feature = "remote")]
impl CastBackend for burn::backend::Remote {}

/// Burn's primitives.
pub(crate) fn plain<B: Backend>(tensors: TensorList<B>, dtype: FloatDType) -> TensorList<B> {
    let tensors = tensors.0.into_iter();
    TensorList(tensors.map(|x| B::float_cast(x, dtype)).collect())
}

impl<B: Backend + CastBackend, C: CheckpointStrategy> CastBackend for Autodiff<B, C> {
    fn cast_all(tensors: TensorList<Self>, dtype: FloatDType) -> TensorList<Self> {
        let of_one_type = tensors.0.chunk_by(|a, b| a.dtype() == b.dtype());
        let all = of_one_type.flat_map(|tensors| tensors.chunks(TOGETHER));
        TensorList(
            all.flat_map(|tensors| cast::<B, C>(tensors, dtype))
                .collect(),
        )
    }
}

/// At most [`TOGETHER`] tensors of one type.
fn cast<B: Backend + CastBackend, C: CheckpointStrategy>(
    tensors: &[FloatTensor<Autodiff<B, C>>],
    dtype: FloatDType,
) -> Vec<FloatTensor<Autodiff<B, C>>> {
    #[derive(Debug)]
    struct CastBackward;

    impl<B: Backend + CastBackend> Backward<B, TOGETHER> for CastBackward {
        /// Where the gradients wait, and the type that they are cast back to.
        type State = (Meeting, DType);

        fn backward(
            self,
            ops: Ops<Self::State, TOGETHER>,
            grads: &mut Gradients,
            _checkpointer: &mut Checkpointer,
        ) {
            let first = grads.consume::<B>(&ops.node);
            let (meeting, dtype) = ops.state;
            let all = meeting.in_order::<FloatTensor<B>>(first);
            let (numbers, all): (Vec<_>, Vec<_>) = all.into_iter().unzip();
            let all = B::cast_all(TensorList(all), dtype.into());
            for (number, grad) in numbers.into_iter().zip(all.0) {
                if let Some(x) = &ops.parents[number] {
                    grads.register::<B>(x.id, grad);
                }
            }
        }
    }

    let from = tensors[0].dtype();
    let node = |x: &FloatTensor<Autodiff<B, C>>| x.clone().into_parts().1;
    // A constant, in the places that are left.
    let constant: FloatTensor<Autodiff<B, C>> =
        <Autodiff<B, C> as AutodiffBackend>::from_inner(tensors[0].primitive().clone());
    let nodes = std::array::from_fn(|number| node(tensors.get(number).unwrap_or(&constant)));
    let inputs = tensors.iter().map(|x| x.primitive().clone()).collect();
    let all = B::cast_all(TensorList(inputs), dtype).0;
    let meeting = Meeting::default();
    // The results hang on this node; its own value is never looked at.
    let value = all[0].clone();
    let trunk: FloatTensor<Autodiff<B, C>> =
        match CastBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((meeting.clone(), from), value),
            OpsKind::UnTracked(prep) => prep.finish(value),
        };
    let all = all.into_iter().zip(tensors).enumerate();
    let all = all.map(|(number, (x, from))| {
        // What is not trained stays so beside what is.
        let parent = match from.is_tracked() {
            true => trunk.node(),
            false => node(from),
        };
        meeting.hang::<B, C>(parent, number, x)
    });
    all.collect()
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::backend::Flex;
    use burn::backend::ops::FloatTensorOps;
    use burn::tensor::{Shape, TensorData};

    use super::*;

    type Trained = Autodiff<Flex>;

    #[test]
    fn what_is_not_trained_stays_so_beside_what_is() {
        let number = || {
            let data = TensorData::new(vec![1.0f32], Shape::new([1]));
            Trained::float_from_data(data, &Default::default())
        };
        let fixed = number();
        let trained = Trained::float_set_require_grad(number(), true);
        let all = TensorList(vec![fixed, trained]);
        let cast = Trained::cast_all(all, FloatDType::F16).0;
        let are_tracked: Vec<bool> = cast.iter().map(|x| x.is_tracked()).collect();
        assert_eq!(are_tracked, [false, true]);
    }
}
