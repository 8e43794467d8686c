//! Updating the parameters.

use burn::module::{Module, ParamId};
use burn::optim::{GradientsParams, OptimizerRecord};
use fused::Rows;
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

    /// The same as something that may leave rows of a table behind, if it can: not if a row's step depends on more than the
    /// row's own numbers.
    fn deferring(&mut self) -> Option<&mut dyn Defer<M>> {
        None
    }
}

/// Lets the rows of a table take steps late, with the bits of steps taken at once.
pub trait Defer<M> {
    /// Takes the steps of the parameter at a module path late, from its first on.
    fn defer(&mut self, table: ParamId, path: &str);

    /// Takes the steps that rows of it have yet to take; `None` for all rows.
    fn catch_up(&mut self, model: M, rows: Option<&Rows>) -> M;

    /// Takes a step as [`Update::step`]; the gradient of the table is that of some rows alone, `[rows, width]`, which are caught
    /// up.
    fn step_at(
        &mut self,
        rows: &Rows,
        learning_rate: f64,
        gradient_scale: f64,
        model: M,
        gradients: GradientsParams,
    ) -> M;
}

impl<M: Module> Defer<M> for AdamW {
    fn defer(&mut self, table: ParamId, path: &str) {
        Self::defer(self, table, path);
    }

    fn catch_up(&mut self, model: M, rows: Option<&Rows>) -> M {
        Self::catch_up(self, model, rows)
    }

    fn step_at(
        &mut self,
        rows: &Rows,
        learning_rate: f64,
        gradient_scale: f64,
        model: M,
        gradients: GradientsParams,
    ) -> M {
        Self::step_at(self, rows, learning_rate, gradient_scale, model, gradients)
    }
}

impl<M: Module> Update<M> for AdamW {
    fn deferring(&mut self) -> Option<&mut dyn Defer<M>> {
        Some(self)
    }

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
    fn deferring(&mut self) -> Option<&mut dyn Defer<M>> {
        (**self).deferring()
    }

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
