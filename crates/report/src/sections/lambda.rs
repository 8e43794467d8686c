//! How much noise?

use study::summary::StudyResult;

use super::{effects, finding, tables};
use crate::document::{Block, Section};
use crate::figures::{Figure, Sweep};
use crate::material::{Material, contrasts};
use crate::number::{or_none, percent, sentence};

/// The best values that the paper found over GLUE.
const PAPER_BEST: [f64; 2] = [0.10, 0.15];

pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Section {
    let mut blocks = vec![Block::Text(sentence(&study.verdict))];
    blocks.extend(figure(material, study).map(Block::Figure));
    blocks.extend(tables::of(material, study));
    blocks.push(Block::Text(
        format!(
            "Every λ is scored on the same {} sentences, so the best score overstates what its λ gains; a λ chosen beforehand is better evidence.",
            material.set()
        ),
    ));
    Section {
        id: "lambda",
        heading: "How much noise?".to_owned(),
        finding: finding(study),
        blocks,
    }
}

fn figure(material: &Material<'_>, study: &StudyResult) -> Option<Figure> {
    let contrasts = contrasts(study);
    let control = contrasts.first()?.control;
    let treatment = contrasts.first()?.treatment.arm.name().to_owned();
    let mut by_lambda: Vec<_> = contrasts
        .iter()
        .filter_map(|contrast| {
            let label = contrast.treatment.label.clone();
            Some((
                contrast.treatment.lambda?,
                effects::effect(study, contrast, label),
            ))
        })
        .collect();
    by_lambda.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mean = or_none(control.scores.mean, percent);
    let description = format!(
        "Mean difference from the baseline in points, by noise intensity. {}.",
        effects::in_words(by_lambda.iter().map(|(_, effect)| effect))
    );
    let sweep = Sweep {
        effects: by_lambda,
        baseline: format!("baseline, {mean} {}", material.unit()),
        treatment,
        reference: PAPER_BEST,
        title: "difference from baseline (points)".to_owned(),
    };
    Some(Figure::new(
        "lambda",
        "Difference by noise intensity",
        description,
        format!(
            "{} Shaded: 0.10 to 0.15, where the paper found the best λ.",
            effects::READING
        ),
        &sweep,
    ))
}
