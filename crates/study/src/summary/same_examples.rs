//! Do the two runs of a pair err on the same examples?

use std::path::Path;

use tasks::{Metric, ValueKind};

use crate::error::StudyError;
use crate::record::{Headline, PredictionsFile, RecordedPredictions, RunRecord};
use crate::statistics::McNemar;

/// Examples that only the first run of a pair gets right, and only the second.
type Counts = (u64, u64);

/// McNemar's test on the predictions of all pairs together; `None` if the task has scores instead of classes, or if
/// a pair cannot be compared.
pub(super) fn mcnemar(
    pairs: &[(&RunRecord, &RunRecord)],
    by: &Headline,
    folder: &Path,
) -> Result<Option<McNemar>, StudyError> {
    let (mut only_first, mut only_second) = (0, 0);
    for (first, second) in pairs {
        let Some(counts) = counts(first, second, by, folder)? else {
            return Ok(None);
        };
        only_first += counts.0;
        only_second += counts.1;
    }
    Ok(Some(McNemar::from_counts(only_first, only_second)))
}

fn counts(
    first: &RunRecord,
    second: &RunRecord,
    by: &Headline,
    folder: &Path,
) -> Result<Option<Counts>, StudyError> {
    let metric = Metric::named(&by.metric);
    if metric.is_none_or(|metric| metric.takes() == ValueKind::Scores) {
        return Ok(None);
    }
    let of = |record: &RunRecord| record.predictions.get(&by.set).cloned();
    Ok(match (of(first), of(second)) {
        (Some(RecordedPredictions::File(first)), Some(RecordedPredictions::File(second))) => {
            let right = |path: &str| {
                let file = PredictionsFile::find(folder, path)?;
                Ok::<_, StudyError>(file.and_then(|file| file.right()))
            };
            right(&first)?.zip(right(&second)?).and_then(by_labels)
        }
        (Some(RecordedPredictions::Classes(ours)), Some(RecordedPredictions::Classes(theirs))) => {
            first
                .score_by(by)
                .zip(second.score_by(by))
                .and_then(|accuracies| without_labels(&ours, &theirs, accuracies))
        }
        _ => None,
    })
}

fn by_labels((first, second): (Vec<bool>, Vec<bool>)) -> Option<Counts> {
    if first.len() != second.len() {
        return None;
    }
    let only = |wanted: (bool, bool)| {
        let pairs = first.iter().copied().zip(second.iter().copied());
        pairs.filter(|pair| *pair == wanted).count() as u64
    };
    Some((only((true, false)), only((false, true))))
}

/// Records of version 1 hold predictions without labels. Two classes need none: if two predictions differ, exactly one
/// is right, and the two accuracies tell how much more often it is the first.
fn without_labels(first: &[usize], second: &[usize], accuracies: (f64, f64)) -> Option<Counts> {
    let predictions = || first.iter().zip(second);
    let count = first.len();
    if count != second.len() || predictions().any(|(a, b)| *a.max(b) > 1) {
        return None;
    }
    let differing = predictions().filter(|(a, b)| a != b).count() as i64;
    let right = |accuracy: f64| (accuracy * count as f64).round() as i64;
    let more_right = right(accuracies.0) - right(accuracies.1);
    // A record whose accuracy does not fit its predictions cannot be compared.
    if more_right.abs() > differing || (differing + more_right) % 2 != 0 {
        return None;
    }
    let half = |sum: i64| u64::try_from(sum / 2).ok();
    half(differing + more_right).zip(half(differing - more_right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_labels_are_those_of_any_number_of_classes() {
        let first = vec![true, true, false, false, true];
        let second = vec![true, false, true, false, false];
        assert_eq!(by_labels((first, second)), Some((2, 1)));
    }

    #[test]
    fn two_classes_need_no_labels() {
        // Labels 1 1 0 0: the first run has 3 right, the second 2.
        let counts = without_labels(&[1, 1, 1, 0], &[1, 0, 1, 0], (0.75, 0.5));
        assert_eq!(counts, Some((1, 0)));
        assert_eq!(without_labels(&[2, 0], &[1, 0], (0.5, 0.5)), None);
        assert_eq!(without_labels(&[1, 0], &[1, 0], (1.0, 0.5)), None);
    }
}
