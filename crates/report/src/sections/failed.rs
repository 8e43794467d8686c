//! Runs without a score.

use super::tables;
use crate::document::{Block, Section, Table};
use crate::material::Material;
use crate::number::{count, sentence};

/// `None` if every run has a score.
pub(super) fn section(material: &Material<'_>) -> Option<Section> {
    let mut table = Table::new(
        "Every failed run.",
        &[&tables::WHICH_RUN[..], &["reason"]].concat(),
    );
    for run in material.planned() {
        let Some(reason) = &run.failed else {
            continue;
        };
        let mut row = tables::which_run(run);
        row.push(reason.clone());
        table.rows.push(row);
    }
    if table.rows.is_empty() {
        return None;
    }
    let runs = sentence(&count(table.rows.len(), "run", "runs"));
    let runs = runs.trim_end_matches('.');
    Some(Section {
        id: "failed",
        heading: "Which runs failed?".to_owned(),
        finding: Some(format!("{runs}.")),
        blocks: vec![
            Block::Text(format!(
                "{runs} failed. A failed run has no score, so it is left out of the means, and its pair out of the differences."
            )),
            Block::Table(table),
        ],
    })
}
