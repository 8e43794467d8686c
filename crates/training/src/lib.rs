//! Optimizer steps for any module: the part that finetuning and pretraining share.
//!
//! A [`Stepper`] holds everything that a step changes: the model, the optimizer's state, the place in the schedule, the
//! loss scale, the counters. It does not know what a batch is or how its loss is computed; that is up to a
//! [`BatchGradients`]. Several batches of one step go through it in turn, and their gradients are summed in a fixed
//! order ([`accumulate`]), on one device or on several ([`Replicas`]).
//!
//! Rows of a table that a step does not look up may take it later ([`Stepper::deferring`]); whoever reads the model gets it with
//! every row up to date.
//!
//! Its state can be written to disk ([`Stepper::write`]) and read again ([`StepperState`]); from there it continues bit for
//! bit. A number that is not finite becomes [`Diverged`] before it reaches a parameter.

mod accumulate;
mod checkpoint;
mod executor;
mod health;
mod loss_scale;
mod moments;
mod stepper;
mod table;
mod update;

pub use accumulate::{BatchGradients, Pass, accumulate};
pub use checkpoint::{
    Counters, STATE_FILES, StateError, StepperState, read_parameters, write_parameters,
};
pub use executor::Replicas;
pub use health::{Diverged, LargestGradient, finite};
pub use loss_scale::LossScale;
pub use stepper::{Stepper, Taken};
pub use update::{Defer, Update};
