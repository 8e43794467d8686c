//! Does the noise help other methods too?

use finetune::summary::StudyResult;

use super::{effects, finding, noise_kind, tables};
use crate::document::{Block, Section};
use crate::figures::Figure;
use crate::material::{Material, contrasts};
use crate::number::sentence;

pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Section {
    let mut blocks = vec![Block::Text(sentence(&study.verdict))];
    if !contrasts(study).is_empty() {
        let effects = effects::effects(study);
        blocks.push(Block::Figure(Figure::new(
            "companions",
            "Differences with other methods",
            effects::described(&effects),
            format!(
                "{} In the paper, on GLUE, NoisyTune improves Mixout and RecAdam too; NEFTune is younger than the paper.",
                effects::READING
            ),
            &effects,
        )));
    }
    blocks.extend(tables::of(material, study));
    blocks.push(Block::Table(noise_kind::arms(study)));
    Section {
        id: "companions",
        heading: "Does the noise help other methods too?".to_owned(),
        finding: finding(study),
        blocks,
    }
}
