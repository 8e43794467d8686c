//! Several tasks side by side, or several languages of a task: does the noise help on a benchmark such as GLUE or XTREME?

mod average;
mod languages;
mod verdict;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::arm::Arm;
use crate::error::StudyError;
use crate::json_text::json_text;
use crate::statistics::{Paired, holm};
use crate::summary::{Comparison, Point, Scores, StudyResult, StudySummary};

pub use crate::statistics::Finding;

/// The comparison of two arms on each task of a benchmark, or on each language's set of a task, and on their average.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkSummary {
    /// What it puts side by side.
    #[serde(default, skip_serializing_if = "Parts::are_tasks")]
    pub parts: Parts,
    /// The tasks that ran, in the benchmark's order; or the languages, in the task's.
    pub tasks: Vec<TaskResult>,
    /// The mean over these tasks; `None` if no seed completed both runs of one of them.
    pub average: Option<Average>,
}

/// What a benchmark is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parts {
    /// Tasks, each with a study of its own.
    #[default]
    Tasks,
    /// Languages, on whose sets the same runs are scored.
    Languages,
}

/// What a task's study found by the task's headline metric, or what it found on a language's set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// Name of the task, or code of the language.
    pub task: String,
    /// Name of the metric.
    pub metric: String,
    /// Label of the compared point.
    pub treatment: String,
    /// Its scores.
    pub treatment_scores: Scores,
    /// Label of the point it is compared with.
    pub control: String,
    /// Its scores.
    pub control_scores: Scores,
    /// The differences, seed by seed; `None` if no seed completed both runs.
    pub comparison: Option<Comparison>,
    /// The comparison's p-value corrected for the number of tasks or languages.
    pub holm_p: Option<f64>,
    /// What it says once their number is accounted for.
    pub finding: Finding,
    /// As [`StudySummary::exploratory`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploratory: Option<String>,
}

/// The mean over the tasks, in which every task counts as much as every other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Average {
    /// Mean of the tasks' mean scores over the pairs, of the control.
    pub control: f64,
    /// The same of the treatment. The difference is the mean of the tasks' mean differences.
    pub treatment: f64,
    /// The differences of the seeds' averages; `None` if tasks have pairs of other seeds.
    pub paired: Option<Paired>,
    /// The 95 % interval of the difference: that of the seeds' averages or, if tasks have pairs of other seeds,
    /// [`interval_of_means`](crate::statistics::interval_of_means). `None` if that is undefined, or a task has fewer than
    /// [`MIN_PAIRS`](crate::statistics::MIN_PAIRS) pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci95: Option<[f64; 2]>,
}

impl BenchmarkSummary {
    /// Puts the summaries of tasks side by side: of each, NoisyTune against its control in the comparison, or else the
    /// first two arms compared; without a comparison by one recipe, by the recipe that was tuned for the control. A summary
    /// without either is left out.
    ///
    /// # Errors
    /// [`StudyError::Statistics`] if a p-value or a score is out of its range.
    pub fn of(summaries: &[StudySummary]) -> Result<Self, StudyError> {
        let tasks = summaries.iter().filter_map(TaskResult::of).collect();
        Self::corrected(Parts::Tasks, tasks)
    }

    /// Corrects the p-values for the number of results, and averages over them.
    fn corrected(parts: Parts, mut tasks: Vec<TaskResult>) -> Result<Self, StudyError> {
        let tested = |task: &TaskResult| task.comparison.as_ref()?.paired.p_value;
        // What has no p-value counts as one that found nothing.
        let p_values: Vec<f64> = tasks
            .iter()
            .map(|task| tested(task).unwrap_or(1.0))
            .collect();
        for (task, corrected) in tasks.iter_mut().zip(holm(&p_values)?) {
            task.holm_p = tested(task).map(|_| corrected);
            task.finding = task.found(p_values.len());
        }
        Ok(Self {
            parts,
            average: Average::of(parts, &tasks)?,
            tasks,
        })
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

impl Parts {
    fn are_tasks(&self) -> bool {
        *self == Self::Tasks
    }

    /// What one of them is called.
    pub fn one(self) -> &'static str {
        match self {
            Self::Tasks => "task",
            Self::Languages => "language",
        }
    }

    /// `1 task`, `2 tasks`.
    pub fn counted(self, count: usize) -> String {
        tasks::counted(count, self.one())
    }
}

/// The first point of a study that is NoisyTune's and compared, or else the first one compared, and the point it is compared with.
fn compared(study: &StudyResult) -> Option<(&Point, &Point)> {
    let points = &study.points;
    let compared = || points.iter().filter(|point| point.comparison.is_some());
    let treatment = compared()
        .find(|point| point.arm == Arm::NOISYTUNE)
        .or_else(|| compared().next())?;
    let against = &treatment.comparison.as_ref()?.against;
    let control = points.iter().find(|point| point.label == *against)?;
    Some((treatment, control))
}

impl TaskResult {
    fn of(summary: &StudySummary) -> Option<Self> {
        let (treatment, control) = compared(summary.judging()?)?;
        Some(Self {
            task: summary.task.clone(),
            metric: summary.metric.clone(),
            treatment: treatment.label.clone(),
            treatment_scores: treatment.scores.clone(),
            control: control.label.clone(),
            control_scores: control.scores.clone(),
            comparison: treatment.comparison.clone(),
            holm_p: None,
            finding: Finding::TooFew,
            exploratory: summary.exploratory.clone(),
        })
    }

    /// What the comparison says beside those of so many tasks.
    fn found(&self, tested: usize) -> Finding {
        let paired = self.comparison.as_ref().map(|c| &c.paired);
        paired.map_or(Finding::TooFew, |paired| {
            paired.finding(self.holm_p, tested)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Summary;
    use crate::summary::SeedScore;

    fn scores(values: &[f64]) -> Scores {
        let summary = Summary::of(values).expect("finite");
        Scores {
            values: (0..)
                .zip(values)
                .map(|(seed, &value)| SeedScore {
                    seed,
                    value,
                    collapsed: false,
                })
                .collect(),
            n: values.len(),
            failed: 0,
            collapsed: 0,
            mean: Some(summary.mean),
            mean_without_collapsed: Some(summary.mean),
            sd: summary.sd,
            median: Some(summary.median),
            min: Some(summary.min),
            max: Some(summary.max),
        }
    }

    fn task(name: &str, control: &[f64], treatment: &[f64]) -> TaskResult {
        let paired = Paired::of(treatment, control, 0).expect("finite");
        TaskResult {
            task: name.to_owned(),
            metric: "accuracy".to_owned(),
            treatment: "noisytune".to_owned(),
            treatment_scores: scores(treatment),
            control: "baseline".to_owned(),
            control_scores: scores(control),
            comparison: Some(Comparison {
                against: "baseline".to_owned(),
                paired,
                t_test: None,
                holm_p: None,
                seeds_and_sentences: None,
                equivalence: Vec::new(),
                without_collapsed: None,
                at_another_epoch: Vec::new(),
                mcnemar: None,
                predictions_missing: None,
                stochastic_order: None,
                pairs_needed: None,
            }),
            holm_p: None,
            finding: Finding::TooFew,
            exploratory: None,
        }
    }

    #[test]
    fn the_average_counts_every_task_alike_and_pairs_the_seeds() {
        let tasks = [
            task("rte", &[0.6, 0.5], &[0.7, 0.5]),
            task("cola", &[0.2, 0.4], &[0.2, 0.5]),
        ];
        let average = Average::of(Parts::Tasks, &tasks)
            .expect("finite")
            .expect("every arm has scores");
        assert!((average.control - 0.425).abs() < 1e-15);
        assert!((average.treatment - 0.475).abs() < 1e-15);
        let differences = average.paired.expect("two seeds").differences;
        for (found, expected) in differences.iter().zip([0.05, 0.05]) {
            assert!((found - expected).abs() < 1e-15, "{differences:?}");
        }
    }

    #[test]
    fn the_mean_difference_is_over_pairs_alone() {
        let better = [0.61, 0.62, 0.61, 0.63, 0.62, 0.61, 0.62];
        let mut rte = task("rte", &[0.6; 7], &better);
        // A run without its pair, far off.
        rte.treatment_scores.values.push(SeedScore {
            seed: 7,
            value: 0.3,
            collapsed: false,
        });
        rte.control_scores.failed = 1;
        let paired = rte.comparison.clone().expect("compared").paired;
        let summary = BenchmarkSummary::corrected(Parts::Tasks, vec![rte.clone()]).expect("finite");
        let average = summary.average.clone().expect("pairs");
        assert!((average.treatment - average.control - paired.mean).abs() < 1e-15);
        assert_eq!(average.ci95, paired.ci95);
        assert_eq!(
            summary.verdict(),
            "evidence of a difference: higher on rte; left out: 1 failed run on rte; over 1 task the mean difference is \
             +1.71 points (95 % interval +1.02 to +2.41)"
        );
    }

    #[test]
    fn the_interval_over_tasks_with_other_seeds_is_that_of_independent_means() {
        let mixed = [0.01, -0.01, 0.02, -0.02, 0.01, -0.01, 0.02, -0.03];
        let treated = |scale: f64, n: usize| -> Vec<f64> {
            mixed[..n].iter().map(|x| 0.5 + scale * x).collect()
        };
        let tasks = |parts| {
            let tasks = vec![
                task("rte", &[0.5; 8], &treated(1.0, 8)),
                task("cola", &[0.5; 7], &treated(0.5, 7)),
            ];
            let summary = BenchmarkSummary::corrected(parts, tasks).expect("finite");
            summary.average.expect("pairs")
        };
        let average = tasks(Parts::Tasks);
        assert_eq!(average.paired, None);
        // numpy and scipy: Welch's standard error of both means, halved, and 9.709 degrees of freedom.
        let [low, high] = average.ci95.expect("pairs enough");
        assert!((low + 0.008100496144365567).abs() < 1e-10, "{low}");
        assert!((high - 0.008279067572936994).abs() < 1e-10, "{high}");
        // A run that lacks a language is in no mean over them.
        let average = tasks(Parts::Languages);
        assert_eq!(average.paired.expect("seven seeds").n, 7);
    }

    #[test]
    fn without_a_pair_on_each_task_there_is_no_mean() {
        let mut tasks = [
            task("rte", &[0.6, 0.5], &[0.7, 0.5]),
            task("cola", &[0.2, 0.4], &[0.2, 0.5]),
        ];
        tasks[1].treatment_scores.values.clear();
        let average = |tasks: &[TaskResult]| Average::of(Parts::Tasks, tasks).expect("finite");
        assert_eq!(average(&tasks), None);
        assert_eq!(average(&[]), None);
    }

    #[test]
    fn a_task_of_one_pair_counts_among_those_corrected_for() {
        let better = [0.51, 0.52, 0.51, 0.53, 0.52, 0.51];
        let tasks = vec![
            task("rte", &[0.5; 6], &better),
            task("mrpc", &[0.5], &[0.6]),
        ];
        let summary = BenchmarkSummary::corrected(Parts::Tasks, tasks).expect("finite");
        assert_eq!(summary.tasks[0].holm_p, Some(0.0625));
        assert_eq!(summary.tasks[1].holm_p, None);
        let begin = "too few pairs to tell: with 2 tasks it takes at least 7 pairs";
        assert!(
            summary.verdict().starts_with(begin),
            "{}",
            summary.verdict()
        );
    }

    #[test]
    fn a_finding_needs_an_interval_without_0_and_a_small_corrected_p() {
        let better = [0.51, 0.52, 0.51, 0.53, 0.52, 0.51, 0.52, 0.53];
        let mut task = task("rte", &[0.5; 8], &better);
        assert_eq!(task.found(1), Finding::TooFew, "not tested");
        for (p, expected) in [(0.01, Finding::Higher), (0.06, Finding::NoEvidence)] {
            task.holm_p = Some(p);
            assert_eq!(task.found(1), expected);
        }
        let summary = |tasks: Vec<TaskResult>| BenchmarkSummary {
            parts: Parts::Tasks,
            average: Average::of(Parts::Tasks, &tasks).expect("finite"),
            tasks,
        };
        task.finding = Finding::NoEvidence;
        assert_eq!(
            summary(vec![task.clone()]).verdict(),
            "no evidence of a difference on rte; by itself, the interval on rte excludes 0; over 1 task the mean difference is +1.88 \
             points (95 % interval +1.18 to +2.57)"
        );
        let mut untold = task.clone();
        untold.task = "wnli".to_owned();
        untold.finding = Finding::TooFew;
        let verdict = summary(vec![task.clone(), untold.clone()]).verdict();
        let begin = "no evidence of a difference on rte, corrected for all 2 tasks; by itself, the interval on rte excludes 0; too few pairs to tell on wnli; over 2";
        assert!(verdict.starts_with(begin), "{verdict}");
        task.finding = Finding::Higher;
        let verdict = summary(vec![task.clone(), untold]).verdict();
        let part = ": higher on rte; too few pairs to tell on wnli; over 2 tasks";
        assert!(verdict.contains(part), "{verdict}");
        assert_eq!(
            summary(vec![task]).verdict(),
            "evidence of a difference: higher on rte; over 1 task the mean difference is +1.88 points (95 % interval +1.18 to +2.57)"
        );
        assert_eq!(
            summary(Vec::new()).verdict(),
            "no verdict: no task was compared"
        );
    }

    #[test]
    fn without_evidence_the_verdict_says_which_gains_are_excluded() {
        let mixed = [0.01, -0.01, 0.02, -0.02, 0.01, -0.01, 0.02, -0.03];
        let treated = |scale: f64| mixed.map(|difference| 0.5 + scale * difference);
        let mut tasks = vec![
            task("rte", &[0.5; 8], &treated(1.0)),
            task("cola", &[0.5; 8], &treated(0.5)),
        ];
        let verdict = |tasks: &[TaskResult]| {
            BenchmarkSummary::corrected(Parts::Tasks, tasks.to_vec())
                .expect("finite")
                .verdict()
        };
        assert_eq!(
            verdict(&tasks),
            "no evidence of a difference on any of 2 tasks, corrected for their number; at 95 % for all together, gains of more \
             than 1.77 points on rte and 0.88 on cola are excluded; over 2 tasks the mean difference is -0.09 points (95 % interval \
             -1.28 to +1.09)"
        );
        let all = tasks.clone();
        // Seven pairs that differ are too few for three tasks.
        let untold = task(
            "mrpc",
            &[0.5; 8],
            &[0.51, 0.49, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
        );
        tasks.push(untold);
        let of_some = "no evidence of a difference on rte or cola, corrected for all 3 tasks; ";
        assert!(verdict(&tasks).starts_with(of_some), "{}", verdict(&tasks));
        tasks = all;
        tasks.pop();
        let alone = "no evidence of a difference on rte; at 95 %, a gain of more than 1.45 points on rte is excluded; over 1 task";
        assert!(verdict(&tasks).starts_with(alone), "{}", verdict(&tasks));
    }

    #[test]
    fn what_is_exploratory_in_a_study_is_so_beside_others() {
        let mixed = [0.51, 0.49, 0.52, 0.48, 0.51, 0.49, 0.52, 0.47];
        let departed = TaskResult {
            exploratory: Some("the plan was extended after the first run".to_owned()),
            ..task("rte", &[0.5; 8], &mixed)
        };
        let summary = |tasks| BenchmarkSummary::corrected(Parts::Tasks, tasks).expect("finite");
        let alone = summary(vec![departed.clone()]).verdict();
        assert!(
            alone.starts_with("exploratory, no evidence of a difference on rte"),
            "{alone}"
        );
        let both = summary(vec![departed, task("cola", &[0.5; 8], &mixed)]).verdict();
        let begin = "exploratory on rte, no evidence of a difference on any of 2 tasks";
        assert!(both.starts_with(begin), "{both}");
    }

    #[test]
    fn too_few_pairs_for_so_many_tasks_can_tell_nothing() {
        // Five pairs reach p = 0.0625, eight 0.0078; seven tasks need nine, and pairs without a difference are none.
        let mut five = task("rte", &[0.5; 5], &[0.51, 0.52, 0.53, 0.51, 0.5]);
        five.holm_p = Some(1.0);
        assert_eq!(five.found(1), Finding::TooFew);
        let mut eight = task(
            "rte",
            &[0.5; 8],
            &[0.51, 0.52, 0.53, 0.51, 0.54, 0.49, 0.52, 0.48],
        );
        eight.holm_p = Some(1.0);
        assert_eq!(eight.found(6), Finding::NoEvidence);
        assert_eq!(eight.found(7), Finding::TooFew);
    }
}
