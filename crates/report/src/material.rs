//! What a report is made from, and what is compared with what.

use study::plan::{self, RunKey};
use study::summary::{Comparison, Point, StudyResult, metric_in_words, metric_unit, set_in_words};
use study::{Arm, DataSummary, GridPoint, RecordedStudy, RunRecord, StudyConfig, StudySummary};

use crate::figures::Ink;

/// A finished study.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// What was planned.
    pub config: &'a StudyConfig,
    /// The results.
    pub summary: &'a StudySummary,
    /// Every record of the folder; those outside the configuration are left out.
    pub records: &'a [RunRecord],
    /// The name of the data: that of a folder or a repository.
    pub data: &'a str,
    /// What is worth knowing about its files; `None` if it is not known any more.
    pub files: Option<&'a DataSummary>,
    /// The planned runs whose finetuned models are in the study's folder.
    pub saved: &'a [&'a RunRecord],
    /// The command that makes the same runs again, as typed.
    pub command: &'a str,
}

/// A point with the point it is compared with.
#[derive(Clone, Copy)]
pub(crate) struct Contrast<'a> {
    pub(crate) treatment: &'a Point,
    pub(crate) control: &'a Point,
    pub(crate) comparison: &'a Comparison,
}

impl<'a> Material<'a> {
    /// A study that is recorded in a folder, of whose data and models nothing more is known.
    pub fn of(study: &'a RecordedStudy) -> Self {
        Self {
            config: &study.config,
            summary: &study.summary,
            records: &study.records,
            data: &study.summary.task,
            files: None,
            saved: &[],
            command: "",
        }
    }

    /// The headline metric's name, as in a sentence.
    pub(crate) fn metric(&self) -> String {
        metric_in_words(&self.summary.metric)
    }

    /// The headline metric with the set it is of, such as "dev accuracy".
    pub(crate) fn scored(&self) -> String {
        format!("{} {}", self.set(), self.metric())
    }

    /// The same at the beginning of a sentence.
    pub(crate) fn scored_first(&self) -> String {
        let scored = self.scored();
        let (first, rest) = scored.split_at(scored.chars().next().map_or(0, char::len_utf8));
        first.to_uppercase() + rest
    }

    /// What to call the set of the headline.
    pub(crate) fn set(&self) -> &'a str {
        let first = self.records.iter().find(|run| !run.is_tuning());
        first.map_or("dev", |run| set_in_words(&run.settings.headline.set))
    }

    /// The unit of its scores.
    pub(crate) fn unit(&self) -> &'static str {
        metric_unit(&self.summary.metric)
    }

    /// The records that the configuration asks for, in the order of the plan.
    pub(crate) fn planned(&self) -> Vec<&'a RunRecord> {
        let Some(settings) = self.records.first().map(|record| &record.settings) else {
            return Vec::new();
        };
        let rows = settings.study_train_rows.unwrap_or(settings.train.used);
        plan::runs(&plan::resolved(self.config, rows, self.records))
            .iter()
            .filter_map(|run| {
                self.records
                    .iter()
                    .find(|record| RunKey::of(record) == *run)
            })
            .collect()
    }

    /// The planned records of a point, by ascending seed.
    pub(crate) fn runs(&self, point: &Point) -> Vec<&'a RunRecord> {
        let mut runs = self.planned();
        runs.retain(|record| is_of(record, point));
        runs.sort_by_key(|record| record.seed);
        runs
    }
}

/// Whether a run belongs to a point.
pub(crate) fn is_of(record: &RunRecord, point: &Point) -> bool {
    let run = RunKey::of(record);
    // A baseline has no λ; in a sweep its λ is 0.
    run.arm == point.arm
        && run.lambda.unwrap_or(0.0) == point.lambda.unwrap_or(0.0)
        && run.train_rows == point.train_rows
        && !run.is_tuning
        && match point.recipe {
            Some(recipe) => recipe == GridPoint::of(&record.settings.recipe),
            None => record.settings.grid_point().is_none(),
        }
}

/// The contrasts of a study, in the order of its points.
pub(crate) fn contrasts(study: &StudyResult) -> Vec<Contrast<'_>> {
    let contrast = |treatment| contrast_of(study, treatment);
    study.points.iter().filter_map(contrast).collect()
}

/// The main contrast of a study: NoisyTune against its control, if the study has that, at the
/// configuration's λ and on the most training rows.
pub(crate) fn main_contrast<'a>(
    material: &Material<'_>,
    study: &'a StudyResult,
) -> Option<Contrast<'a>> {
    let contrasts = contrasts(study);
    if study.tuning.is_some() {
        // Its first contrast is the one that the plan is made for.
        return contrasts.first().copied();
    }
    let papers = contrasts
        .iter()
        .filter(|c| c.treatment.arm == Arm::NOISYTUNE)
        .max_by_key(|c| {
            let is_at_lambda = c.treatment.lambda == Some(material.config.lambda);
            (is_at_lambda, c.treatment.train_rows)
        });
    papers.or(contrasts.first()).copied()
}

/// The colour of an arm in the figures of a study.
pub(crate) fn ink(study: &StudyResult, arm: Arm) -> Ink {
    if arm == Arm::BASELINE {
        return Ink::Series(0);
    }
    let mut treatments: Vec<Arm> = Vec::new();
    for point in &study.points {
        if point.arm != Arm::BASELINE && !treatments.contains(&point.arm) {
            treatments.push(point.arm);
        }
    }
    let at = treatments.iter().position(|treatment| *treatment == arm);
    Ink::Series(1 + at.unwrap_or(0))
}

fn contrast_of<'a>(study: &'a StudyResult, treatment: &'a Point) -> Option<Contrast<'a>> {
    let comparison = treatment.comparison.as_ref()?;
    let control = study
        .points
        .iter()
        .find(|point| point.label == comparison.against)?;
    Some(Contrast {
        treatment,
        control,
        comparison,
    })
}
