//! What moves the parameters.

use burn::module::Module;
use burn::optim::GradientsParams;
use optimize::{AdamW, RecAdam};

/// Moves the parameters of a model by their gradients.
pub trait Update<M> {
    /// Takes a step; each gradient counts times `gradient_scale`.
    fn step(
        &mut self,
        learning_rate: f64,
        gradient_scale: f64,
        model: M,
        gradients: GradientsParams,
    ) -> M;
}

impl<M: Module> Update<M> for AdamW {
    fn step(
        &mut self,
        learning_rate: f64,
        gradient_scale: f64,
        model: M,
        gradients: GradientsParams,
    ) -> M {
        Self::step(self, learning_rate, gradient_scale, model, gradients)
    }
}

impl<M: Module> Update<M> for RecAdam {
    fn step(
        &mut self,
        learning_rate: f64,
        gradient_scale: f64,
        model: M,
        gradients: GradientsParams,
    ) -> M {
        Self::step(self, learning_rate, gradient_scale, model, gradients)
    }
}

impl<M> Update<M> for Box<dyn Update<M>> {
    fn step(
        &mut self,
        learning_rate: f64,
        gradient_scale: f64,
        model: M,
        gradients: GradientsParams,
    ) -> M {
        (**self).step(learning_rate, gradient_scale, model, gradients)
    }
}
