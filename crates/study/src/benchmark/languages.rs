//! The languages of a task side by side.

use tasks::xtreme::{self, LanguageSets, language_set};

use super::{BenchmarkSummary, Parts, TaskResult, compared};
use crate::error::StudyError;
use crate::record::Headline;
use crate::statistics::Finding;
use crate::summary::{Comparison, Point, Scores, StudySummary};

impl BenchmarkSummary {
    /// Puts the languages of a study side by side: on each language's set, the comparison of [`of`](Self::of). The sets are the test
    /// sets, or the dev sets if no test set was scored.
    ///
    /// `None` for a task of one language, or without a comparison.
    ///
    /// # Errors
    /// [`StudyError::Statistics`] if a p-value or a score is out of its range.
    pub(crate) fn of_languages(
        summary: &StudySummary,
        headline: &Headline,
    ) -> Result<Option<Self>, StudyError> {
        let Some(task) = xtreme::named(&summary.task) else {
            return Ok(None);
        };
        let results = |sets| -> Vec<TaskResult> {
            let languages = task.languages.iter();
            let results = languages.filter_map(|language| {
                let set = language_set(sets, language);
                TaskResult::of_set(summary, headline, language, &set)
            });
            results.collect()
        };
        let tests = results(LanguageSets::Test);
        let languages = match tests.is_empty() {
            true => results(LanguageSets::Dev),
            false => tests,
        };
        match languages.is_empty() {
            true => Ok(None),
            false => Self::corrected(Parts::Languages, languages).map(Some),
        }
    }
}

impl TaskResult {
    /// What the comparison found on an evaluation set, by the headline metric.
    fn of_set(summary: &StudySummary, headline: &Headline, name: &str, set: &str) -> Option<Self> {
        let (treatment, control) = compared(summary.judging()?)?;
        let (treatment_scores, comparison) = on_set(headline, treatment, set)?;
        let (control_scores, _) = on_set(headline, control, set)?;
        Some(Self {
            task: name.to_owned(),
            metric: summary.metric.clone(),
            treatment: treatment.label.clone(),
            treatment_scores: treatment_scores.clone(),
            control: control.label.clone(),
            control_scores: control_scores.clone(),
            comparison: comparison.clone(),
            holm_p: None,
            finding: Finding::TooFew,
            exploratory: summary.exploratory.clone(),
        })
    }
}

/// The scores of a point on a set, with its comparison there.
fn on_set<'a>(
    headline: &Headline,
    point: &'a Point,
    set: &str,
) -> Option<(&'a Scores, &'a Option<Comparison>)> {
    if set == headline.set {
        return Some((&point.scores, &point.comparison));
    }
    let mut others = point.others.iter();
    let other = others.find(|other| other.set == set && other.metric == headline.metric)?;
    Some((&other.scores, &other.comparison))
}
