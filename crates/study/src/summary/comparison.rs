//! Comparing one point with another, seed by seed.

use std::path::Path;

use tasks::Metric;

use super::another_epoch::at_another_epoch;
use super::{Comparison, PairsNeeded, PairsRange, WithoutCollapsed, same_examples};
use crate::error::StudyError;
use crate::record::{Headline, RunRecord};
use crate::statistics::{
    Equivalence, Error, MARGINS, MIN_PAIRS, Paired, RESAMPLES, StochasticOrder, Summary,
    crossed_interval, paired_t_test, pairs_needed, sd_interval,
};

/// Seed of everything drawn, fixed so that the same records give the same summary.
pub(super) const SEED: u64 = 0;

impl Comparison {
    /// Compares the runs of the seeds that both points completed by a metric on an evaluation set; `None` if there is
    /// no such seed. `is_collapsed` says which runs learned nothing.
    pub(super) fn of(
        against: &str,
        treated: &[&RunRecord],
        control: &[&RunRecord],
        by: &Headline,
        is_collapsed: &dyn Fn(&RunRecord) -> bool,
        folder: &Path,
    ) -> Result<Option<Self>, StudyError> {
        let pairs: Vec<(&RunRecord, &RunRecord)> = treated
            .iter()
            .filter_map(|treated| {
                let other = control.iter().find(|other| other.seed == treated.seed)?;
                let scored = [*treated, *other].map(|run| run.score_by(by));
                scored
                    .iter()
                    .all(Option::is_some)
                    .then_some((*treated, *other))
            })
            .collect();
        if pairs.is_empty() {
            return Ok(None);
        }
        let (ours, theirs) = scores(&pairs, by);
        let paired = Paired::of(&ours, &theirs, SEED)?;
        let t_test = unless_undefined(paired_t_test(&paired.differences))?;
        let mut equivalence = Vec::new();
        let mut stochastic_order = None;
        if paired.n >= MIN_PAIRS {
            for margin in MARGINS {
                let test = Equivalence::of(&paired.differences, margin);
                equivalence.extend(unless_undefined(test)?);
            }
            let order = StochasticOrder::of(&ours, &theirs, RESAMPLES, SEED)?;
            stochastic_order = Some(order);
        }
        let rights = same_examples::rights(&pairs, by, folder)?;
        let seeds_and_sentences = match &rights {
            // The other metrics are no means over sentences.
            Some(rights)
                if paired.n >= MIN_PAIRS && Metric::named(&by.metric) == Some(Metric::Accuracy) =>
            {
                let rows: Vec<Vec<f64>> = rights.iter().map(same_examples::difference).collect();
                unless_undefined(crossed_interval(&rows))?
            }
            _ => None,
        };
        let mcnemar = match rights {
            Some(rights) => Some(same_examples::mcnemar(&rights)),
            None => same_examples::mcnemar_without_labels(&pairs, by),
        };
        let predictions_missing = match mcnemar {
            Some(_) => None,
            None => same_examples::missing(&pairs, by, folder)?,
        };
        Ok(Some(Self {
            against: against.to_owned(),
            pairs_needed: needed(&paired)?,
            t_test,
            holm_p: None,
            seeds_and_sentences,
            equivalence,
            without_collapsed: without_collapsed(&pairs, by, is_collapsed)?,
            at_another_epoch: at_another_epoch(&pairs, by)?,
            mcnemar,
            predictions_missing,
            stochastic_order,
            paired,
        }))
    }
}

fn scores(pairs: &[(&RunRecord, &RunRecord)], by: &Headline) -> (Vec<f64>, Vec<f64>) {
    pairs
        .iter()
        .filter_map(|(treated, control)| treated.score_by(by).zip(control.score_by(by)))
        .unzip()
}

/// `None` for too few differences, and for differences without spread.
fn unless_undefined<T>(result: Result<T, Error>) -> Result<Option<T>, StudyError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::TooFew { .. } | Error::NoSpread { .. }) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// `None` if no run of the pairs has collapsed.
fn without_collapsed(
    pairs: &[(&RunRecord, &RunRecord)],
    by: &Headline,
    is_collapsed: &dyn Fn(&RunRecord) -> bool,
) -> Result<Option<WithoutCollapsed>, StudyError> {
    let left: Vec<_> = pairs
        .iter()
        .filter(|(treated, control)| !is_collapsed(treated) && !is_collapsed(control))
        .copied()
        .collect();
    if left.len() == pairs.len() {
        return Ok(None);
    }
    let (ours, theirs) = scores(&left, by);
    let paired = match left.is_empty() {
        true => None,
        false => Some(Paired::of(&ours, &theirs, SEED)?),
    };
    Ok(Some(WithoutCollapsed {
        n: left.len(),
        mean: paired.as_ref().map(|paired| paired.mean),
        ci95: paired.as_ref().and_then(|paired| paired.ci95),
        p_value: paired.and_then(|paired| paired.p_value),
    }))
}

/// As many as the t-test takes.
fn needed(paired: &Paired) -> Result<Option<PairsNeeded>, StudyError> {
    let Some(sd) = Summary::of(&paired.differences)?.sd.filter(|sd| *sd > 0.0) else {
        return Ok(None);
    };
    let [low, high] = sd_interval(sd, paired.n)?;
    let range = |difference: f64| -> Result<PairsRange, Error> {
        Ok(PairsRange {
            estimate: pairs_needed(difference, sd)?,
            fewest: pairs_needed(difference, low)?,
            most: pairs_needed(difference, high)?,
        })
    };
    Ok(Some(PairsNeeded {
        for_0_2_points: range(0.002)?,
        for_0_4_points: range(0.004)?,
    }))
}
