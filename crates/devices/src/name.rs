//! Names of devices.

use std::fmt;

use crate::backend::Backend;

/// One device: a backend and, if it can have several devices, a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceName {
    /// What computes.
    pub backend: Backend,
    /// Which of its devices, from 0; `None` is the first.
    pub index: Option<usize>,
}

impl DeviceName {
    /// The first backend that this build has, in the order of [`Backend::ALL`].
    pub fn preferred() -> Self {
        let compiled = Backend::ALL.into_iter().find(|b| b.is_compiled());
        Self {
            backend: compiled.unwrap_or(Backend::Flex),
            index: None,
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.backend.name())?;
        match self.index {
            Some(index) => write!(f, ":{index}"),
            None => Ok(()),
        }
    }
}
