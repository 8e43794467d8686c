//! Which noise?

use study::summary::StudyResult;

use super::{effects, finding, tables};
use crate::document::{Block, Section, Table};
use crate::figures::Figure;
use crate::material::Material;
use crate::number::sentence;

pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Section {
    let figure = effects::figure(
        study,
        "noise-kind",
        "Difference by kind of noise",
        "In the paper, on GLUE, noise scaled to each matrix helps, uniform noise more than Gaussian; one scale for the \
         whole model hurts.",
    );
    of_arms(material, study, "noise-kind", "Which noise?", figure)
}

/// A section about arms: verdict, figure, tables and what each arm does.
pub(super) fn of_arms(
    material: &Material<'_>,
    study: &StudyResult,
    id: &'static str,
    heading: &str,
    figure: Option<Figure>,
) -> Section {
    let mut blocks = vec![Block::Text(sentence(&study.verdict))];
    blocks.extend(figure.map(Block::Figure));
    blocks.extend(tables::of(material, study));
    blocks.push(Block::Table(arms(study)));
    Section {
        id,
        heading: heading.to_owned(),
        finding: finding(study),
        blocks,
    }
}

/// What the arms do.
fn arms(study: &StudyResult) -> Table {
    let mut table = Table::new("What the arms are.", &["arm", "what it does"]);
    for point in &study.points {
        let row = vec![point.arm.name().to_owned(), point.arm.about().to_owned()];
        if !table.rows.contains(&row) {
            table.rows.push(row);
        }
    }
    table
}
