//! Settings that make no sense are refused where they come in.

/// A setting that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{name} {value}: expected {accepted}")]
pub struct SettingError {
    /// What it sets.
    pub name: &'static str,
    /// The refused value.
    pub value: f64,
    /// What is accepted.
    pub accepted: &'static str,
}

pub(crate) const FROM_0: &str = "a number from 0";
pub(crate) const ABOVE_0: &str = "a number above 0";

/// Refuses what is not a number, or infinite, or not accepted.
pub(crate) fn check(
    name: &'static str,
    value: f64,
    accepted: &'static str,
    is_accepted: impl Fn(f64) -> bool,
) -> Result<(), SettingError> {
    if value.is_finite() && is_accepted(value) {
        Ok(())
    } else {
        Err(SettingError {
            name,
            value,
            accepted,
        })
    }
}

pub(crate) fn from_0(name: &'static str, value: f64) -> Result<(), SettingError> {
    check(name, value, FROM_0, |x| x >= 0.0)
}

pub(crate) fn above_0(name: &'static str, value: f64) -> Result<(), SettingError> {
    check(name, value, ABOVE_0, |x| x > 0.0)
}
