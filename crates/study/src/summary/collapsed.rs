//! Which runs learned nothing?

use std::path::Path;

use tasks::{Metric, Predictions, Targets, ValueKind};

use crate::error::StudyError;
use crate::record::{PredictionsFile, RecordedPredictions, RunRecord};
use crate::statistics::ROUNDING;

/// Whether a run predicts a single class for the headline's set, or scores no better than always predicting the set's
/// commonest class. `folder` is the study's.
///
/// The second takes the file of its predictions; without it, only the first can be told. A task of scores has no such
/// run: a metric of constant predictions is undefined there.
///
/// # Errors
/// [`StudyError::File`] if the file cannot be read.
pub fn is_collapsed(run: &RunRecord, folder: &Path) -> Result<bool, StudyError> {
    if run.failed.is_some() {
        return Ok(false);
    }
    if run.only_class.is_some() {
        return Ok(true);
    }
    let headline = &run.settings.headline;
    let metric = match Metric::named(&headline.metric) {
        // The file has the names of the classes but not which of them is class 1.
        Some(Metric::F1) => Metric::Accuracy,
        Some(metric) if metric.takes() == ValueKind::Classes => metric,
        _ => return Ok(false),
    };
    let Some(RecordedPredictions::File(path)) = run.predictions.get(&headline.set) else {
        return Ok(false);
    };
    let file = PredictionsFile::find(folder, path)?;
    Ok(file.is_some_and(|file| is_no_better_than_the_majority(&file, metric)))
}

/// `false` for labels that are missing or all the same, which no predictions can beat.
fn is_no_better_than_the_majority(file: &PredictionsFile, metric: Metric) -> bool {
    let (predictions, labels) = file.classes();
    let Targets::Classes(of_labels) = &labels else {
        return false;
    };
    let classes = of_labels.iter().max().map_or(0, |last| last + 1);
    let mut counts = vec![0_usize; classes];
    for label in of_labels {
        counts[*label] += 1;
    }
    let Some(most) = counts.iter().max() else {
        return false;
    };
    if *most == of_labels.len() {
        return false;
    }
    let commonest = counts.iter().position(|count| count == most);
    let majority = vec![commonest.unwrap_or_default(); file.predictions.len()];
    let majority = Predictions::Classes(majority);
    let score = |predictions| metric.score(predictions, &labels);
    match (score(&predictions), score(&majority)) {
        (Ok(own), Ok(majority)) => own <= majority + ROUNDING,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_collapsed(metric: Metric, predictions: &[&str], labels: &[&str]) -> bool {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let file = PredictionsFile {
            predictions: owned(predictions),
            labels: owned(labels),
        };
        is_no_better_than_the_majority(&file, metric)
    }

    #[test]
    fn a_run_must_beat_the_commonest_class_by_the_headline_metric() {
        let labels = ["a", "a", "a", "b"];
        let cases = [
            // Three of four right, as always predicting a.
            (["a", "a", "b", "b"], true, false),
            (["a", "a", "a", "b"], false, false),
            (["b", "a", "a", "a"], true, true),
            (["a", "a", "a", "a"], true, true),
        ];
        for (predictions, by_accuracy, by_matthews) in cases {
            let of = |metric| is_collapsed(metric, &predictions, &labels);
            assert_eq!(of(Metric::Accuracy), by_accuracy, "{predictions:?}");
            assert_eq!(of(Metric::Matthews), by_matthews, "{predictions:?}");
        }
    }

    #[test]
    fn labels_that_nothing_can_beat_say_nothing() {
        assert!(!is_collapsed(Metric::Accuracy, &["a", "a"], &["a", "a"]));
        assert!(!is_collapsed(Metric::Accuracy, &["a", "b"], &[]));
        assert!(!is_collapsed(Metric::Accuracy, &[], &[]));
    }
}
