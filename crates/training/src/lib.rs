//! One optimizer step after the other, for any module: what finetuning and pretraining share.
//!
//! A [`Stepper`] holds everything that a step changes: the model, the optimizer's state, the place in the schedule, the
//! loss scale, the counters. What a batch is and what its loss is, it does not know: a [`BatchGradients`] says that.
//! Several batches of one step go through it in turn, and their gradients are summed in a fixed order
//! ([`accumulate`]).
//!
//! A number that is not finite is [`Diverged`], before it reaches a parameter.

mod accumulate;
mod health;
mod loss_scale;
mod stepper;
mod update;

pub use accumulate::{BatchGradients, Pass, accumulate};
pub use health::{Diverged, finite};
pub use loss_scale::LossScale;
pub use stepper::{Stepper, Taken};
pub use update::Update;
