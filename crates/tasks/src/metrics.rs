//! Metrics over a whole split.

use std::fmt;

use crate::error::Error;

/// Names how a task is scored.
///
/// A metric is computed once over all predictions of a split. The mean of a metric over batches is
/// another number: the last batch is smaller, and most of GLUE's metrics are no means at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// [`accuracy`].
    Accuracy,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accuracy => "accuracy",
        })
    }
}

/// Returns the share of predictions that equal their label, from 0 to 1.
///
/// # Errors
///
/// [`Error::LengthMismatch`] unless there is one prediction for each label,
/// [`Error::NoPredictions`] when there are none.
///
/// # Examples
///
/// ```
/// assert_eq!(tasks::accuracy(&[1, 0, 1, 1], &[1, 0, 0, 1])?, 0.75);
/// # Ok::<(), tasks::Error>(())
/// ```
pub fn accuracy(predictions: &[usize], labels: &[usize]) -> Result<f64, Error> {
    if predictions.len() != labels.len() {
        return Err(Error::LengthMismatch {
            predictions: predictions.len(),
            labels: labels.len(),
        });
    }
    if labels.is_empty() {
        return Err(Error::NoPredictions);
    }
    let correct = predictions
        .iter()
        .zip(labels)
        .filter(|(p, l)| p == l)
        .count();
    Ok(correct as f64 / labels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_counts_every_prediction() {
        for (predictions, expected) in [([0, 1, 1], 1.0), ([1, 1, 1], 2.0 / 3.0), ([1, 0, 0], 0.0)]
        {
            assert_eq!(accuracy(&predictions, &[0, 1, 1]).unwrap(), expected);
        }
    }

    #[test]
    fn accuracy_of_nothing_is_an_error() {
        let error = accuracy(&[], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no predictions to score; expected at least one"
        );
    }

    #[test]
    fn predictions_and_labels_must_be_equally_many() {
        let error = accuracy(&[1], &[1, 0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "1 prediction(s) for 2 label(s); expected one for each"
        );
    }
}
