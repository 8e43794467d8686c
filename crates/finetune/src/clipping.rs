//! Clipping by the global norm of all gradients.

use std::collections::HashSet;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Scales all gradients so that their global L2 norm is at most `max_norm`; returns the norm before.
///
/// Source: `torch.nn.utils.clip_grad_norm_`, with its 1e-6 in the denominator. A parameter that
/// occurs twice in the module counts once.
pub fn clip_global_norm<M: Module>(
    module: &M,
    gradients: &mut GradientsParams,
    max_norm: f64,
) -> f64 {
    let mut squares = SumOfSquares {
        gradients,
        seen: HashSet::new(),
        total: None,
    };
    module.visit(&mut squares);
    let norm = match squares.total {
        Some(total) => f64::from(total.into_scalar::<f32>()).sqrt(),
        None => 0.0,
    };
    let factor = max_norm / (norm + 1e-6);
    if factor < 1.0 {
        module.visit(&mut Scale {
            gradients,
            seen: HashSet::new(),
            factor,
        });
    }
    norm
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
            let square = gradient.square().sum();
            self.total = Some(match self.total.take() {
                Some(total) => total + square,
                None => square,
            });
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    seen: HashSet<ParamId>,
    factor: f64,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.seen.insert(param.id) {
            return;
        }
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients
                .register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}
