//! `summary.json`: the scores of every point of every study, and how the points differ.

mod another_epoch;
mod collapsed;
mod comparison;
mod contrasts;
mod devices;
mod of_records;
mod same_examples;
mod tuning;
mod verdict;
mod words;

use std::path::Path;

use serde::{Deserialize, Serialize};
use tasks::xtreme::{self, LanguageSets, language_set};

use crate::arm::Arm;
use crate::benchmark::BenchmarkSummary;
use crate::config::StudyConfig;
use crate::error::StudyError;
use crate::json_text::json_text;
use crate::kind::StudyKind;
use crate::plan::{self, RunKey};
use crate::preregistration;
use crate::record::RunRecord;
use crate::statistics::{Equivalence, McNemar, Paired, StochasticOrder, TTest};
use crate::tuning::GridPoint;
use contrasts::correct_for_each_other;
use of_records::{Runs, other_measures};

pub use another_epoch::{AtAnotherEpoch, EpochChoice};
pub use collapsed::is_collapsed;
pub use devices::MixedDevices;
pub use tuning::{TunedArm, TuningPoint, TuningResult};
pub use words::{loss_unit, metric_in_words, metric_unit, set_in_words};

/// What the studies of a comparison found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudySummary {
    /// Name of the task.
    pub task: String,
    /// Name of the metric; scores are in its own range: 0 to 1, or -1 to 1 for a correlation.
    pub metric: String,
    /// How many different comparisons by this metric the studies set out to make; `holm_p` is corrected for their number.
    pub comparisons: usize,
    /// How the studies left their plan, which makes their verdicts exploratory; `None` if they did not, or never had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploratory: Option<String>,
    /// The devices of the runs, if they are of different kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixed_devices: Option<MixedDevices>,
    /// The studies, in the order in which they ran.
    pub studies: Vec<StudyResult>,
    /// The comparison by language, of a task that is scored in several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub languages: Option<BenchmarkSummary>,
}

/// What one study found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyResult {
    /// The question.
    pub study: StudyKind,
    /// How the recipes of its points were chosen; `None` if they were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<TuningResult>,
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
    /// Learning rate and epochs, if they were chosen on a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<GridPoint>,
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
    /// Runs that collapsed: they predict one class for the headline's set, or score no better there than always
    /// predicting the commonest class. They are among the values.
    pub collapsed: usize,
    /// `None` without values.
    pub mean: Option<f64>,
    /// Mean of the runs that did not collapse; `None` if all did.
    pub mean_without_collapsed: Option<f64>,
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
    /// Whether the run collapsed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub collapsed: bool,
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
    /// `paired.p_value` corrected for the other planned comparisons by this metric on this set, in all studies, where the same
    /// contrast counts once; `None` if there are none.
    pub holm_p: Option<f64>,
    /// The 95 % interval of the mean difference if not only other seeds but also other sentences might have been drawn:
    /// [`crossed_interval`](crate::statistics::crossed_interval). `None` for a metric other than accuracy, for fewer than
    /// [`MIN_PAIRS`](crate::statistics::MIN_PAIRS) pairs, or if predictions or labels of a run are missing.
    pub seeds_and_sentences: Option<[f64; 2]>,
    /// Whether the difference is within each of [`MARGINS`](crate::statistics::MARGINS); empty for fewer than
    /// [`MIN_PAIRS`](crate::statistics::MIN_PAIRS) pairs or equal differences.
    pub equivalence: Vec<Equivalence>,
    /// The pairs in which no run collapsed; `None` if that is all of them.
    pub without_collapsed: Option<WithoutCollapsed>,
    /// The same pairs after other epochs than their last; empty if there is only one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_another_epoch: Vec<AtAnotherEpoch>,
    /// McNemar's test on the pooled predictions for the set, point first; `None` for a task of scores, or if a pair cannot be
    /// compared.
    pub mcnemar: Option<McNemar>,
    /// Why predictions of a task of classes are not compared, neither by `mcnemar` nor by `seeds_and_sentences`; `None` if they
    /// are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictions_missing: Option<String>,
    /// Whether the point is stochastically higher; `None` for fewer than
    /// [`MIN_PAIRS`](crate::statistics::MIN_PAIRS) pairs.
    pub stochastic_order: Option<StochasticOrder>,
    /// How many pairs it would take; `None` if the differences have no spread.
    pub pairs_needed: Option<PairsNeeded>,
}

/// A comparison over the pairs in which neither run collapsed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithoutCollapsed {
    /// Number of these pairs.
    pub n: usize,
    /// Mean difference; `None` without pairs.
    pub mean: Option<f64>,
    /// As [`Paired::ci95`].
    pub ci95: Option<[f64; 2]>,
    /// As [`Paired::p_value`].
    pub p_value: Option<f64>,
}

/// How many pairs of runs it takes to detect a true difference in 4 of 5 studies, if further pairs scatter as these do: as many as
/// a t-test takes, and at least [`fewest_pairs`](crate::statistics::fewest_pairs), with fewer of which no difference is evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairsNeeded {
    /// For a difference of 0.2 points (0.002).
    pub for_0_2_points: PairsRange,
    /// For a difference of 0.4 points (0.004).
    pub for_0_4_points: PairsRange,
}

/// A number of pairs, and how far it can be trusted; `None` stands for more than
/// [`MAX_PAIRS`](crate::statistics::MAX_PAIRS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairsRange {
    /// For the standard deviation of these differences.
    pub estimate: Option<usize>,
    /// For the lower end of its 95 % interval.
    pub fewest: Option<usize>,
    /// For the upper end.
    pub most: Option<usize>,
}

impl PairsNeeded {
    fn at_least(self, pairs: usize) -> Self {
        let range = |range: PairsRange| {
            let floored = |needed: Option<usize>| needed.map(|needed| needed.max(pairs));
            PairsRange {
                estimate: floored(range.estimate),
                fewest: floored(range.fewest),
                most: floored(range.most),
            }
        };
        Self {
            for_0_2_points: range(self.for_0_2_points),
            for_0_4_points: range(self.for_0_4_points),
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
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
        // Tuning runs are scored on another set.
        let scored = records.iter().find(|record| !record.is_tuning());
        let headline = &scored.map_or(settings, |record| &record.settings).headline;
        let mut collapsed = Vec::new();
        for record in records {
            if collapsed::is_collapsed(record, folder)? {
                collapsed.push(RunKey::of(record));
            }
        }
        let runs = Runs {
            records,
            headline,
            others: &other_measures(records, headline),
            is_collapsed: &|run: &RunRecord| collapsed.contains(&RunKey::of(run)),
            folder,
        };
        let planned = plan::resolved(config, rows, records);
        let mut studies: Vec<StudyResult> = planned
            .iter()
            .map(|planned| StudyResult::of(planned, &runs))
            .collect::<Result<_, _>>()?;
        let own = GridPoint::of(&config.recipe);
        let comparisons =
            correct_for_each_other(&planned, &mut studies, own, |point| &mut point.comparison)?;
        for at in 0..runs.others.len() {
            correct_for_each_other(&planned, &mut studies, own, |point| {
                &mut point.others[at].comparison
            })?;
        }
        let metric = metric_in_words(&headline.metric);
        let exploratory = preregistration::departure(config, rows, records, folder)?;
        for study in &mut studies {
            let mut verdict = verdict::sentence(study.study, &study.points, &metric, comparisons);
            if let Some(tuning) = &study.tuning {
                verdict += &verdict::chosen(tuning);
            }
            study.verdict = match &exploratory {
                Some(_) => format!("exploratory, {verdict}"),
                None => verdict,
            };
        }
        let mut summary = Self {
            task: settings.task.clone(),
            metric: headline.metric.clone(),
            comparisons,
            exploratory,
            mixed_devices: MixedDevices::of(&planned, records),
            studies,
            languages: None,
        };
        summary.languages = BenchmarkSummary::of_languages(&summary, headline)?;
        Ok(summary)
    }

    /// The results of a study, if it ran.
    pub fn study(&self, study: StudyKind) -> Option<&StudyResult> {
        self.studies.iter().find(|result| result.study == study)
    }

    /// The study by whose comparison the task is judged: that by one recipe, or else that of tuned arms.
    pub fn judging(&self) -> Option<&StudyResult> {
        StudyKind::JUDGING
            .iter()
            .find_map(|study| self.study(*study))
    }

    /// Whether a study's scores on another set or by another metric are to be shown. Those on a language's set are in the table of
    /// [`languages`](Self::languages), and a study that varies something else shows its headline alone.
    pub fn shows(&self, study: &StudyResult, other: &OtherScores) -> bool {
        let is_of = |language: &&str| {
            let sets = [LanguageSets::Test, LanguageSets::Dev];
            sets.iter()
                .any(|sets| language_set(*sets, language) == other.set)
        };
        let task = xtreme::named(&self.task);
        let is_of_language = task.is_some_and(|task| task.languages.iter().any(is_of));
        let compares = StudyKind::JUDGING.contains(&study.study);
        !is_of_language || (compares && self.languages.is_none())
    }

    /// The summary as indented JSON, ending with a newline.
    pub fn to_json(&self) -> String {
        json_text(self)
    }

    /// Writes the summary as JSON, as a whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::File`].
    pub fn save(&self, path: &Path) -> Result<(), StudyError> {
        Ok(files::replace(path, self.to_json().as_bytes())?)
    }
}
