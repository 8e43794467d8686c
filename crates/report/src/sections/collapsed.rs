//! Runs that learned nothing.

use study::summary::Point;

use super::tables;
use crate::document::{Block, Section, Table};
use crate::material::{Material, is_of};
use crate::number::{count, or_none, percent, sentence};

/// `None` if every run predicts more than one class and scores better than the commonest one.
pub(super) fn section(material: &Material<'_>) -> Option<Section> {
    let studies = &material.summary.studies;
    let has_collapsed = |point: &Point, seed: u64| {
        let mut values = point.scores.values.iter();
        values.any(|score| score.seed == seed && score.collapsed)
    };
    let mut table = Table::new(
        "Every run that predicts one class, or scores no better than always predicting the commonest one.",
        &[&tables::WHICH_RUN[..], &["#score", "prediction"]].concat(),
    );
    for run in material.planned() {
        let mut points = studies.iter().flat_map(|study| &study.points);
        if points.any(|point| is_of(run, point) && has_collapsed(point, run.seed)) {
            let mut row = tables::which_run(run);
            let class = run.only_class.clone();
            row.extend([
                or_none(run.score(), percent),
                class.unwrap_or_else(|| {
                    "several classes, no better than always the commonest".to_owned()
                }),
            ]);
            table.rows.push(row);
        }
    }
    if table.rows.is_empty() {
        return None;
    }
    let runs = sentence(&count(table.rows.len(), "run", "runs"));
    let runs = runs.trim_end_matches('.');
    Some(Section {
        id: "collapsed",
        heading: "Which runs learned nothing?".to_owned(),
        finding: Some(format!("{runs}.")),
        blocks: vec![
            Block::Text(format!(
                "{runs} did no better than a program that gives every sentence the same class. What collapsed is in the means and the \
                 differences above, which are shown without it too. A lower learning rate, a longer warm-up or, for few sentences, \
                 more epochs often help."
            )),
            Block::Table(table),
        ],
    })
}
