//! Comparing one point with another, seed by seed.

use std::path::Path;

use super::{Comparison, PairsNeeded, same_examples};
use crate::error::StudyError;
use crate::record::{Headline, RunRecord};
use crate::statistics::{Error, Paired, RESAMPLES, StochasticOrder, paired_t_test, pairs_needed};

/// Seed of the resampling behind the intervals, fixed so that the same records give the same summary.
const RESAMPLING_SEED: u64 = 0;

impl Comparison {
    /// Compares the runs of the seeds that both points completed by a metric on an evaluation set; `None` if there is
    /// no such seed.
    pub(super) fn of(
        against: &str,
        treated: &[&RunRecord],
        control: &[&RunRecord],
        by: &Headline,
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
        let (ours, theirs): (Vec<f64>, Vec<f64>) = pairs
            .iter()
            .filter_map(|(treated, control)| treated.score_by(by).zip(control.score_by(by)))
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
            mcnemar: same_examples::mcnemar(&pairs, by, folder)?,
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
