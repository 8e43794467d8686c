//! Do the two runs of a pair err on the same examples?

use std::path::Path;

use tasks::{Metric, ValueKind, counted};

use crate::error::StudyError;
use crate::record::{Headline, PredictionsFile, RecordedPredictions, RunRecord};
use crate::statistics::McNemar;

/// Examples that only the first run of a pair gets right, and only the second.
type Counts = (u64, u64);

/// Whether the two runs of a pair are right on each example.
pub(super) type Rights = (Vec<bool>, Vec<bool>);

/// Whether the runs of every pair are right on each example of the set; `None` if the task has scores instead of classes,
/// or if a run's predictions or labels are missing.
pub(super) fn rights(
    pairs: &[(&RunRecord, &RunRecord)],
    by: &Headline,
    folder: &Path,
) -> Result<Option<Vec<Rights>>, StudyError> {
    if !is_of_classes(by) {
        return Ok(None);
    }
    let right = |run: &RunRecord| -> Result<Option<Vec<bool>>, StudyError> {
        let Some(RecordedPredictions::File(path)) = run.predictions.get(&by.set) else {
            return Ok(None);
        };
        let file = PredictionsFile::find(folder, path)?;
        Ok(file.and_then(|file| file.right()))
    };
    let mut rights = Vec::with_capacity(pairs.len());
    for (first, second) in pairs {
        match (right(first)?, right(second)?) {
            (Some(first), Some(second)) if first.len() == second.len() => {
                rights.push((first, second));
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(rights))
}

/// What the first run of a pair gains on each example: 1, 0 or -1.
pub(super) fn difference((first, second): &Rights) -> Vec<f64> {
    let pairs = first.iter().zip(second);
    pairs
        .map(|(first, second)| f64::from(i8::from(*first) - i8::from(*second)))
        .collect()
}

/// McNemar's test on the predictions of all pairs together.
pub(super) fn mcnemar(rights: &[Rights]) -> McNemar {
    of_counts(rights.iter().map(by_labels))
}

/// The same for records of version 1, whose predictions have no labels; `None` if a pair cannot be compared.
pub(super) fn mcnemar_without_labels(
    pairs: &[(&RunRecord, &RunRecord)],
    by: &Headline,
) -> Option<McNemar> {
    if !is_of_classes(by) {
        return None;
    }
    let counts = pairs.iter().map(|(first, second)| {
        let classes = |run: &RunRecord| match run.predictions.get(&by.set)? {
            RecordedPredictions::Classes(classes) => Some(classes.clone()),
            RecordedPredictions::File(_) => None,
        };
        let accuracies = first.score_by(by).zip(second.score_by(by))?;
        without_labels(&classes(first)?, &classes(second)?, accuracies)
    });
    let counts: Option<Vec<Counts>> = counts.collect();
    counts.map(|counts| of_counts(counts.into_iter()))
}

/// Why the predictions of these pairs cannot be compared, in a few words; `None` for a task of scores, whose never are.
pub(super) fn missing(
    pairs: &[(&RunRecord, &RunRecord)],
    by: &Headline,
    folder: &Path,
) -> Result<Option<String>, StudyError> {
    if !is_of_classes(by) {
        return Ok(None);
    }
    let mut gone = Vec::new();
    for run in pairs.iter().flat_map(|(first, second)| [first, second]) {
        if let Some(RecordedPredictions::File(path)) = run.predictions.get(&by.set)
            && PredictionsFile::find(folder, path)?.is_none()
        {
            gone.push(path.as_str());
        }
    }
    Ok(Some(match gone.first() {
        Some(first) => format!(
            "{} of predictions {} gone, the first is {first}",
            counted(gone.len(), "file"),
            if gone.len() == 1 { "is" } else { "are" }
        ),
        None => format!(
            "not every run has predictions for all sentences of {} with their labels",
            by.set
        ),
    }))
}

fn is_of_classes(by: &Headline) -> bool {
    Metric::named(&by.metric).is_some_and(|metric| metric.takes() != ValueKind::Scores)
}

fn of_counts(counts: impl Iterator<Item = Counts>) -> McNemar {
    let (first, second) = counts.fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
    McNemar::from_counts(first, second)
}

fn by_labels((first, second): &Rights) -> Counts {
    let only = |wanted: (bool, bool)| {
        let pairs = first.iter().copied().zip(second.iter().copied());
        pairs.filter(|pair| *pair == wanted).count() as u64
    };
    (only((true, false)), only((false, true)))
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
        let pair = (first, second);
        assert_eq!(by_labels(&pair), (2, 1));
        assert_eq!(difference(&pair), [0.0, 1.0, -1.0, 0.0, 1.0]);
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
