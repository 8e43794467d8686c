//! Is a difference smaller than what would matter?

use serde::{Deserialize, Serialize};
use statrs::distribution::ContinuousCDF;

use super::error::Error;
use super::t_test::{standard_error, student};

/// The margins that a comparison is tested for: 0.2 and 0.5 points.
pub const MARGINS: [f64; 2] = [0.002, 0.005];

/// Two one-sided tests: the true mean difference lies within a margin on both sides of 0.
///
/// Source: Schuirmann (1987), "A comparison of the two one-sided tests procedure and the power approach for assessing
/// the equivalence of average bioavailability".
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Equivalence {
    /// The margin, in the range of the metric.
    pub margin: f64,
    /// The larger p-value of Student's two one-sided t-tests; small if the difference is smaller than the margin.
    pub p_value: f64,
}

impl Equivalence {
    /// Tests paired differences.
    ///
    /// # Errors
    ///
    /// [`Error::TooFew`] for fewer than two differences, [`Error::NoSpread`] when all are equal, [`Error::NotFinite`],
    /// [`Error::OutOfRange`] unless the margin is positive.
    pub fn of(differences: &[f64], margin: f64) -> Result<Self, Error> {
        if !(margin > 0.0 && margin.is_finite()) {
            return Err(Error::OutOfRange {
                what: "margin",
                value: margin,
                expected: "a positive number",
            });
        }
        let (mean, error) = standard_error(differences)?;
        let distribution = student((differences.len() - 1) as f64);
        let above_lower = distribution.sf((mean + margin) / error);
        let below_upper = distribution.cdf((mean - margin) / error);
        Ok(Self {
            margin,
            p_value: above_lower.max(below_upper),
        })
    }
}
