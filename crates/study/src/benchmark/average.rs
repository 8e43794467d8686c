//! The mean over tasks or languages.

use std::collections::{BTreeMap, BTreeSet};

use super::{Average, Parts, TaskResult};
use crate::error::StudyError;
use crate::statistics::{Error, MIN_PAIRS, Paired, Summary, differences, interval_of_means};
use crate::summary::SeedScore;

/// The scores of the seeds that completed both runs of a task: the control's, then the treatment's.
type Pairs = BTreeMap<u64, [f64; 2]>;

impl Average {
    pub(super) fn of(parts: Parts, tasks: &[TaskResult]) -> Result<Option<Self>, StudyError> {
        let mut pairs: Vec<Pairs> = tasks.iter().map(TaskResult::pairs).collect();
        let mut shared: BTreeSet<u64> = pairs.iter().flat_map(|of| of.keys().copied()).collect();
        shared.retain(|seed| pairs.iter().all(|of| of.contains_key(seed)));
        if parts == Parts::Languages {
            // A run is scored in every language; one that lacks some is in no mean over them.
            for of_language in &mut pairs {
                of_language.retain(|seed, _| shared.contains(seed));
            }
        }
        if pairs.is_empty() || pairs.iter().any(Pairs::is_empty) {
            return Ok(None);
        }
        let mean = |side: usize| -> Result<f64, Error> {
            let of_task = |of: &Pairs| Ok(Summary::of(&column(of, side))?.mean);
            let means: Result<Vec<f64>, Error> = pairs.iter().map(of_task).collect();
            Ok(Summary::of(&means?)?.mean)
        };
        let (paired, ci95) = if pairs.iter().all(|of| of.len() == shared.len()) {
            let of_seeds = |side: usize| -> Vec<f64> {
                let of_seed = |seed| pairs.iter().map(|of| of[seed][side]).sum::<f64>();
                let sums = shared.iter().map(of_seed);
                sums.map(|sum| sum / pairs.len() as f64).collect()
            };
            let paired = Paired::of(&of_seeds(1), &of_seeds(0), 0)?;
            (Some(paired.clone()), paired.ci95)
        } else {
            (None, interval_of_tasks(&pairs)?)
        };
        Ok(Some(Self {
            control: mean(0)?,
            treatment: mean(1)?,
            paired,
            ci95,
        }))
    }
}

fn column(pairs: &Pairs, side: usize) -> Vec<f64> {
    pairs.values().map(|scores| scores[side]).collect()
}

/// The interval of the mean over tasks with pairs of other seeds, whose runs need nothing of each other.
fn interval_of_tasks(pairs: &[Pairs]) -> Result<Option<[f64; 2]>, Error> {
    if pairs.iter().any(|of| of.len() < MIN_PAIRS) {
        return Ok(None);
    }
    let of_task = |of: &Pairs| differences(&column(of, 1), &column(of, 0));
    let groups: Result<Vec<Vec<f64>>, Error> = pairs.iter().map(of_task).collect();
    let groups = groups?;
    let groups: Vec<&[f64]> = groups.iter().map(Vec::as_slice).collect();
    match interval_of_means(&groups) {
        Ok(ends) => Ok(Some(ends)),
        Err(Error::NoSpread { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

impl TaskResult {
    fn pairs(&self) -> Pairs {
        let controls = self.control_scores.values.iter();
        let pair = |control: &SeedScore| {
            let mut treated = self.treatment_scores.values.iter();
            let treated = treated.find(|treated| treated.seed == control.seed)?;
            Some((control.seed, [control.value, treated.value]))
        };
        controls.filter_map(pair).collect()
    }
}
