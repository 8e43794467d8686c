//! `summary.json`: the scores of every point of every study, and how the points differ.

mod comparison;
mod same_examples;
mod verdict;

use std::path::Path;

use serde::{Deserialize, Serialize};
use tasks::{Metric, ValueKind};

use crate::arm::Arm;
use crate::config::StudyConfig;
use crate::error::StudyError;
use crate::kind::StudyKind;
use crate::plan::{self, PlannedPoint, PlannedStudy, RunKey};
use crate::record::{Headline, RunRecord};
use crate::statistics::{McNemar, Paired, StochasticOrder, Summary, TTest, holm};

/// What the studies of a comparison found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudySummary {
    /// Name of the task.
    pub task: String,
    /// Name of the metric; scores are in its own range: 0 to 1, or -1 to 1 for a correlation.
    pub metric: String,
    /// The studies, in the order in which they ran.
    pub studies: Vec<StudyResult>,
}

/// What one study found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyResult {
    /// The question.
    pub study: StudyKind,
    /// Its points, in the order of the plan; a point without a run is left out.
    pub points: Vec<Point>,
    /// The answer in one sentence, generated from the intervals.
    pub verdict: String,
}

/// The same setting over several seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Unique within the study.
    pub label: String,
    /// What was done on top of plain finetuning.
    pub arm: Arm,
    /// Noise intensity, if the point has one; 0 for the baseline in a sweep of λ.
    pub lambda: Option<f64>,
    /// Training rows.
    pub train_rows: usize,
    /// The scores of the runs.
    pub scores: Scores,
    /// The comparison with another point of the study; `None` for a baseline, or if no seed completed both.
    pub comparison: Option<Comparison>,
    /// The same for every other metric and evaluation set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherScores>,
}

/// The scores of a point by a metric, or on an evaluation set, other than the headline's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherScores {
    /// The evaluation set.
    pub set: String,
    /// Name of the metric.
    pub metric: String,
    /// The scores of the runs.
    pub scores: Scores,
    /// As [`Point::comparison`].
    pub comparison: Option<Comparison>,
}

/// The scores of a point's runs; failed runs are counted and have none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The scores, in ascending order of seed.
    pub values: Vec<SeedScore>,
    /// Number of values.
    pub n: usize,
    /// Runs that failed.
    pub failed: usize,
    /// `None` without values.
    pub mean: Option<f64>,
    /// Standard deviation (n - 1); `None` for fewer than two values.
    pub sd: Option<f64>,
    /// `None` without values.
    pub median: Option<f64>,
    /// `None` without values.
    pub min: Option<f64>,
    /// `None` without values.
    pub max: Option<f64>,
}

/// The score of one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedScore {
    /// Seed of every random choice of the run.
    pub seed: u64,
    /// The score, in the range of the metric.
    pub value: f64,
}

/// A point compared with another, over the seeds that completed both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Label of the other point, the control.
    pub against: String,
    /// Point minus control, in the order of the seeds.
    pub paired: Paired,
    /// Student's t-test on the same differences; `None` for one pair or equal differences.
    pub t_test: Option<TTest>,
    /// `paired.p_value` corrected for the study's other comparisons by this metric on this set; `None` if there are none.
    pub holm_p: Option<f64>,
    /// McNemar's test on the pooled predictions for the set, point first; `None` for a task of scores, or if a pair cannot be
    /// compared.
    pub mcnemar: Option<McNemar>,
    /// Whether the point is stochastically higher; `None` for one pair.
    pub stochastic_order: Option<StochasticOrder>,
    /// How many pairs it would take; `None` if the differences have no spread.
    pub pairs_needed: Option<PairsNeeded>,
}

/// How many pairs of runs it takes to detect a true difference in 4 of 5 studies, if further pairs scatter as these
/// do; `None` for more than [`MAX_PAIRS`](crate::statistics::MAX_PAIRS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairsNeeded {
    /// For a difference of 0.2 points (0.002).
    pub for_0_2_points: Option<usize>,
    /// For a difference of 0.4 points (0.004).
    pub for_0_4_points: Option<usize>,
}

impl StudySummary {
    /// Summarises recorded runs; those that the configuration does not ask for are left out.
    ///
    /// Task, metric and number of training rows come from the records, so a recorded study can be summarised again
    /// without its model and data. `folder` is the study's folder, which holds the files of predictions.
    ///
    /// # Errors
    /// [`StudyError::NoRecords`], [`StudyError::Statistics`] if a score is not finite, [`StudyError::File`] if the
    /// predictions of a run cannot be read.
    pub fn of(
        config: &StudyConfig,
        records: &[RunRecord],
        folder: &Path,
    ) -> Result<Self, StudyError> {
        let settings = &records.first().ok_or(StudyError::NoRecords)?.settings;
        let rows = settings.study_train_rows.unwrap_or(settings.train.used);
        let headline = &settings.headline;
        let others = other_measures(records, headline);
        let studies = plan::plan(config, rows)
            .iter()
            .map(|planned| StudyResult::of(planned, headline, &others, records, folder))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            task: settings.task.clone(),
            metric: headline.metric.clone(),
            studies,
        })
    }

    /// The results of a study, if it ran.
    pub fn study(&self, study: StudyKind) -> Option<&StudyResult> {
        self.studies.iter().find(|result| result.study == study)
    }

    /// The summary as indented JSON, ending with a newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a summary is plain data");
        text.push('\n');
        text
    }

    /// Writes the summary as JSON, as a whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::File`].
    pub fn save(&self, path: &Path) -> Result<(), StudyError> {
        Ok(files::replace(path, self.to_json().as_bytes())?)
    }
}

impl StudyResult {
    fn of(
        planned: &PlannedStudy,
        headline: &Headline,
        others: &[Headline],
        records: &[RunRecord],
        folder: &Path,
    ) -> Result<Self, StudyError> {
        let runs: Vec<Vec<&RunRecord>> = planned
            .points
            .iter()
            .map(|point| recorded(point, records))
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
                Some(at) => {
                    let label = &planned.points[at].label;
                    Comparison::of(label, of_point, &runs[at], by, folder)
                }
                None => Ok(None),
            };
            let others = others.iter().map(|by| {
                Ok(OtherScores {
                    set: by.set.clone(),
                    metric: by.metric.clone(),
                    scores: Scores::of(of_point, by)?,
                    comparison: compared(by)?,
                })
            });
            points.push(Point {
                label: point.label.clone(),
                arm: point.arm,
                lambda: point.lambda,
                train_rows: point.train_rows,
                scores: Scores::of(of_point, headline)?,
                comparison: compared(headline)?,
                others: others.collect::<Result<_, StudyError>>()?,
            });
        }
        correct_for_each_other(points.iter_mut().map(|point| &mut point.comparison))?;
        for at in 0..others.len() {
            let of_measure = points
                .iter_mut()
                .map(|point| &mut point.others[at].comparison);
            correct_for_each_other(of_measure)?;
        }
        Ok(Self {
            study: planned.study,
            verdict: verdict::sentence(&points, &metric_in_words(&headline.metric)),
            points,
        })
    }
}

impl Scores {
    fn of(runs: &[&RunRecord], by: &Headline) -> Result<Self, StudyError> {
        let values: Vec<SeedScore> = runs
            .iter()
            .filter_map(|run| {
                Some(SeedScore {
                    seed: run.seed,
                    value: run.score_by(by)?,
                })
            })
            .collect();
        let numbers: Vec<f64> = values.iter().map(|score| score.value).collect();
        let summary = match numbers.is_empty() {
            true => None,
            false => Some(Summary::of(&numbers)?),
        };
        Ok(Self {
            n: values.len(),
            failed: runs.len() - values.len(),
            mean: summary.map(|s| s.mean),
            sd: summary.and_then(|s| s.sd),
            median: summary.map(|s| s.median),
            min: summary.map(|s| s.min),
            max: summary.map(|s| s.max),
            values,
        })
    }
}

/// A metric's name as written in a sentence.
pub fn metric_in_words(name: &str) -> String {
    Metric::named(name).map_or_else(|| name.to_owned(), |metric| metric.to_string())
}

/// What a page calls an evaluation set: `dev` for each of GLUE's dev sets, otherwise its name.
pub fn set_in_words(name: &str) -> &str {
    if name.starts_with("dev") { "dev" } else { name }
}

/// The unit of a metric's scores in points: `%` for a share, `points` for a correlation.
pub fn metric_unit(name: &str) -> &'static str {
    Metric::named(name).map_or("%", Metric::unit)
}

/// The unit of the training loss of a task with this metric: nats of cross-entropy, or a squared error.
pub fn loss_unit(name: &str) -> &'static str {
    match Metric::named(name).map(Metric::takes) {
        Some(ValueKind::Scores) => "squared error",
        _ => "nats",
    }
}

/// Every other pair of evaluation set and metric in the records, headline set first.
fn other_measures(records: &[RunRecord], headline: &Headline) -> Vec<Headline> {
    let epochs = records.iter().filter_map(|record| record.epochs.last());
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
fn recorded<'a>(point: &PlannedPoint, records: &'a [RunRecord]) -> Vec<&'a RunRecord> {
    point
        .runs
        .iter()
        .filter_map(|run| records.iter().find(|record| RunKey::of(record) == *run))
        .collect()
}

/// Fills in `holm_p` if a study makes more than one comparison.
fn correct_for_each_other<'a>(
    comparisons: impl Iterator<Item = &'a mut Option<Comparison>>,
) -> Result<(), StudyError> {
    let comparisons: Vec<&mut Comparison> = comparisons
        .filter_map(Option::as_mut)
        .filter(|comparison| comparison.paired.p_value.is_some())
        .collect();
    if comparisons.len() < 2 {
        return Ok(());
    }
    let p_values: Vec<f64> = comparisons
        .iter()
        .filter_map(|c| c.paired.p_value)
        .collect();
    for (comparison, corrected) in comparisons.into_iter().zip(holm(&p_values)?) {
        comparison.holm_p = Some(corrected);
    }
    Ok(())
}
