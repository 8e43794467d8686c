//! The same for many tensors at once, where kernels cost more than what they compute.

use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Backend, BackendTensor, Dispatch, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind,
    ExtensionType,
};
use burn::tensor::{Device, Tensor};

use crate::adamw::{AdamW, AdamWBackend, AdamWError, Moments, squared_norm};
use crate::backlog::squared_norm_of_rows;
use crate::rows::Rows;

/// Whether a device has kernels for many tensors at once, as CubeCL's have: there each kernel costs the host some twenty
/// microseconds, whatever its size. [`SquaredNorm`] and [`AdamWSteps`] work on every device, on others tensor by tensor.
pub fn runs_together(device: &Device) -> bool {
    #[cfg(feature = "cube")]
    {
        let device = device.clone().inner();
        matches!(device.as_dispatch(), burn::backend::DispatchDevice::Cube(_))
    }
    #[cfg(not(feature = "cube"))]
    {
        let _ = device;
        false
    }
}

/// The sum of the squares of all elements of several tensors, such as the gradients of a model.
///
/// On devices that [run together](runs_together), partial sums are added in an order that the tensors' sizes decide, so the
/// sum has the same bits whenever it is computed there; but Burn's own sum, whose order is tuned, takes all tensors if one is not in
/// single precision or has 2³¹ elements. On others, the sums of the tensors are added in their order.
#[derive(Default)]
pub struct SquaredNorm {
    total: Option<Tensor<1>>,
    together: Vec<DispatchTensor>,
}

impl SquaredNorm {
    /// Adds the squares of a tensor's elements.
    ///
    /// # Panics
    ///
    /// When `x` carries autodiff: call it on `Tensor::inner`.
    pub fn add<const D: usize>(&mut self, x: Tensor<D>) {
        if runs_together(&x.device()) {
            self.together.push(x.into_dispatch());
        } else {
            self.plus(squared_norm(x));
        }
    }

    /// Adds those of a table that is 0 but for some rows, as [`squared_norm_of_rows`].
    ///
    /// # Shapes
    ///
    /// - `x`: `[rows, width]`
    ///
    /// # Panics
    ///
    /// When there are not as many rows, or `x` carries autodiff: call it on `Tensor::inner`.
    pub fn add_rows(&mut self, x: Tensor<2>, rows: &Rows) {
        self.plus(squared_norm_of_rows(x, rows));
    }

    /// The sum, `[1]`, on the device; `None` without any tensor.
    ///
    /// # Panics
    ///
    /// When the tensors are on several devices.
    pub fn total(mut self) -> Option<Tensor<1>> {
        if !self.together.is_empty() {
            let together = TensorList(std::mem::take(&mut self.together));
            self.plus(Tensor::from_dispatch(
                <Dispatch as AdamWBackend>::fused_squared_norm_of_all(together),
            ));
        }
        self.total
    }

    fn plus(&mut self, square: Tensor<1>) {
        self.total = Some(match self.total.take() {
            Some(total) => total + square,
            None => square,
        });
    }
}

/// Steps of AdamW that several parameters take together, each as [`adamw_step`](crate::adamw_step).
#[derive(Default)]
pub struct AdamWSteps {
    /// Of each parameter: itself, its gradient and its moments.
    tensors: Vec<DispatchTensor>,
    steps: Vec<AdamW>,
}

/// What [`AdamWSteps::take`] made of the parameters, in the order in which they were added.
pub struct AdamWStepped(std::vec::IntoIter<DispatchTensor>);

impl AdamWSteps {
    /// Adds a parameter; `None` moments are zeros, before the first step.
    ///
    /// # Shapes
    ///
    /// All tensors the same.
    ///
    /// # Errors
    ///
    /// [`AdamWError`] for the first number of `step` that is out of its range.
    ///
    /// # Panics
    ///
    /// When the shapes differ.
    pub fn add<const D: usize>(
        &mut self,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        moments: Option<Moments<D>>,
        step: AdamW,
    ) -> Result<(), AdamWError> {
        step.check()?;
        let moments = moments.unwrap_or_else(|| Moments::zeros(&parameter));
        for other in [&gradient, &moments.first, &moments.second] {
            assert_eq!(other.dims(), parameter.dims(), "adamw_steps: shapes");
        }
        let tensors = [parameter, gradient, moments.first, moments.second];
        self.tensors.extend(tensors.map(Tensor::into_dispatch));
        self.steps.push(step);
        Ok(())
    }

    /// Takes the steps.
    ///
    /// # Panics
    ///
    /// When the tensors are on several devices, or carry autodiff: call [`add`](Self::add) on `Tensor::inner`.
    pub fn take(self) -> AdamWStepped {
        if self.steps.is_empty() {
            return AdamWStepped(Vec::new().into_iter());
        }
        let moved =
            <Dispatch as AdamWBackend>::fused_adamw_of_all(TensorList(self.tensors), self.steps);
        AdamWStepped(moved.0.into_iter())
    }
}

impl AdamWStepped {
    /// Hands back the next parameter and its moments; `None` after the last.
    pub fn hand_back<const D: usize>(&mut self) -> Option<(Tensor<D>, Moments<D>)> {
        let [parameter, first, second] =
            [self.0.next()?, self.0.next()?, self.0.next()?].map(Tensor::from_dispatch);
        Some((parameter, Moments { first, second }))
    }
}

/// Any number of tensors, for Burn's dispatch to hand to a backend.
pub(crate) struct TensorList<B: Backend>(pub(crate) Vec<FloatTensor<B>>);

impl<B: Backend> ExtensionType<B> for TensorList<B> {
    type Target = TensorList<Dispatch>;

    fn map_to_dispatch<F>(self, map_kind: F, autodiff: DispatchAutodiffContext) -> Self::Target
    where
        F: Fn(BackendTensor<B>) -> DispatchTensorKind,
    {
        let tensors = self.0.into_iter().map(|tensor| DispatchTensor {
            kind: map_kind(BackendTensor::Float(tensor)),
            autodiff,
        });
        TensorList(tensors.collect())
    }

    fn map_from_dispatch<F>(target: Self::Target, unwrap_kind: F) -> Self
    where
        F: Fn(DispatchTensor) -> BackendTensor<B>,
    {
        let tensors = target.0.into_iter();
        Self(tensors.map(|tensor| unwrap_kind(tensor).float()).collect())
    }

    fn routing_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn routing_float_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        Self::routing_tensor(target)
    }

    fn autodiff_context(target: &Self::Target) -> DispatchAutodiffContext {
        let contexts = target.0.iter().map(|tensor| tensor.autodiff);
        contexts.fold(
            DispatchAutodiffContext::default(),
            DispatchAutodiffContext::merge,
        )
    }
}
