//! Numbers with which training cannot continue.

use thiserror::Error;

/// A number in training is no longer finite.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("training diverged: the {what} of step {step} is {value}")]
pub struct Diverged {
    /// What it is, such as the loss or the gradient norm.
    pub what: &'static str,
    /// Optimizer step, from 0.
    pub step: usize,
    /// Its value, NaN or infinite.
    pub value: f64,
}

/// Checks a number of a step.
///
/// # Errors
/// [`Diverged`] unless the value is finite.
pub fn finite(what: &'static str, step: usize, value: f64) -> Result<(), Diverged> {
    match value.is_finite() {
        true => Ok(()),
        false => Err(Diverged { what, step, value }),
    }
}
