//! The two tables that every study has: scores, and paired differences.

use study::summary::{
    Comparison, EpochChoice, Point, Scores, StudyResult, metric_in_words, metric_unit,
};
use study::{RunRecord, StudyKind};

use crate::document::{Block, Table};
use crate::material::{Material, contrasts};
use crate::number::{NONE, count, interval, or_none, p_value, percent, points, thousands};

/// The columns that identify a run, filled in by [`which_run`].
pub(crate) const WHICH_RUN: [&str; 4] = ["arm", "#λ", "#training sentences", "#seed"];

/// The first cells of a run's row.
pub(crate) fn which_run(run: &RunRecord) -> Vec<String> {
    let settings = &run.settings;
    let mut arm = run.arm.name().to_owned();
    if let Some(point) = settings.grid_point() {
        let tuning = if run.is_tuning() { ", tuning" } else { "" };
        arm += &format!("{tuning}, {point}");
    }
    vec![
        arm,
        or_none(settings.lambda, |lambda| lambda.to_string()),
        thousands(settings.train.used),
        run.seed.to_string(),
    ]
}

/// Both tables, the second only if something is compared, then those of every other metric and evaluation set.
pub(crate) fn of(material: &Material<'_>, study: &StudyResult) -> Vec<Block> {
    let mut tables = vec![scores(material, study)];
    tables.push(differences(material, study));
    tables.push(at_other_epochs(material, study));
    let others = study.points.first().map_or(&[][..], |point| &point.others);
    for (at, first) in others.iter().enumerate() {
        if material.summary.shows(study, first) {
            tables.extend(other(study, at));
        }
    }
    tables.retain(|table| !table.rows.is_empty());
    tables.into_iter().map(Block::Table).collect()
}

/// One row per point: its runs and their scores.
pub(crate) fn scores(material: &Material<'_>, study: &StudyResult) -> Table {
    let caption = format!(
        "{} in {}, after the last epoch.",
        material.scored_first(),
        material.unit()
    );
    let points = study.points.iter();
    scores_of(caption, points.map(|point| (point, &point.scores)))
}

/// One row per comparison: the mean paired difference, its interval and its p-values.
pub(crate) fn differences(material: &Material<'_>, study: &StudyResult) -> Table {
    let contrasts = contrasts(study);
    let rows = contrasts
        .iter()
        .map(|contrast| (contrast.treatment, contrast.comparison));
    differences_of(&material.metric(), rows)
}

/// Two rows per comparison: the mean paired difference if each run had ended after another epoch.
fn at_other_epochs(material: &Material<'_>, study: &StudyResult) -> Table {
    let mut table = Table::new(
        format!(
            "How much the last epoch matters: the same pairs, each run scored after the epoch that {} itself chooses, which flatters \
             both. Differences in points, p not corrected for other comparisons; the result is the difference after the last epoch.",
            material.set()
        ),
        &[
            "",
            "against",
            "epoch",
            "#pairs",
            "#mean difference",
            "#95 % interval over seeds",
            "#p, permutation",
        ],
    );
    // The side studies have many points.
    let is_shown = matches!(study.study, StudyKind::Compare | StudyKind::Baseline);
    for contrast in contrasts(study).into_iter().filter(|_| is_shown) {
        for at in &contrast.comparison.at_another_epoch {
            table.rows.push(vec![
                contrast.treatment.label.clone(),
                contrast.comparison.against.clone(),
                match at.choice {
                    EpochChoice::LowestLoss => "with the lowest loss (early stopping)",
                    EpochChoice::BestScore => "with the best score",
                }
                .to_owned(),
                thousands(at.n),
                points(at.mean),
                interval(at.ci95),
                p_value(at.p_value),
            ]);
        }
    }
    table.without_columns_of(NONE)
}

/// The same two tables for the metric or set at this position among a point's others.
fn other(study: &StudyResult, at: usize) -> Vec<Table> {
    let of_points = || {
        let points = study.points.iter();
        points.filter_map(|point| Some((point, point.others.get(at)?)))
    };
    let Some((_, first)) = of_points().next() else {
        return Vec::new();
    };
    let metric = metric_in_words(&first.metric);
    let caption = format!(
        "The same runs: {metric} on {} in {}, after the last epoch.",
        first.set,
        metric_unit(&first.metric)
    );
    let compared =
        of_points().filter_map(|(point, other)| Some((point, other.comparison.as_ref()?)));
    vec![
        scores_of(
            caption,
            of_points().map(|(point, other)| (point, &other.scores)),
        ),
        differences_of(&format!("{metric} on {}", first.set), compared),
    ]
}

fn scores_of<'a>(caption: String, points: impl Iterator<Item = (&'a Point, &'a Scores)>) -> Table {
    let mut table = Table::new(
        caption,
        &[
            "",
            "#runs",
            "#failed",
            "#collapsed",
            "#mean",
            "#mean without collapsed",
            "#sd",
            "#median",
            "#min",
            "#max",
        ],
    );
    for (point, scores) in points {
        table.rows.push(vec![
            point.label.clone(),
            thousands(scores.n + scores.failed),
            thousands(scores.failed),
            match scores.collapsed {
                0 => NONE.to_owned(),
                collapsed => format!("{collapsed} of {}", scores.n),
            },
            or_none(scores.mean, percent),
            match scores.collapsed {
                0 => NONE.to_owned(),
                _ => or_none(scores.mean_without_collapsed, percent),
            },
            or_none(scores.sd, percent),
            or_none(scores.median, percent),
            or_none(scores.min, percent),
            or_none(scores.max, percent),
        ]);
    }
    table.without_columns_of(NONE)
}

fn differences_of<'a>(
    metric: &str,
    compared: impl Iterator<Item = (&'a Point, &'a Comparison)>,
) -> Table {
    let compared: Vec<(&Point, &Comparison)> = compared.collect();
    let mut table = Table::new(
        format!(
            "Paired differences in points of {metric}, with 95 % intervals over seeds (Student's t, for at least 6 pairs that are not \
             all equal){}.",
            if compared.iter().any(|(_, c)| c.holm_p.is_some()) {
                "; Holm corrects the permutation p for all comparisons of the report by this metric on this set, each counted once"
            } else {
                ""
            }
        ),
        &[
            "",
            "against",
            "#pairs",
            "#mean difference",
            "#95 % interval over seeds",
            "#over seeds and sentences",
            "#p, permutation",
            "#p, Holm",
            "#p, t\u{a0}test",
            "#p, within ±0.2",
            "#p, within ±0.5",
            "#without collapsed runs",
        ],
    );
    for (point, comparison) in compared {
        let paired = &comparison.paired;
        let within = |at: usize| p_value(comparison.equivalence.get(at).map(|test| test.p_value));
        table.rows.push(vec![
            point.label.clone(),
            comparison.against.clone(),
            thousands(paired.n),
            points(paired.mean),
            interval(paired.ci95),
            interval(comparison.seeds_and_sentences),
            p_value(paired.p_value),
            p_value(comparison.holm_p),
            p_value(comparison.t_test.map(|test| test.p_value)),
            within(0),
            within(1),
            without_collapsed(comparison),
        ]);
    }
    table.without_columns_of(NONE)
}

/// The mean difference over the pairs in which no run collapsed, with its interval and their number.
fn without_collapsed(comparison: &Comparison) -> String {
    let Some(left) = comparison.without_collapsed else {
        return NONE.to_owned();
    };
    let pairs = count(left.n, "pair", "pairs");
    match (left.mean, left.ci95) {
        (None, _) => "no pair left".to_owned(),
        (Some(mean), None) => format!("{}, {pairs}", points(mean)),
        (Some(mean), ends) => format!("{} ({}), {pairs}", points(mean), interval(ends)),
    }
}
