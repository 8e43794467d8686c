//! One step of AdamW, and the norm that gradient clipping needs.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use crate::half::{rounded, widened};
use crate::together::TensorList;

/// One step of AdamW, as `torch.optim.AdamW` takes it.
///
/// [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101). These are the numbers of one step,
/// the same for all parameters of a group.
///
/// | Name | Purpose | Range |
/// |---|---|---|
/// | `learning_rate` | of this step | any |
/// | `beta_1`, `beta_2` | decay of the first and second moment | 0 to below 1 |
/// | `epsilon` | added to the root of the corrected second moment | from 0 |
/// | `weight_decay` | decoupled, multiplied by the learning rate | from 0 |
/// | `time` | number of this step | from 1 |
/// | `gradient_scale` | multiplies the gradient first: the clipping factor, or 1 | any |
///
/// The two that training computes as it goes are not checked: NaN in them makes the parameters NaN.
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

/// The numbers of a step as the kernels want them, rounded once: every backend's are the same.
#[cfg(any(feature = "cube", feature = "flex"))]
#[derive(Clone, Copy)]
pub(crate) struct Factors {
    pub(crate) gradient_scale: f32,
    pub(crate) beta_1: f32,
    pub(crate) beta_2: f32,
    pub(crate) complement_1: f32,
    pub(crate) complement_2: f32,
    /// `1 - learning_rate weight_decay`.
    pub(crate) decay: f32,
    /// `1 / sqrt(1 - beta_2^time)`.
    pub(crate) root_scale: f32,
    pub(crate) epsilon: f32,
    /// `learning_rate / (1 - beta_1^time)`.
    pub(crate) rate: f32,
}

#[cfg(any(feature = "cube", feature = "flex"))]
impl Factors {
    pub(crate) fn new(step: AdamW) -> Self {
        Self {
            gradient_scale: step.gradient_scale as f32,
            beta_1: step.beta_1 as f32,
            beta_2: step.beta_2 as f32,
            complement_1: (1.0 - step.beta_1) as f32,
            complement_2: (1.0 - step.beta_2) as f32,
            decay: (1.0 - step.learning_rate * step.weight_decay) as f32,
            root_scale: (1.0 / step.correction_2().sqrt()) as f32,
            epsilon: step.epsilon as f32,
            rate: (step.learning_rate / step.correction_1()) as f32,
        }
    }
}

/// A number that [`adamw_step`] refuses.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("adamw {name} {value}: expected {accepted}")]
pub struct AdamWError {
    /// The field of [`AdamW`].
    pub name: &'static str,
    /// The refused value.
    pub value: f64,
    /// What is accepted.
    pub accepted: &'static str,
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
/// storage: move them in and keep no clone.
///
/// The moments of a parameter in half precision come back in single precision, whatever they came in: squares of
/// gradients underflow in f16. The parameter is rounded once, which loses steps smaller than its rounding.
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
/// When the shapes differ, or the tensors carry autodiff: call it on `Tensor::inner`.
pub fn adamw_step<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    moments: Option<Moments<D>>,
    step: AdamW,
) -> Result<(Tensor<D>, Moments<D>), AdamWError> {
    step.check()?;
    let moments = moments.unwrap_or_else(|| Moments::zeros(&parameter));
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
    Ok((Tensor::from_dispatch(parameter), moments))
}

/// The sum of the squares of all elements, `[1]`, without gradient; that of half precision in single precision, in
/// which the square of 300 is not infinite.
///
/// # Panics
///
/// When `x` carries autodiff: call it on `Tensor::inner`.
pub fn squared_norm<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as AdamWBackend>::fused_squared_norm(
        x.into_dispatch(),
    ))
}

impl<const D: usize> Moments<D> {
    /// Those of a parameter before the first step.
    pub(crate) fn zeros(parameter: &Tensor<D>) -> Self {
        Self {
            first: parameter.zeros_like(),
            second: parameter.zeros_like(),
        }
    }
}

impl AdamW {
    pub(crate) fn check(&self) -> Result<(), AdamWError> {
        let below_1 = "0 to below 1";
        let from_0 = "a number from 0";
        let is_finite_from_0 = |x: f64| x.is_finite() && x >= 0.0;
        let time = f64::from(self.time);
        for (name, value, accepted, is_accepted) in [
            (
                "beta 1",
                self.beta_1,
                below_1,
                (0.0..1.0).contains(&self.beta_1),
            ),
            (
                "beta 2",
                self.beta_2,
                below_1,
                (0.0..1.0).contains(&self.beta_2),
            ),
            (
                "epsilon",
                self.epsilon,
                from_0,
                is_finite_from_0(self.epsilon),
            ),
            (
                "weight decay",
                self.weight_decay,
                from_0,
                is_finite_from_0(self.weight_decay),
            ),
            ("time", time, "1 for the first step", self.time > 0),
        ] {
            if !is_accepted {
                return Err(AdamWError {
                    name,
                    value,
                    accepted,
                });
            }
        }
        Ok(())
    }

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
    LibTorch: cfg(feature = "tch"),
    Remote: cfg(feature = "remote")
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

    /// The sum over at least one tensor.
    fn fused_squared_norm_of_all(#[extension_type] tensors: TensorList<Self>) -> FloatTensor<Self> {
        plain_squared_norm_of_all::<Self>(tensors)
    }

    /// New parameters and moments, three for each step, from parameters, gradients and moments, four for each.
    fn fused_adamw_of_all(
        #[extension_type] tensors: TensorList<Self>,
        steps: Vec<AdamW>,
    ) -> TensorList<Self> {
        plain_of_all::<Self>(tensors, &steps)
    }
}

#[cfg(feature = "ndarray")]
impl AdamWBackend for burn::backend::NdArray {}
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
    let dtype = parameter.dtype();
    let [parameter, gradient, first, second] =
        [parameter, gradient, first, second].map(widened::<B>);
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
    (rounded::<B>(parameter, dtype), first, second)
}

/// Burn's primitives.
pub(crate) fn plain_squared_norm<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let x = widened::<B>(x);
    B::float_sum(B::float_mul(x.clone(), x))
}

/// One tensor after the other.
pub(crate) fn plain_squared_norm_of_all<B: AdamWBackend>(tensors: TensorList<B>) -> FloatTensor<B> {
    let squares = tensors.0.into_iter().map(B::fused_squared_norm);
    squares.reduce(B::float_add).expect("at least one tensor")
}

/// One parameter after the other.
pub(crate) fn plain_of_all<B: AdamWBackend>(
    tensors: TensorList<B>,
    steps: &[AdamW],
) -> TensorList<B> {
    let mut tensors = tensors.0.into_iter();
    let mut next = || tensors.next().expect("four tensors for each step");
    let moved = steps.iter().flat_map(|&step| {
        let (parameter, first, second) = B::fused_adamw(next(), next(), next(), next(), step);
        [parameter, first, second]
    });
    TensorList(moved.collect())
}
