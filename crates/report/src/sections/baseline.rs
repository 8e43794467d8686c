//! Which recipe, and what is left of the difference between arms that are both tuned?

use study::summary::{StudyResult, TunedArm, TuningResult};

use super::{effects, finding, tables, words};
use crate::document::{Block, Section, Table};
use crate::figures::{Curves, Figure, Line};
use crate::material::{Material, ink, main_contrast};
use crate::number::{NONE, or_none, percent, sentence, thousands};

pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Section {
    let mut blocks = vec![Block::Text(sentence(&study.verdict))];
    let title = format!("Tuned arms on {}", material.set());
    let figure = effects::figure(study, "at-the-best", &title, "");
    blocks.extend(figure.map(Block::Figure));
    blocks.extend(tables::of(material, study));
    blocks.extend(words::list(
        material,
        main_contrast(material, study).as_ref(),
    ));
    if let Some(tuning) = &study.tuning {
        blocks.extend(how_it_was_chosen(material, tuning));
        blocks.extend(expected_best(material, study, tuning));
    }
    Section {
        id: "baseline",
        heading: "Which recipe, and what is left once both are tuned?".to_owned(),
        finding: finding(study),
        blocks,
    }
}

/// How recipes were chosen, the grid, and the runs that learned nothing.
fn how_it_was_chosen(material: &Material<'_>, tuning: &TuningResult) -> Vec<Block> {
    let grid = material.config.tuning();
    let mut sentences = vec![format!(
        "Every arm had the same grid and the same number of runs. Recipes were chosen on {} training sentences that the tuning runs \
         were not trained on; {} was scored only in the final runs, on all training sentences and with other seeds. A recipe is the \
         point with the fewest failed runs and, of these, the highest mean.",
        thousands(tuning.rows),
        material.set(),
    )];
    for tuned in &tuning.arms {
        let Some(best) = tuned.best else {
            sentences.push(format!("No tuning run of {} has a score.", tuned.arm));
            continue;
        };
        let edges = grid.edges(best);
        if !edges.is_empty() {
            sentences.push(format!(
                "The best recipe of {} ({best}) has {} of the grid; a wider grid might have a better one.",
                tuned.arm,
                edges.join(" and "),
            ));
        }
    }
    vec![
        Block::Text(sentences.join(" ")),
        Block::Table(points(material, tuning)),
        Block::Table(rates(tuning)),
    ]
}

/// One row per arm and point of the grid.
fn points(material: &Material<'_>, tuning: &TuningResult) -> Table {
    let mut table = Table::new(
        format!(
            "Tuning: {} on the {} held-out training sentences in {}, after the last epoch.",
            material.metric(),
            thousands(tuning.rows),
            material.unit(),
        ),
        &[
            "",
            "#learning rate",
            "#epochs",
            "#runs",
            "#failed",
            "#collapsed",
            "#mean",
            "#sd",
            "#min",
            "#max",
            "chosen",
        ],
    );
    for tuned in &tuning.arms {
        for point in &tuned.points {
            let (recipe, scores) = (point.recipe, &point.scores);
            table.rows.push(vec![
                tuned.arm.name().to_owned(),
                format!("{:e}", recipe.learning_rate),
                thousands(recipe.epochs),
                thousands(scores.n + scores.failed),
                thousands(scores.failed),
                thousands(scores.collapsed),
                or_none(scores.mean, percent),
                or_none(scores.sd, percent),
                or_none(scores.min, percent),
                or_none(scores.max, percent),
                match tuned.best == Some(recipe) {
                    true => "yes".to_owned(),
                    false => NONE.to_owned(),
                },
            ]);
        }
    }
    table.without_columns_of(NONE)
}

/// How many tuning runs of each arm learned nothing.
fn rates(tuning: &TuningResult) -> Table {
    let mut table = Table::new(
        "Tuning runs of each arm that collapsed: they predict one class, or score no better than always predicting the commonest one.",
        &["", "#runs", "#failed", "#collapsed", "#share (%)"],
    );
    for tuned in &tuning.arms {
        let scored = tuned.runs() - tuned.failed();
        let share = tuned.collapsed() as f64 / scored as f64;
        table.rows.push(vec![
            tuned.arm.name().to_owned(),
            thousands(tuned.runs()),
            thousands(tuned.failed()),
            thousands(tuned.collapsed()),
            or_none((scored > 0).then_some(share), percent),
        ]);
    }
    table
}

/// The figure of the expected best score by number of runs, and its numbers at powers of two.
fn expected_best(
    material: &Material<'_>,
    study: &StudyResult,
    tuning: &TuningResult,
) -> Vec<Block> {
    let arms = || {
        let arms = tuning.arms.iter();
        arms.filter(|tuned| !tuned.expected_best.is_empty())
    };
    let most = arms().map(|tuned| tuned.expected_best.len()).max();
    let Some(most) = most else {
        return Vec::new();
    };
    let scored = format!("{} on held-out rows", material.metric());
    let line = |tuned: &TunedArm| Line {
        name: tuned.arm.name().to_owned(),
        ink: ink(study, tuned.arm),
        mean: (1..)
            .zip(&tuned.expected_best)
            .map(|(runs, score)| (f64::from(runs), 100.0 * score))
            .collect(),
        runs: Vec::new(),
    };
    let curves = Curves {
        lines: arms().map(line).collect(),
        x: "tuning runs".to_owned(),
        y: format!("expected best {scored} ({})", material.unit()),
        marked: false,
    };
    let mut budgets: Vec<usize> = std::iter::successors(Some(1), |runs| Some(2 * runs))
        .take_while(|runs| *runs < most)
        .collect();
    budgets.push(most);
    let headings: Vec<String> = budgets.iter().map(|runs| format!("#{runs}")).collect();
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut table = Table::new(
        format!(
            "Expected best {scored} in {}, by number of tuning runs.",
            material.unit()
        ),
        &[&[""][..], &headings].concat(),
    );
    for tuned in arms() {
        let at = |runs: &usize| or_none(tuned.expected_best.get(runs - 1).copied(), percent);
        let row = std::iter::once(tuned.arm.name().to_owned());
        table.rows.push(row.chain(budgets.iter().map(at)).collect());
    }
    let ends: Vec<String> = arms()
        .filter_map(|tuned| {
            let (first, last) = (tuned.expected_best.first()?, tuned.expected_best.last()?);
            Some(format!(
                "{} from {} to {}",
                tuned.arm,
                percent(*first),
                percent(*last)
            ))
        })
        .collect();
    let figure = Figure::new(
        "expected-best",
        "What tuning buys",
        format!(
            "Expected best {scored} in {} from one tuning run to {most}: {}.",
            material.unit(),
            ends.join("; ")
        ),
        "The expected best of so many runs, each with a recipe of the grid and a seed drawn at random with replacement (Dodge et al., \
         2019). Runs of more epochs take longer, which the axis does not show.",
        &curves,
    );
    vec![Block::Figure(figure), Block::Table(table)]
}
