//! Does the noise help?

use study::Arm;
use study::summary::StudyResult;

use super::{effects, finding, tables, words};
use crate::document::{Block, Section};
use crate::figures::{Figure, Pair, Pairs};
use crate::material::{Contrast, Material, contrasts, ink, main_contrast};
use crate::number::count;

pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Section {
    // The verdict stands at the top of the report.
    let mut blocks = Vec::new();
    let main = main_contrast(material, study);
    blocks.extend(main.map(|main| Block::Figure(pairs(material, study, &main))));
    if contrasts(study).len() > 1 {
        let figure = effects::figure(study, "arms", "What each arm changes", "");
        blocks.extend(figure.map(Block::Figure));
    }
    blocks.extend(tables::of(material, study));
    blocks.extend(words::list(material, main.as_ref()));
    Section {
        id: "compare",
        heading: "Does the noise help?".to_owned(),
        finding: finding(study),
        blocks,
    }
}

/// The pairs of one contrast.
pub(super) fn pairs(
    material: &Material<'_>,
    study: &StudyResult,
    contrast: &Contrast<'_>,
) -> Figure {
    let (treatment, control) = (contrast.treatment, contrast.control);
    let (treated, controls) = (material.runs(treatment), material.runs(control));
    let mut seeds: Vec<u64> = treated.iter().chain(&controls).map(|r| r.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let pairs: Vec<Pair> = seeds
        .into_iter()
        .filter_map(|seed| {
            // A seed planned for only one of the two makes no pair, and is not a failure.
            let treated = treated.iter().find(|run| run.seed == seed)?;
            let control = controls.iter().find(|run| run.seed == seed)?;
            Some(Pair {
                seed,
                control: control.score().map(|score| 100.0 * score),
                treatment: treated.score().map(|score| 100.0 * score),
            })
        })
        .collect();
    let drawing = Pairs {
        control: control.label.clone(),
        treatment: treatment.label.clone(),
        ink: ink(study, treatment.arm),
        difference: effects::effect(study, contrast, "mean".to_owned()),
        scores: format!("{} ({})", material.scored(), material.unit()),
        differences: "difference (points)".to_owned(),
        pairs,
    };
    let higher = drawing.difference.values.iter().filter(|d| **d > 0.0);
    let description = format!(
        "{} of {} and {} for each seed, and their difference. {} scores higher in {} of {}; mean difference {} points.",
        material.scored_first(),
        control.label,
        treatment.label,
        treatment.label,
        higher.count(),
        count(contrast.comparison.paired.n, "pair", "pairs"),
        drawing.difference.text(),
    );
    Figure::new(
        "pairs",
        format!("Seed by seed: {} and {}", control.label, treatment.label),
        description,
        format!(
            "Both runs of a seed share the head's initial values, the order of the data and the dropout; they differ only in {}. \
             Last row: the mean difference{}.",
            if treatment.arm == Arm::NOISYTUNE {
                "the noise"
            } else {
                "what the arm does"
            },
            match drawing.difference.interval {
                Some(_) => " with its 95 % interval over seeds (Student's t)",
                None => ", without an interval",
            },
        ),
        &drawing,
    )
}
