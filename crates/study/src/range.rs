//! Checks of single settings.

use std::fmt::Display;

use crate::error::StudyError;

pub(crate) fn at_least_one(name: &'static str, value: usize) -> Result<(), StudyError> {
    if value == 0 {
        return Err(StudyError::setting(name, value, "at least 1"));
    }
    Ok(())
}

/// The largest accepted count: more than any run needs, and small enough that the sum and product of two do not
/// overflow.
const MOST: usize = 1_000_000;

/// Checks a number of runs, epochs, steps or sentences.
///
/// # Errors
/// [`StudyError::Setting`] unless it is 1 to 1,000,000.
pub fn count(name: &'static str, value: usize) -> Result<(), StudyError> {
    match value {
        1..=MOST => Ok(()),
        _ => Err(StudyError::setting(name, value, "1 to 1000000")),
    }
}

/// Refuses a value that a list has twice.
pub(crate) fn twice<T: PartialEq + Display>(
    name: &'static str,
    values: &[T],
) -> Result<(), StudyError> {
    let mut all = values.iter().enumerate();
    match all.find(|(at, value)| values[..*at].contains(value)) {
        None => Ok(()),
        Some((_, value)) => Err(StudyError::setting(
            name,
            format!("{value} twice"),
            "each once",
        )),
    }
}

pub(crate) fn check(
    name: &'static str,
    value: f64,
    accepted: &'static str,
    is_accepted: impl Fn(f64) -> bool,
) -> Result<(), StudyError> {
    if value.is_finite() && is_accepted(value) {
        Ok(())
    } else {
        Err(StudyError::setting(name, value, accepted))
    }
}
