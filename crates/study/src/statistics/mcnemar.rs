//! McNemar's test: do two classifiers err on the same examples?

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, ChiSquared, ContinuousCDF, DiscreteCDF};

use super::error::{Error, check_lengths};

/// McNemar's test (1947) on predictions for the same examples.
///
/// It looks only at the examples that exactly one side gets right. Pooled over seeds, an example
/// counts once per seed, and these counts are not independent, so the p-values are too small; trust
/// the test on pairs of runs instead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Examples that only the first side gets right.
    pub only_first: u64,
    /// Examples that only the second side gets right.
    pub only_second: u64,
    /// Two-sided p-value of the exact binomial test.
    pub p_value: f64,
    /// Chi-squared statistic with continuity correction; 0 when both counts are equal.
    pub chi_squared: f64,
    /// Two-sided p-value of `chi_squared`, one degree of freedom; a good approximation for 25 or more
    /// such examples.
    pub chi_squared_p_value: f64,
}

impl McNemar {
    /// Tests whether two sides are right equally often, from whether each is right on each example.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`], [`Error::TooFew`] when there are no examples.
    pub fn of(first_right: &[bool], second_right: &[bool]) -> Result<Self, Error> {
        check_lengths(first_right.len(), second_right.len())?;
        if first_right.is_empty() {
            return Err(Error::TooFew {
                found: 0,
                needed: 1,
            });
        }
        let pairs = || first_right.iter().zip(second_right);
        let only_first = pairs()
            .filter(|&(first, second)| *first && !*second)
            .count();
        let only_second = pairs()
            .filter(|&(first, second)| !*first && *second)
            .count();
        Ok(Self::from_counts(only_first as u64, only_second as u64))
    }

    /// Tests whether two sides are right equally often, from how many examples only one of them
    /// gets right.
    pub fn from_counts(only_first: u64, only_second: u64) -> Self {
        let less = only_first.min(only_second);
        let differing = only_first.saturating_add(only_second);
        let (p_value, chi_squared) = if differing == 0 {
            (1.0, 0.0)
        } else {
            let coin = Binomial::new(0.5, differing).expect("one half is a probability");
            // The correction moves the difference towards 0, not past it.
            let distance = only_first.abs_diff(only_second).saturating_sub(1) as f64;
            (
                (2.0 * coin.cdf(less)).min(1.0),
                distance * distance / differing as f64,
            )
        };
        let distribution =
            ChiSquared::new(1.0).expect("one degree of freedom makes a distribution");
        Self {
            only_first,
            only_second,
            p_value,
            chi_squared,
            chi_squared_p_value: distribution.sf(chi_squared),
        }
    }
}
