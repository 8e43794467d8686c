//! Updating the parameters.

use burn::module::Module;
use burn::optim::GradientsParams;
use optimize::{AdamW, RecAdam};

/// Updates the parameters of a model from their gradients.
pub trait Update<M> {
    /// Takes a step; every gradient is multiplied by `gradient_scale`.
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
