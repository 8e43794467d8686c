//! The two tables that every study has: scores, and paired differences.

use study::RunRecord;
use study::summary::StudyResult;

use crate::document::{Block, Table};
use crate::material::{Material, contrasts};
use crate::number::{NONE, interval, or_none, p_value, percent, points, thousands};

/// The columns that identify a run, filled in by [`which_run`].
pub(crate) const WHICH_RUN: [&str; 4] = ["arm", "#λ", "#training sentences", "#seed"];

/// The first cells of a run's row.
pub(crate) fn which_run(run: &RunRecord) -> Vec<String> {
    let settings = &run.settings;
    vec![
        run.arm.name().to_owned(),
        or_none(settings.lambda, |lambda| lambda.to_string()),
        thousands(settings.train.used),
        run.seed.to_string(),
    ]
}

/// Both tables; the second only if something is compared.
pub(crate) fn of(material: &Material<'_>, study: &StudyResult) -> Vec<Block> {
    let mut blocks = vec![Block::Table(scores(material, study))];
    let differences = differences(material, study);
    if !differences.rows.is_empty() {
        blocks.push(Block::Table(differences));
    }
    blocks
}

/// One row per point: its runs and their scores.
pub(crate) fn scores(material: &Material<'_>, study: &StudyResult) -> Table {
    let mut table = Table::new(
        format!(
            "Dev {} in %, after the last epoch.",
            material.summary.metric
        ),
        &[
            "", "#runs", "#failed", "#mean", "#sd", "#median", "#min", "#max",
        ],
    );
    for point in &study.points {
        let scores = &point.scores;
        table.rows.push(vec![
            point.label.clone(),
            thousands(scores.n + scores.failed),
            thousands(scores.failed),
            or_none(scores.mean, percent),
            or_none(scores.sd, percent),
            or_none(scores.median, percent),
            or_none(scores.min, percent),
            or_none(scores.max, percent),
        ]);
    }
    table
}

/// One row per comparison: the mean paired difference, its interval and its p-values.
pub(crate) fn differences(material: &Material<'_>, study: &StudyResult) -> Table {
    let contrasts = contrasts(study);
    let mut table = Table::new(
        format!(
            "Paired differences in points of {}, with 95 % bootstrap intervals (BCa, 10,000 resamples){}.",
            material.summary.metric,
            if contrasts.iter().any(|c| c.comparison.holm_p.is_some()) {
                "; Holm corrects the permutation p for the number of comparisons"
            } else {
                ""
            }
        ),
        &[
            "",
            "against",
            "#pairs",
            "#mean difference",
            "#95 % interval",
            "#p, permutation",
            "#p, Holm",
            "#p, t\u{a0}test",
        ],
    );
    for contrast in contrasts {
        let comparison = contrast.comparison;
        let paired = &comparison.paired;
        table.rows.push(vec![
            contrast.treatment.label.clone(),
            contrast.control.label.clone(),
            thousands(paired.n),
            points(paired.mean),
            interval(paired.ci95),
            p_value(paired.p_value),
            p_value(comparison.holm_p),
            p_value(comparison.t_test.map(|test| test.p_value)),
        ]);
    }
    table.without_columns_of(NONE)
}
