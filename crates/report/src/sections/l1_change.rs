//! How far does training move the parameters?

use study::RunRecord;
use study::record::ParameterChange;
use study::statistics::{Finding, Paired, holm};
use study::summary::StudyResult;

use super::tables;
use super::training::of_runs;
use crate::document::{Block, Section, Table};
use crate::figures::{Figure, Line, Movement, Part};
use crate::material::{Contrast, Material, ink, main_contrast};
use crate::number::{NONE, or_none, p_value, sentence, signed};

/// Their names in the records.
const PARTS: [&str; 6] = ["query", "key", "value", "query_key_value", "dense", "all"];

/// What is measured of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    /// The mean absolute change of its elements.
    Mean,
    /// The relative change of its L1 norm, as in the paper's figure.
    Norm,
}

impl Measure {
    /// Recorded mean changes are around 1e-3; the report gives them in thousandths, and relative ones in per cent.
    fn unit(self) -> f64 {
        match self {
            Self::Mean => 1e3,
            Self::Norm => 1e2,
        }
    }

    fn of(self, change: &ParameterChange, part: &str) -> Option<f64> {
        match self {
            Self::Mean => change.l1.get(part),
            Self::Norm => change.l1_norm.get(part),
        }
        .copied()
    }
}

/// Seed of the sign flips of many pairs.
const SEED: u64 = 0;

/// How far one part moved, with noise and without.
struct Moved {
    part: &'static str,
    control: f64,
    treatment: f64,
    /// `None` if the numbers are not finite.
    paired: Option<Paired>,
    /// The p-value of the difference, corrected for every row of both tables.
    holm_p: Option<f64>,
}

pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Section {
    let main = main_contrast(material, study);
    let mut means: Vec<Moved> = main.map_or(Vec::new(), |contrast| {
        let part = |part| moved(material, &contrast, Measure::Mean, part);
        PARTS.into_iter().filter_map(part).collect()
    });
    let mut norms: Vec<Moved> = main.map_or(Vec::new(), |contrast| {
        let part = |part| moved(material, &contrast, Measure::Norm, part);
        PARTS.into_iter().filter_map(part).collect()
    });
    correct(means.iter_mut().chain(&mut norms).collect());
    let finding = main
        .zip(means.iter().find(|moved| moved.part == "all"))
        .map(|(contrast, all)| finding(&contrast, all));
    let mut blocks = vec![Block::Text(match &finding {
        Some((short, numbers)) => format!("{short}: {numbers}."),
        None => "No pair of runs recorded how far its parameters moved.".to_owned(),
    })];
    blocks.extend(figure(material, study, Measure::Mean).map(Block::Figure));
    if let Some(contrast) = main.filter(|_| !means.is_empty()) {
        blocks.push(Block::Table(table(&contrast, &means)));
    }
    blocks.extend(figure(material, study, Measure::Norm).map(Block::Figure));
    if let Some(contrast) = main.filter(|_| !norms.is_empty()) {
        blocks.push(Block::Table(table_of_norms(&contrast, &norms)));
    }
    blocks.push(Block::Text(format!(
        "The scores of these runs: {}",
        sentence(&study.verdict)
    )));
    blocks.extend(tables::of(material, study));
    Section {
        id: "l1-change",
        heading: "How far does training move the parameters?".to_owned(),
        finding: finding.map(|(short, _)| format!("{short}.")),
        blocks,
    }
}

/// Corrects the p-values by Holm.
fn correct(mut rows: Vec<&mut Moved>) {
    rows.retain(|moved| {
        moved
            .paired
            .as_ref()
            .is_some_and(|paired| paired.p_value.is_some())
    });
    let p_values = rows
        .iter()
        .filter_map(|moved| moved.paired.as_ref()?.p_value);
    let corrected = holm(&p_values.collect::<Vec<f64>>()).unwrap_or_default();
    for (moved, p_value) in rows.into_iter().zip(corrected) {
        moved.holm_p = Some(p_value);
    }
}

/// The finding in a few words, and its numbers. It is about one difference, that of all parameters, which is settled before the
/// runs; the rows of the tables are corrected for each other.
fn finding(contrast: &Contrast<'_>, all: &Moved) -> (String, String) {
    let (treatment, control) = (&contrast.treatment.label, &contrast.control.label);
    let change = or_none(share(all.treatment - all.control, all.control), |x| {
        signed(x, 1)
    });
    let moves =
        |direction| format!("With {treatment} the parameters move {direction} than with {control}");
    let finding = all
        .paired
        .as_ref()
        .map(|paired| paired.finding(paired.p_value, 1));
    let says = match finding {
        Some(Finding::Higher) => moves("farther"),
        Some(Finding::Lower) => moves("less"),
        Some(Finding::NoEvidence) => {
            format!("No evidence that {treatment} changes how far the parameters move")
        }
        Some(Finding::TooFew) | None => {
            format!("Too few pairs to say whether {treatment} changes how far the parameters move")
        }
    };
    let interval = ends(all).map_or(String::new(), |ends| {
        format!(", 95 % interval over seeds {ends}")
    });
    (says, format!("{change} % over all parameters{interval}"))
}

fn table(contrast: &Contrast<'_>, moved: &[Moved]) -> Table {
    let mut table = Table::new(
        "Mean absolute change of the parameters from the start of training to its end, in thousandths; \
         the difference is in % of the control's change. The p-values are those of all rows, of this table and of the one of norms, \
         corrected for each other.",
        &[
            "parameters",
            &format!("#{}", contrast.control.label),
            &format!("#{}", contrast.treatment.label),
            "#difference (%)",
            "#95 % interval over seeds (%)",
            "#p (Holm)",
        ],
    );
    for part in moved {
        let difference = share(part.treatment - part.control, part.control);
        table.rows.push(vec![
            part.part.to_owned(),
            format!("{:.4}", Measure::Mean.unit() * part.control),
            format!("{:.4}", Measure::Mean.unit() * part.treatment),
            or_none(difference, |x| signed(x, 1)),
            ends(part).unwrap_or(NONE.to_owned()),
            p_value(part.holm_p),
        ]);
    }
    table.without_columns_of(NONE)
}

fn table_of_norms(contrast: &Contrast<'_>, moved: &[Moved]) -> Table {
    let mut table = Table::new(
        "How much larger the L1 norm of the parameters is at the end of training than at its start, in % of the latter.",
        &[
            "parameters",
            &format!("#{}", contrast.control.label),
            &format!("#{}", contrast.treatment.label),
            "#difference (points)",
            "#95 % interval over seeds",
            "#p (Holm)",
        ],
    );
    let number = |x: f64| signed(Measure::Norm.unit() * x, 3);
    for part in moved {
        let interval = part.paired.as_ref().and_then(|paired| paired.ci95);
        table.rows.push(vec![
            part.part.to_owned(),
            number(part.control),
            number(part.treatment),
            number(part.treatment - part.control),
            interval.map_or(NONE.to_owned(), |[low, high]| {
                format!("{} to {}", number(low), number(high))
            }),
            p_value(part.holm_p),
        ]);
    }
    table.without_columns_of(NONE)
}

/// The change of a part at the last measurement, over the pairs that have one.
fn moved(
    material: &Material<'_>,
    contrast: &Contrast<'_>,
    measure: Measure,
    part: &'static str,
) -> Option<Moved> {
    let last = |run: &RunRecord| -> Option<f64> {
        let is_complete = run.failed.is_none();
        let last = run.changes.last().filter(|_| is_complete)?;
        measure.of(last, part)
    };
    let controls = material.runs(contrast.control);
    let (treatment, control): (Vec<f64>, Vec<f64>) = material
        .runs(contrast.treatment)
        .into_iter()
        .filter_map(|treated| {
            let control = controls.iter().find(|run| run.seed == treated.seed)?;
            Some((last(treated)?, last(control)?))
        })
        .unzip();
    if treatment.is_empty() {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    Some(Moved {
        part,
        control: mean(&control),
        treatment: mean(&treatment),
        paired: Paired::of(&treatment, &control, SEED).ok(),
        holm_p: None,
    })
}

fn ends(moved: &Moved) -> Option<String> {
    let [low, high] = moved.paired.as_ref()?.ci95?;
    let end = |x| Some(signed(share(x, moved.control)?, 1));
    Some(format!("{} to {}", end(low)?, end(high)?))
}

/// In per cent; `None` if the whole is 0.
fn share(number: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| 100.0 * number / whole)
}

fn figure(material: &Material<'_>, study: &StudyResult, measure: Measure) -> Option<Figure> {
    let line = |part: &str| -> Vec<Line> {
        let points = study.points.iter();
        points
            .map(|point| {
                let runs = material.runs(point);
                let has = |at: &ParameterChange| measure.of(at, part).is_some();
                let runs = runs.iter().filter(|run| run.changes.iter().any(has));
                let runs = runs
                    .map(|run| course(&run.changes, measure, part))
                    .collect();
                of_runs(point.label.clone(), ink(study, point.arm), runs)
            })
            .filter(|line| !line.mean.is_empty())
            .collect()
    };
    let parts: Vec<Part> = PARTS
        .into_iter()
        .map(|part| Part {
            name: match measure {
                Measure::Mean => format!("{part} (10⁻³)"),
                Measure::Norm => format!("{part} (%)"),
            },
            lines: line(part),
        })
        .filter(|part| !part.lines.is_empty())
        .collect();
    if parts.is_empty() {
        return None;
    }
    let drawing = Movement {
        parts,
        x: "optimizer step".to_owned(),
    };
    let [name, title, description, caption] = match measure {
        Measure::Mean => [
            "l1-change",
            "Mean absolute change of the parameters",
            "Mean absolute change of query, key, value, dense and all parameters by optimizer step, with noise and without; \
             the table below has the last of them.",
            "Distance from where training started, noise included: the L1 norm of the change divided by the number of \
             elements. Thick: mean over seeds; thin: single runs.",
        ],
        Measure::Norm => [
            "l1-norm",
            "Relative change of the L1 norm of the parameters",
            "Relative change of the L1 norm of query, key, value, dense and all parameters by optimizer step, with noise and \
             without; the table below has the last of them.",
            "The L1 norm against that at the start of training, noise included, as in the paper's figure. There the change is \
             smaller with noise on MRPC and erratic on STS-B. Thick: mean over seeds; thin: single runs.",
        ],
    };
    Some(Figure::new(name, title, description, caption, &drawing))
}

/// Changes by step, from step 0, where nothing has moved.
fn course(changes: &[ParameterChange], measure: Measure, part: &str) -> Vec<(f64, f64)> {
    let recorded = changes
        .iter()
        .filter_map(|at| Some((at.step as f64, measure.unit() * measure.of(at, part)?)));
    std::iter::once((0.0, 0.0)).chain(recorded).collect()
}
