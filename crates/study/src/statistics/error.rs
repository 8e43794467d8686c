//! Numbers from which no statistic can be computed.

/// Why a statistic could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are too few numbers.
    #[error("values: {found}; expected at least {needed}")]
    TooFew {
        /// How many there are.
        found: usize,
        /// How many the statistic needs.
        needed: usize,
    },
    /// A number is infinite, NaN, or beyond 1e100: the sums of cubes behind an interval overflow.
    #[error("value {value} at position {at}; expected a finite number of at most 1e100")]
    NotFinite {
        /// The number.
        value: f64,
        /// Its position, from 0.
        at: usize,
    },
    /// Two lists that belong together differ in length.
    #[error("lengths {first} and {second}; expected the same number of both")]
    LengthMismatch {
        /// Length of the first list.
        first: usize,
        /// Length of the second list.
        second: usize,
    },
    /// All numbers are equal, so their spread, by which the statistic divides, is 0.
    #[error("{count} equal values; expected some spread")]
    NoSpread {
        /// How many there are.
        count: usize,
    },
    /// A parameter is outside its range.
    #[error("{what} {value}; expected {expected}")]
    OutOfRange {
        /// Name of the parameter.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The range.
        expected: &'static str,
    },
}

/// The largest absolute value accepted.
const LARGEST: f64 = 1e100;

/// Checks that there are at least `needed` values, all finite and not too large.
pub(super) fn check(values: &[f64], needed: usize) -> Result<(), Error> {
    if values.len() < needed {
        return Err(Error::TooFew {
            found: values.len(),
            needed,
        });
    }
    match values
        .iter()
        .position(|value| value.is_nan() || value.abs() > LARGEST)
    {
        Some(at) => Err(Error::NotFinite {
            value: values[at],
            at,
        }),
        None => Ok(()),
    }
}

/// Checks that two lists have the same length.
pub(super) fn check_lengths(first: usize, second: usize) -> Result<(), Error> {
    if first == second {
        Ok(())
    } else {
        Err(Error::LengthMismatch { first, second })
    }
}
