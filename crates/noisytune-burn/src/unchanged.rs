use core::fmt;

use crate::NoisyTuneError;

/// A module that was not perturbed, given back as it was, and the reason.
///
/// Where only the reason matters, it converts into a [`NoisyTuneError`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Unchanged<M> {
    /// The module, bit for bit as it was.
    pub module: M,
    /// Why it received no noise.
    pub error: NoisyTuneError,
}

impl<M> Unchanged<M> {
    pub(crate) fn new(module: M, error: NoisyTuneError) -> Self {
        Self { module, error }
    }
}

impl<M> fmt::Display for Unchanged<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<M: fmt::Debug> std::error::Error for Unchanged<M> {}

impl<M> From<Unchanged<M>> for NoisyTuneError {
    fn from(unchanged: Unchanged<M>) -> Self {
        unchanged.error
    }
}
