//! Does the noise help more with less data?

use std::collections::BTreeMap;

use study::summary::StudyResult;
use study::{Arm, Draw};

use super::training::of_runs;
use super::{effects, finding, tables};
use crate::document::{Block, Section};
use crate::figures::{DataSize, Figure, Line, Size};
use crate::material::{Material, contrasts, ink};
use crate::number::{sentence, thousands};

pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Section {
    let mut blocks = vec![Block::Text(sentence(&study.verdict))];
    blocks.extend(figure(material, study).map(Block::Figure));
    blocks.extend(rows_and_steps(material, study).map(Block::Text));
    blocks.extend(tables::of(material, study));
    Section {
        id: "data-size",
        heading: "Does it help more with less data?".to_owned(),
        finding: finding(study),
        blocks,
    }
}

/// What else changes with the number of sentences, and which sentences they are.
fn rows_and_steps(material: &Material<'_>, study: &StudyResult) -> Option<String> {
    let rows = || study.points.iter().map(|point| point.train_rows);
    let (least, most) = (rows().min()?, rows().max()?);
    if least == most {
        return None;
    }
    let recipe = &material.config.recipe;
    let steps = |rows| thousands(recipe.epochs * recipe.steps_per_epoch(rows));
    let which = match material.config.varies(Draw::Subset) {
        true => {
            "Each seed draws its own sentences, of every class its share, the same for both runs of a pair"
        }
        false => "All seeds take the first sentences of the file",
    };
    Some(format!(
        "Fewer sentences also mean fewer optimizer steps: {} on {} sentences, {} on {}. {which}.",
        steps(least),
        thousands(least),
        steps(most),
        thousands(most),
    ))
}

fn figure(material: &Material<'_>, study: &StudyResult) -> Option<Figure> {
    let mut arms: Vec<Arm> = Vec::new();
    let mut rows: Vec<usize> = Vec::new();
    for point in &study.points {
        if !arms.contains(&point.arm) {
            arms.push(point.arm);
        }
        rows.push(point.train_rows);
    }
    rows.sort_unstable();
    rows.dedup();
    let lines: Vec<Line> = arms.iter().map(|arm| line(study, *arm)).collect();
    if lines.iter().all(|line| line.mean.is_empty()) {
        return None;
    }
    let contrasts = contrasts(study);
    let sizes: Vec<Size> = rows
        .into_iter()
        .map(|rows| {
            let here = contrasts.iter().find(|c| c.treatment.train_rows == rows);
            let effect =
                here.map(|c| effects::effect(study, c, format!("{} sentences", thousands(rows))));
            Size { rows, effect }
        })
        .collect();
    let description = format!(
        "{} by number of training sentences, and the mean difference in points. {}.",
        material.scored_first(),
        effects::in_words(sizes.iter().filter_map(|size| size.effect.as_ref()))
    );
    let drawing = DataSize {
        sizes,
        lines,
        scores: format!("{} ({})", material.scored(), material.unit()),
        differences: "difference (points)".to_owned(),
    };
    Some(Figure::new(
        "data-size",
        "By number of training sentences",
        description,
        format!(
            "{} In the paper, on MRPC, the gain is larger with less data.",
            effects::READING
        ),
        &drawing,
    ))
}

/// An arm's scores by number of rows, one run per seed.
fn line(study: &StudyResult, arm: Arm) -> Line {
    let mut seeds: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    for point in study.points.iter().filter(|point| point.arm == arm) {
        for score in &point.scores.values {
            let place = (point.train_rows as f64, 100.0 * score.value);
            seeds.entry(score.seed).or_default().push(place);
        }
    }
    let mut runs: Vec<Vec<(f64, f64)>> = seeds.into_values().collect();
    for run in &mut runs {
        run.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    of_runs(arm.name().to_owned(), ink(study, arm), runs)
}
