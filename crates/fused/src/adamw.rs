//! One step of AdamW, and the norm that gradient clipping needs.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

/// One step of AdamW, as `torch.optim.AdamW` takes it.
///
/// [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101). The numbers of one step, the same
/// for all parameters of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second moment.
    pub beta_2: f64,
    /// Added to the root of the corrected second moment.
    pub epsilon: f64,
    /// Decoupled weight decay, multiplied by the learning rate.
    pub weight_decay: f64,
    /// Number of this step, 1 for the first.
    pub time: u32,
    /// Multiplies the gradient before anything else: the clipping factor, or 1.
    pub gradient_scale: f64,
}

/// Running averages of the gradient and of its square.
#[derive(Clone, Debug)]
pub struct Moments<const D: usize> {
    /// Of the gradient.
    pub first: Tensor<D>,
    /// Of its square.
    pub second: Tensor<D>,
}

/// Moves a parameter by one step; `None` moments are zeros, before the first step.
///
/// On flex it works in place where the parameter and the moments are the only owners of their
/// storage; move them in and keep no clone.
///
/// # Shapes
///
/// All tensors the same.
///
/// # Panics
///
/// When the shapes differ, or the tensors carry autodiff: call it on `Tensor::inner`.
pub fn adamw_step<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    moments: Option<Moments<D>>,
    step: AdamW,
) -> (Tensor<D>, Moments<D>) {
    let moments = moments.unwrap_or_else(|| Moments {
        first: parameter.zeros_like(),
        second: parameter.zeros_like(),
    });
    for other in [&gradient, &moments.first, &moments.second] {
        assert_eq!(other.dims(), parameter.dims(), "adamw_step: shapes");
    }
    let (parameter, first, second) = <Dispatch as AdamWBackend>::fused_adamw(
        parameter.into_dispatch(),
        gradient.into_dispatch(),
        moments.first.into_dispatch(),
        moments.second.into_dispatch(),
        step,
    );
    let moments = Moments {
        first: Tensor::from_dispatch(first),
        second: Tensor::from_dispatch(second),
    };
    (Tensor::from_dispatch(parameter), moments)
}

/// The sum of the squares of all elements, `[1]`, without gradient.
///
/// # Panics
///
/// When `x` carries autodiff: call it on `Tensor::inner`.
pub fn squared_norm<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as AdamWBackend>::fused_squared_norm(
        x.into_dispatch(),
    ))
}

impl AdamW {
    /// `1 - beta_1^time`.
    pub(crate) fn correction_1(&self) -> f64 {
        1.0 - self.beta_1.powf(f64::from(self.time))
    }

    /// `1 - beta_2^time`.
    pub(crate) fn correction_2(&self) -> f64 {
        1.0 - self.beta_2.powf(f64::from(self.time))
    }
}

#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(feature = "cube"),
    LibTorch: cfg(feature = "tch")
)]
pub(crate) trait AdamWBackend: Backend {
    /// The new parameter and moments.
    fn fused_adamw(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamW,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        plain::<Self>(parameter, gradient, first, second, step)
    }

    fn fused_squared_norm(x: FloatTensor<Self>) -> FloatTensor<Self> {
        plain_squared_norm::<Self>(x)
    }
}

#[cfg(feature = "ndarray")]
impl AdamWBackend for burn::backend::NdArray {}
#[cfg(feature = "cube")]
impl AdamWBackend for burn::backend::Cube {}
#[cfg(feature = "tch")]
impl AdamWBackend for burn::backend::LibTorch {}

/// Burn's primitives.
pub(crate) fn plain<B: Backend>(
    parameter: FloatTensor<B>,
    gradient: FloatTensor<B>,
    first: FloatTensor<B>,
    second: FloatTensor<B>,
    step: AdamW,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let scaled = |x, factor: f64| B::float_mul_scalar(x, factor.into());
    let gradient = scaled(gradient, step.gradient_scale);
    let first = B::float_add(
        scaled(first, step.beta_1),
        scaled(gradient.clone(), 1.0 - step.beta_1),
    );
    let square = B::float_mul(gradient.clone(), gradient);
    let second = B::float_add(
        scaled(second, step.beta_2),
        scaled(square, 1.0 - step.beta_2),
    );
    let root = scaled(
        B::float_sqrt(second.clone()),
        1.0 / step.correction_2().sqrt(),
    );
    let direction = B::float_div(
        first.clone(),
        B::float_add_scalar(root, step.epsilon.into()),
    );
    let parameter = scaled(parameter, 1.0 - step.learning_rate * step.weight_decay);
    let parameter = B::float_sub(
        parameter,
        scaled(direction, step.learning_rate / step.correction_1()),
    );
    (parameter, first, second)
}

/// Burn's primitives.
pub(crate) fn plain_squared_norm<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_sum(B::float_mul(x.clone(), x))
}
