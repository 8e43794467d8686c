//! Which noise?

use finetune::summary::StudyResult;

use super::{effects, finding, tables};
use crate::document::{Block, Section, Table};
use crate::figures::Figure;
use crate::material::{Material, contrasts};
use crate::number::sentence;

pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Section {
    let mut blocks = vec![Block::Text(sentence(&study.verdict))];
    if !contrasts(study).is_empty() {
        let effects = effects::effects(study);
        blocks.push(Block::Figure(Figure::new(
            "noise-kind",
            "Difference by kind of noise",
            effects::described(&effects),
            format!(
                "{} In the paper, on GLUE: noise in proportion to each matrix helps, uniform more than Gaussian; \
                 one scale for the whole model hurts.",
                effects::READING
            ),
            &effects,
        )));
    }
    blocks.extend(tables::of(material, study));
    blocks.push(Block::Table(arms(study)));
    Section {
        id: "noise-kind",
        heading: "Which noise?".to_owned(),
        finding: finding(study),
        blocks,
    }
}

/// What the arms do.
pub(super) fn arms(study: &StudyResult) -> Table {
    let mut table = Table::new("What the arms are.", &["arm", "what it does"]);
    for point in &study.points {
        let row = vec![point.arm.name().to_owned(), point.arm.about().to_owned()];
        if !table.rows.contains(&row) {
            table.rows.push(row);
        }
    }
    table
}
