//! How recipes were chosen: the tuning runs of each arm.

use serde::{Deserialize, Serialize};

use super::Scores;
use super::of_records::{Runs, recorded};
use crate::arm::Arm;
use crate::error::StudyError;
use crate::plan::{PlannedPoint, PlannedStudy};
use crate::record::{Headline, RunRecord};
use crate::statistics::expected_maximum;
use crate::tuning::{self, GridPoint};

/// The tuning runs of a study. None of them has seen dev.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TuningResult {
    /// The set they are scored on.
    pub set: String,
    /// Training rows in it.
    pub rows: usize,
    /// Each arm, in the order of the plan.
    pub arms: Vec<TunedArm>,
}

/// The tuning runs of one arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TunedArm {
    /// The arm.
    pub arm: Arm,
    /// Its points, cheapest first; one without a run is left out.
    pub points: Vec<TuningPoint>,
    /// The one of the fewest failed runs with the highest mean score; `None` if no run has a score.
    pub best: Option<GridPoint>,
    /// Expected score of the best of n runs, each at a point and with a seed drawn at random, for n from 1 to the number of
    /// scores: [`expected_maximum`].
    pub expected_best: Vec<f64>,
}

/// The tuning runs of an arm at a point of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TuningPoint {
    /// Learning rate and epochs.
    #[serde(flatten)]
    pub recipe: GridPoint,
    /// Their scores on the held-out rows.
    pub scores: Scores,
}

impl TunedArm {
    /// Runs of all points.
    pub fn runs(&self) -> usize {
        let scores = self.points.iter().map(|point| &point.scores);
        scores.map(|scores| scores.n + scores.failed).sum()
    }

    /// Runs that failed.
    pub fn failed(&self) -> usize {
        self.points.iter().map(|point| point.scores.failed).sum()
    }

    /// Runs that collapsed.
    pub fn collapsed(&self) -> usize {
        self.points.iter().map(|point| point.scores.collapsed).sum()
    }
}

impl TuningResult {
    /// `None` for a study without tuning runs.
    pub(super) fn of(planned: &PlannedStudy, asked: &Runs<'_>) -> Result<Option<Self>, StudyError> {
        let all: Vec<(&PlannedPoint, Vec<&RunRecord>)> = planned
            .tuning
            .iter()
            .map(|point| (point, recorded(point, asked.records)))
            .filter(|(_, runs)| !runs.is_empty())
            .collect();
        let Some(settings) = all.first().map(|(_, runs)| &runs[0].settings) else {
            return Ok(None);
        };
        let by = &settings.headline;
        let mut arms: Vec<Arm> = Vec::new();
        for (point, _) in &all {
            if !arms.contains(&point.arm) {
                arms.push(point.arm);
            }
        }
        let arms = arms.into_iter().map(|arm| {
            let points = all.iter().filter(|(point, _)| point.arm == arm);
            let points = points.filter_map(|(point, runs)| Some((point.recipe?, runs.clone())));
            TunedArm::of(arm, &points.collect::<Vec<_>>(), by, asked)
        });
        Ok(Some(Self {
            set: by.set.clone(),
            rows: settings.held_out.map_or(0, |held_out| held_out.rows),
            arms: arms.collect::<Result<_, _>>()?,
        }))
    }
}

impl TunedArm {
    fn of(
        arm: Arm,
        runs: &[(GridPoint, Vec<&RunRecord>)],
        by: &Headline,
        asked: &Runs<'_>,
    ) -> Result<Self, StudyError> {
        let points = runs.iter().map(|(recipe, runs)| {
            Ok(TuningPoint {
                recipe: *recipe,
                scores: Scores::of(runs, by, asked.is_collapsed)?,
            })
        });
        let points = points.collect::<Result<Vec<_>, StudyError>>()?;
        let scores = points.iter().flat_map(|point| &point.scores.values);
        let scores: Vec<f64> = scores.map(|score| score.value).collect();
        Ok(Self {
            arm,
            best: tuning::best(runs),
            expected_best: match scores.is_empty() {
                true => Vec::new(),
                false => expected_maximum(&scores)?,
            },
            points,
        })
    }
}
