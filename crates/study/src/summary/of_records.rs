//! The points of a study and their scores, from its records.

use std::path::Path;

use super::{Comparison, OtherScores, Point, Scores, SeedScore, StudyResult, TuningResult};
use crate::error::StudyError;
use crate::plan::{PlannedPoint, PlannedStudy, RunKey};
use crate::record::{Headline, RunRecord};
use crate::statistics::Summary;

/// The recorded runs, and what is asked of them.
pub(super) struct Runs<'a> {
    pub records: &'a [RunRecord],
    pub headline: &'a Headline,
    pub others: &'a [Headline],
    pub is_collapsed: &'a dyn Fn(&RunRecord) -> bool,
    pub folder: &'a Path,
}

impl StudyResult {
    /// The points with their comparisons, without correction and verdict, which depend on the other studies.
    pub(super) fn of(planned: &PlannedStudy, asked: &Runs<'_>) -> Result<Self, StudyError> {
        let runs: Vec<Vec<&RunRecord>> = planned
            .points
            .iter()
            .map(|point| recorded(point, asked.records))
            .collect();
        let mut points = Vec::new();
        for (point, of_point) in planned.points.iter().zip(&runs) {
            if of_point.is_empty() {
                continue;
            }
            let control = planned
                .points
                .iter()
                .position(|other| point.against.as_ref() == Some(&other.label));
            let compared = |by: &Headline| match control {
                Some(at) => Comparison::of(
                    &planned.points[at].label,
                    of_point,
                    &runs[at],
                    by,
                    asked.is_collapsed,
                    asked.folder,
                ),
                None => Ok(None),
            };
            let others = asked.others.iter().map(|by| {
                Ok(OtherScores {
                    set: by.set.clone(),
                    metric: by.metric.clone(),
                    scores: Scores::of(of_point, by, asked.is_collapsed)?,
                    comparison: compared(by)?,
                })
            });
            points.push(Point {
                label: point.label.clone(),
                arm: point.arm,
                lambda: point.lambda,
                train_rows: point.train_rows,
                recipe: point.recipe,
                scores: Scores::of(of_point, asked.headline, asked.is_collapsed)?,
                comparison: compared(asked.headline)?,
                others: others.collect::<Result<_, StudyError>>()?,
            });
        }
        Ok(Self {
            study: planned.study,
            tuning: TuningResult::of(planned, asked)?,
            verdict: String::new(),
            points,
        })
    }
}

impl Scores {
    pub(super) fn of(
        runs: &[&RunRecord],
        by: &Headline,
        is_collapsed: &dyn Fn(&RunRecord) -> bool,
    ) -> Result<Self, StudyError> {
        let values: Vec<SeedScore> = runs
            .iter()
            .filter_map(|run| {
                Some(SeedScore {
                    seed: run.seed,
                    value: run.score_by(by)?,
                    collapsed: is_collapsed(run),
                })
            })
            .collect();
        let summary = |values: Vec<f64>| match values.is_empty() {
            true => Ok(None),
            false => Summary::of(&values).map(Some),
        };
        let all = summary(values.iter().map(|score| score.value).collect())?;
        let learned = values.iter().filter(|score| !score.collapsed);
        let learned: Vec<f64> = learned.map(|score| score.value).collect();
        Ok(Self {
            n: values.len(),
            failed: runs.len() - values.len(),
            collapsed: values.len() - learned.len(),
            mean: all.map(|s| s.mean),
            mean_without_collapsed: summary(learned)?.map(|s| s.mean),
            sd: all.and_then(|s| s.sd),
            median: all.map(|s| s.median),
            min: all.map(|s| s.min),
            max: all.map(|s| s.max),
            values,
        })
    }
}

/// Every other pair of evaluation set and metric in the records, headline set first.
pub(super) fn other_measures(records: &[RunRecord], headline: &Headline) -> Vec<Headline> {
    let records = records.iter().filter(|record| !record.is_tuning());
    let epochs = records.filter_map(|record| record.epochs.last());
    let measures = epochs.flat_map(|epoch| &epoch.evaluations);
    let measures = measures.flat_map(|(set, evaluation)| {
        let metrics = evaluation.metrics.keys();
        metrics.map(|metric| Headline {
            set: set.clone(),
            metric: metric.clone(),
        })
    });
    let mut others: Vec<Headline> = Vec::new();
    for measure in measures {
        if measure != *headline && !others.contains(&measure) {
            others.push(measure);
        }
    }
    others.sort_by_key(|measure| measure.set != headline.set);
    others
}

/// The recorded runs of a point, in ascending order of seed.
pub(super) fn recorded<'a>(point: &PlannedPoint, records: &'a [RunRecord]) -> Vec<&'a RunRecord> {
    point
        .runs
        .iter()
        .filter_map(|run| records.iter().find(|record| RunKey::of(record) == *run))
        .collect()
}
