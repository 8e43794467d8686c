//! Updating the parameters.

use burn::module::Module;
use burn::optim::{GradientsParams, OptimizerRecord};
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

    /// Everything that it has kept of the steps before, by the parameters' ids.
    fn to_record(&self) -> OptimizerRecord;

    /// Continues with recorded state, for a model with the same parameter ids.
    fn load_record(&mut self, record: OptimizerRecord);
}

impl<M: Module> Update<M> for AdamW {
    fn to_record(&self) -> OptimizerRecord {
        Self::to_record(self)
    }

    fn load_record(&mut self, record: OptimizerRecord) {
        Self::load_record(self, record);
    }

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
    fn to_record(&self) -> OptimizerRecord {
        Self::to_record(self)
    }

    fn load_record(&mut self, record: OptimizerRecord) {
        Self::load_record(self, record);
    }

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
    fn to_record(&self) -> OptimizerRecord {
        (**self).to_record()
    }

    fn load_record(&mut self, record: OptimizerRecord) {
        (**self).load_record(record);
    }

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
