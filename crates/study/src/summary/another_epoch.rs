//! The same pairs if every run had ended after another of its epochs: how much the last one matters.

use serde::{Deserialize, Serialize};

use super::comparison::SEED;
use crate::error::StudyError;
use crate::record::{EvaluationRecord, Headline, RunRecord};
use crate::statistics::Paired;

/// Which epoch of a run counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpochChoice {
    /// The one with the lowest loss on the evaluation set: early stopping.
    LowestLoss,
    /// The one with the best score there.
    BestScore,
}

/// A comparison in which each run is scored after the epoch that the evaluation set itself chooses, which flatters every
/// score: a sensitivity, never the result.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtAnotherEpoch {
    /// Which epoch counts; the first of several equal ones.
    pub choice: EpochChoice,
    /// Number of pairs.
    pub n: usize,
    /// Mean difference.
    pub mean: f64,
    /// As [`Paired::ci95`].
    pub ci95: Option<[f64; 2]>,
    /// As [`Paired::p_value`], not corrected for other comparisons.
    pub p_value: Option<f64>,
}

/// Both choices; none if no run has a second epoch.
pub(super) fn at_another_epoch(
    pairs: &[(&RunRecord, &RunRecord)],
    by: &Headline,
) -> Result<Vec<AtAnotherEpoch>, StudyError> {
    let mut runs = pairs
        .iter()
        .flat_map(|(treated, control)| [treated, control]);
    if runs.all(|run| run.epochs.len() < 2) {
        return Ok(Vec::new());
    }
    let mut choices = Vec::new();
    for choice in [EpochChoice::LowestLoss, EpochChoice::BestScore] {
        let scored = pairs.iter().filter_map(|(treated, control)| {
            Some((
                score_at(choice, treated, by)?,
                score_at(choice, control, by)?,
            ))
        });
        let (ours, theirs): (Vec<f64>, Vec<f64>) = scored.unzip();
        if ours.is_empty() {
            continue;
        }
        let paired = Paired::of(&ours, &theirs, SEED)?;
        choices.push(AtAnotherEpoch {
            choice,
            n: paired.n,
            mean: paired.mean,
            ci95: paired.ci95,
            p_value: paired.p_value,
        });
    }
    Ok(choices)
}

fn score_at(choice: EpochChoice, run: &RunRecord, by: &Headline) -> Option<f64> {
    let epochs = run.epochs.iter();
    let scored = epochs.filter_map(|epoch| {
        let evaluation: &EvaluationRecord = epoch.evaluations.get(&by.set)?;
        Some((evaluation.loss, *evaluation.metrics.get(&by.metric)?))
    });
    match choice {
        EpochChoice::LowestLoss => scored.min_by(|a, b| a.0.total_cmp(&b.0)),
        // Every metric is better the higher it is.
        EpochChoice::BestScore => scored.max_by(|a, b| a.1.total_cmp(&b.1)),
    }
    .map(|(_, score)| score)
}
