//! Correction for multiple comparisons.

use super::error::{Error, check};

/// Adjusts p-values for multiple comparisons by Holm's step-down procedure (1979), in the order given.
///
/// Comparing the adjusted values with 0.05 keeps the chance of any false finding at 0.05, however the
/// comparisons depend on each other.
///
/// # Errors
///
/// [`Error::OutOfRange`] for a p-value that is not from 0 to 1, [`Error::NotFinite`].
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, Error> {
    check(p_values, 0)?;
    if let Some(&value) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Error::OutOfRange {
            what: "p-value",
            value,
            expected: "a number from 0 to 1",
        });
    }
    let mut ascending: Vec<usize> = (0..p_values.len()).collect();
    ascending.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, at) in ascending.into_iter().enumerate() {
        let scaled = p_values[at] * (p_values.len() - rank) as f64;
        largest = largest.max(scaled.min(1.0));
        adjusted[at] = largest;
    }
    Ok(adjusted)
}
