//! The finetuned models that are there.

use study::record::Saving;

use super::tables;
use crate::document::{Block, Section, Table};
use crate::material::Material;
use crate::number::{count, or_none, percent, sentence};

/// `None` if no model is saved.
pub(super) fn section(material: &Material<'_>) -> Option<Section> {
    let score = format!("#{} score", material.set());
    let mut table = Table::new(
        "Folders within the folder of this report. Each is a Hugging Face snapshot with a model card.",
        &[&["model"][..], &tables::WHICH_RUN, &[&score]].concat(),
    );
    let mut is_chosen = false;
    for run in material.saved {
        let Some(saved) = &run.saved_model else {
            continue;
        };
        is_chosen |= saved.saving == Saving::Best;
        let mut row = vec![saved.folder.clone()];
        row.extend(tables::which_run(run));
        row.push(or_none(run.score(), percent));
        table.rows.push(row);
    }
    if table.rows.is_empty() {
        return None;
    }
    let models = count(table.rows.len(), "model", "models");
    let mut blocks = Vec::new();
    if is_chosen {
        blocks.push(Block::Text(format!(
            "These seeds were chosen by their scores on {}. Choosing flatters the scores of the chosen: expect less on other data.",
            material.set()
        )));
    }
    blocks.push(Block::Table(table));
    Some(Section {
        id: "saved",
        heading: format!("Where are the finetuned models? {}", sentence(&models)),
        finding: None,
        blocks,
    })
}
