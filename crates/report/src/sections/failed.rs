//! Runs without a score.

use crate::document::{Block, Section, Table};
use crate::material::Material;
use crate::number::{NONE, count, thousands};

/// `None` where every run has a score.
pub(super) fn section(material: &Material<'_>) -> Option<Section> {
    let mut table = Table::new(
        "Every failed run.",
        &["arm", "#λ", "#training sentences", "#seed", "reason"],
    );
    for run in material.planned() {
        let Some(reason) = &run.failed else {
            continue;
        };
        let settings = &run.settings;
        table.rows.push(vec![
            run.arm.name().to_owned(),
            settings
                .lambda
                .map_or(NONE.to_owned(), |lambda| lambda.to_string()),
            thousands(settings.train.used),
            run.seed.to_string(),
            reason.clone(),
        ]);
    }
    if table.rows.is_empty() {
        return None;
    }
    let heading = count(table.rows.len(), "run", "runs");
    Some(Section {
        id: "failed",
        heading: format!("What failed? {}", crate::number::sentence(&heading)),
        finding: None,
        blocks: vec![
            Block::Text(
                "A failed run has no score and counts in no mean; its pair counts in no difference."
                    .to_owned(),
            ),
            Block::Table(table),
        ],
    })
}
