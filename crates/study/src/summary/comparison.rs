//! One point against another, seed by seed.

use super::{Comparison, PairsNeeded};
use crate::error::StudyError;
use crate::record::RunRecord;
use crate::statistics::{
    Error, McNemar, Paired, RESAMPLES, StochasticOrder, paired_t_test, pairs_needed,
};

/// Seed of the resampling behind the intervals: the summary of the same records is the same.
const RESAMPLING_SEED: u64 = 0;

impl Comparison {
    /// Compares the runs of the seeds that both completed; `None` where there is no such seed.
    pub(super) fn of(
        against: &str,
        treated: &[&RunRecord],
        control: &[&RunRecord],
    ) -> Result<Option<Self>, StudyError> {
        let pairs: Vec<(&RunRecord, &RunRecord)> = treated
            .iter()
            .filter_map(|treated| {
                let other = control.iter().find(|other| other.seed == treated.seed)?;
                (treated.dev_accuracy.is_some() && other.dev_accuracy.is_some())
                    .then_some((*treated, *other))
            })
            .collect();
        if pairs.is_empty() {
            return Ok(None);
        }
        let (ours, theirs): (Vec<f64>, Vec<f64>) = pairs
            .iter()
            .filter_map(|(treated, control)| treated.dev_accuracy.zip(control.dev_accuracy))
            .unzip();
        let paired = Paired::of(&ours, &theirs, RESAMPLING_SEED)?;
        let t_test = match paired_t_test(&paired.differences) {
            Ok(test) => Some(test),
            Err(Error::TooFew { .. } | Error::NoSpread { .. }) => None,
            Err(other) => return Err(other.into()),
        };
        let stochastic_order = match pairs.len() {
            1 => None,
            _ => Some(StochasticOrder::of(
                &ours,
                &theirs,
                RESAMPLES,
                RESAMPLING_SEED,
            )?),
        };
        Ok(Some(Self {
            against: against.to_owned(),
            pairs_needed: needed(&paired)?,
            t_test,
            holm_p: None,
            mcnemar: mcnemar(&pairs),
            stochastic_order,
            paired,
        }))
    }
}

fn needed(paired: &Paired) -> Result<Option<PairsNeeded>, StudyError> {
    let Some(sd) = crate::statistics::Summary::of(&paired.differences)?.sd else {
        return Ok(None);
    };
    if sd == 0.0 {
        return Ok(None);
    }
    Ok(Some(PairsNeeded {
        for_0_2_points: pairs_needed(0.002, sd)?,
        for_0_4_points: pairs_needed(0.004, sd)?,
    }))
}

/// McNemar's test on the predictions of all pairs together.
///
/// Records hold predictions and no labels, which two classes do not need: where two predictions
/// differ, exactly one is right, and the two accuracies say how much oftener it is the one.
fn mcnemar(pairs: &[(&RunRecord, &RunRecord)]) -> Option<McNemar> {
    let (mut only_first, mut only_second) = (0, 0);
    for (first, second) in pairs {
        let predictions = || first.dev_predictions.iter().zip(&second.dev_predictions);
        let count = first.dev_predictions.len();
        if count != second.dev_predictions.len() || predictions().any(|(a, b)| *a.max(b) > 1) {
            return None;
        }
        let differing = predictions().filter(|(a, b)| a != b).count() as i64;
        let right = |accuracy: f64| (accuracy * count as f64).round() as i64;
        let more_right = right(first.dev_accuracy?) - right(second.dev_accuracy?);
        // A record whose accuracy is not that of its predictions tells nothing.
        if more_right.abs() > differing || (differing + more_right) % 2 != 0 {
            return None;
        }
        only_first += (differing + more_right) / 2;
        only_second += (differing - more_right) / 2;
    }
    Some(McNemar::from_counts(
        u64::try_from(only_first).ok()?,
        u64::try_from(only_second).ok()?,
    ))
}
