//! Clipping by the global norm of all gradients.

use std::collections::HashSet;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use fused::{Rows, SquaredNorm};

use crate::deferred::of_rank;
use crate::setting::{FROM_0, SettingError, above_0};

/// The square of the L2 norm of all gradients of a module taken together, still on the device; `None` without any gradient.
///
/// A parameter that occurs twice in the module counts once, as in PyTorch.
///
/// `table` is a parameter whose gradient is that of some rows alone, `[rows, width]`. On devices that [defer
/// rows](fused::defers_rows), the norm is the same to the last bit.
///
/// # Shapes
/// - output: `[1]`
pub fn squared_global_norm<M: Module>(
    module: &M,
    gradients: &GradientsParams,
    table: Option<(ParamId, &Rows)>,
) -> Option<Tensor<1>> {
    let mut squares = SumOfSquares {
        gradients,
        table,
        seen: HashSet::new(),
        sum: SquaredNorm::default(),
    };
    module.visit(&mut squares);
    squares.sum.total()
}

/// The factor that scales gradients of this global norm to one of at most `max_norm`.
///
/// A norm that is NaN gives NaN, and an infinite one 0, which makes NaN of the gradients that are not finite: a model
/// that has diverged does not train on as if nothing had happened.
///
/// Source: `torch.nn.utils.clip_grad_norm_`, with its 1e-6 in the denominator.
///
/// # Errors
///
/// [`SettingError`] when `max_norm` is not a number above 0, or `norm` is below 0.
pub fn clipping_factor(norm: f64, max_norm: f64) -> Result<f64, SettingError> {
    above_0("max norm", max_norm)?;
    if norm < 0.0 {
        let (name, value, accepted) = ("gradient norm", norm, FROM_0);
        return Err(SettingError {
            name,
            value,
            accepted,
        });
    }
    let factor = max_norm / (norm + 1e-6);
    // Unlike `f64::min`, a comparison leaves NaN as it is.
    Ok(if factor > 1.0 { 1.0 } else { factor })
}

struct SumOfSquares<'a> {
    gradients: &'a GradientsParams,
    table: Option<(ParamId, &'a Rows)>,
    seen: HashSet<ParamId>,
    sum: SquaredNorm,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.seen.insert(param.id) {
            return;
        }
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            match self.table {
                Some((id, rows)) if id == param.id => self.sum.add_rows(of_rank(gradient), rows),
                _ => self.sum.add(gradient),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_within_the_norm_are_left_alone() {
        assert_eq!(clipping_factor(0.5, 1.0), Ok(1.0));
        assert_eq!(clipping_factor(0.0, 1.0), Ok(1.0));
    }

    /// `(max_norm / (norm + 1e-6)).clamp(max=1.0)` of PyTorch 2.15.
    #[test]
    fn a_norm_that_is_not_finite_is_not_hidden() {
        let factor = |norm| clipping_factor(norm, 1.0).expect("a norm");
        assert!(factor(f64::NAN).is_nan());
        assert_eq!(factor(f64::INFINITY), 0.0);
    }

    #[test]
    fn norms_that_make_no_sense_are_refused() {
        for max_norm in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(clipping_factor(1.0, max_norm).is_err(), "{max_norm}");
        }
        let error = clipping_factor(-1.0, 1.0).expect_err("below 0");
        assert_eq!(
            error.to_string(),
            "gradient norm -1: expected a number from 0"
        );
    }

    #[test]
    fn longer_gradients_are_scaled_to_the_norm() {
        let norm = 4.0;
        let clipped = norm * clipping_factor(norm, 1.0).expect("in range");
        assert!(clipped < 1.0 && clipped > 1.0 - 1e-6, "{clipped}");
    }
}
