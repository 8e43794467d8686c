//! Numbers with which training cannot continue.

use std::cmp::Ordering;
use std::fmt;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use thiserror::Error;

/// A number in training is no longer finite.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("training diverged: the {what} of step {step} is {value}{}", Ending(.largest.as_ref()))]
pub struct Diverged {
    /// What it is, such as the loss or the gradient norm.
    pub what: &'static str,
    /// Optimizer step, from 0.
    pub step: usize,
    /// Its value, NaN or infinite.
    pub value: f64,
    /// Where the step's largest gradient was, if it had gradients.
    pub largest: Option<LargestGradient>,
}

/// The gradient of a step that is largest by its norm.
#[derive(Clone, Debug, PartialEq)]
pub struct LargestGradient {
    /// Path of the parameter.
    pub path: String,
    /// Norm of its gradient, before clipping and without the loss scale.
    pub norm: f64,
}

/// The end of the message.
struct Ending<'a>(Option<&'a LargestGradient>);

impl fmt::Display for Ending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(LargestGradient { path, norm }) => {
                write!(f, "; the largest gradient is that of {path}, norm {norm:e}")
            }
        }
    }
}

/// Checks a number of a step.
///
/// # Errors
/// [`Diverged`] unless the value is finite.
pub fn finite(what: &'static str, step: usize, value: f64) -> Result<(), Diverged> {
    match value.is_finite() {
        true => Ok(()),
        false => Err(Diverged {
            what,
            step,
            value,
            largest: None,
        }),
    }
}

impl LargestGradient {
    /// Finds it among gradients that were multiplied by `scale`; `None` if there are no gradients.
    ///
    /// One that is NaN counts as larger than all numbers, and of equal ones the first by path is taken. Every gradient is
    /// read from the device, which is only worth it after a failure.
    pub fn of<M: Module>(module: &M, gradients: &GradientsParams, scale: f64) -> Option<Self> {
        let mut search = Search {
            gradients,
            scale,
            path: Vec::new(),
            largest: None,
        };
        module.visit(&mut search);
        search.largest
    }

    /// Whether it comes before another: it is larger, or as large with an earlier path.
    fn is_before(&self, other: &Self) -> bool {
        let size = |gradient: &Self| (gradient.norm.is_nan(), gradient.norm);
        let ((is_nan, norm), (other_is_nan, other_norm)) = (size(self), size(other));
        let larger = (other_is_nan.cmp(&is_nan))
            .then(other_norm.partial_cmp(&norm).unwrap_or(Ordering::Equal));
        larger.then_with(|| self.path.cmp(&other.path)) == Ordering::Less
    }
}

/// Visits the parameters with their paths.
struct Search<'a> {
    gradients: &'a GradientsParams,
    scale: f64,
    path: Vec<String>,
    largest: Option<LargestGradient>,
}

impl ModuleVisitor for Search<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.get::<D>(param.id) else {
            return;
        };
        let values = gradient.into_data().convert::<f32>();
        // In f64, so that large numbers do not make the sum infinite.
        let squares = values.iter::<f32>().map(|value| f64::from(value).powi(2));
        let found = LargestGradient {
            path: self.path.join("."),
            norm: squares.sum::<f64>().sqrt() / self.scale,
        };
        let is_largest = match &self.largest {
            None => true,
            Some(largest) => found.is_before(largest),
        };
        if is_largest {
            self.largest = Some(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_of(gradients: &[(&str, f64)]) -> String {
        let gradients = gradients.iter().map(|&(path, norm)| LargestGradient {
            path: path.to_owned(),
            norm,
        });
        let first = gradients.reduce(|first, next| match next.is_before(&first) {
            true => next,
            false => first,
        });
        first.expect("there are some").path
    }

    #[test]
    fn what_is_not_finite_is_largest_and_ties_go_by_path() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(first_of(&[("a", 1.0), ("b", 3.0), ("c", 2.0)]), "b");
        assert_eq!(first_of(&[("a", 1e300), ("b", inf), ("c", nan)]), "c");
        assert_eq!(first_of(&[("a", 1e300), ("b", inf)]), "b");
        assert_eq!(first_of(&[("c", nan), ("a", nan), ("b", inf)]), "a");
        assert_eq!(first_of(&[("b", 1.0), ("a", 1.0)]), "a");
    }

    #[test]
    fn the_message_is_one_line_with_and_without_a_gradient() {
        let mut diverged = finite("loss", 3, f64::NAN).expect_err("it is not finite");
        let line = "training diverged: the loss of step 3 is NaN";
        assert_eq!(diverged.to_string(), line);
        diverged.largest = Some(LargestGradient {
            path: "a.weight".to_owned(),
            norm: f64::INFINITY,
        });
        let end = "; the largest gradient is that of a.weight, norm inf";
        assert_eq!(diverged.to_string(), format!("{line}{end}"));
    }
}
