//! Runs whose predictions are all the same.

use super::tables;
use crate::document::{Block, Section, Table};
use crate::material::Material;
use crate::number::{count, or_none, percent, sentence};

/// `None` if every run predicts more than one class.
pub(super) fn section(material: &Material<'_>) -> Option<Section> {
    let mut table = Table::new(
        "Every run that predicts one class.",
        &[&tables::WHICH_RUN[..], &["#score", "prediction"]].concat(),
    );
    for run in material.planned() {
        if let Some(class) = &run.only_class {
            let mut row = tables::which_run(run);
            row.extend([or_none(run.score(), percent), class.clone()]);
            table.rows.push(row);
        }
    }
    if table.rows.is_empty() {
        return None;
    }
    let heading = count(table.rows.len(), "run", "runs");
    Some(Section {
        id: "collapsed",
        heading: format!("What learned nothing? {}", sentence(&heading)),
        finding: None,
        blocks: vec![
            Block::Text(
                "These runs predict the same class for every sentence, so their scores say nothing about the sentences. They are \
                 in the means and the differences above. A lower learning rate, a longer warm-up or, for few sentences, more epochs \
                 often help."
                    .to_owned(),
            ),
            Block::Table(table),
        ],
    })
}
