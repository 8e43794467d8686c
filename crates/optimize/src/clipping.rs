//! Clipping by the global norm of all gradients.

use std::collections::HashSet;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// The L2 norm of all gradients of a module taken together.
///
/// A parameter that occurs twice in the module counts once, as in PyTorch.
pub fn global_norm<M: Module>(module: &M, gradients: &GradientsParams) -> f64 {
    match squared_global_norm(module, gradients) {
        Some(square) => f64::from(square.into_scalar::<f32>()).sqrt(),
        None => 0.0,
    }
}

/// The square of the [`global_norm`], still on the device; `None` without any gradient.
///
/// # Shapes
/// - output: `[1]`
pub fn squared_global_norm<M: Module>(
    module: &M,
    gradients: &GradientsParams,
) -> Option<Tensor<1>> {
    let mut squares = SumOfSquares {
        gradients,
        seen: HashSet::new(),
        total: None,
    };
    module.visit(&mut squares);
    squares.total
}

/// The factor by which gradients of this global norm are scaled so that it is at most `max_norm`.
///
/// Source: `torch.nn.utils.clip_grad_norm_`, with its 1e-6 in the denominator.
pub fn clipping_factor(norm: f64, max_norm: f64) -> f64 {
    (max_norm / (norm + 1e-6)).min(1.0)
}

struct SumOfSquares<'a> {
    gradients: &'a GradientsParams,
    seen: HashSet<ParamId>,
    total: Option<Tensor<1>>,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.seen.insert(param.id) {
            return;
        }
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let square = fused::squared_norm(gradient);
            self.total = Some(match self.total.take() {
                Some(total) => total + square,
                None => square,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_within_the_norm_are_left_alone() {
        assert_eq!(clipping_factor(0.5, 1.0), 1.0);
        assert_eq!(clipping_factor(0.0, 1.0), 1.0);
    }

    #[test]
    fn longer_gradients_are_scaled_to_the_norm() {
        let norm = 4.0;
        let clipped = norm * clipping_factor(norm, 1.0);
        assert!(clipped < 1.0 && clipped > 1.0 - 1e-6, "{clipped}");
    }
}
