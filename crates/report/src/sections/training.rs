//! How the runs of the main study went.

use std::collections::BTreeMap;

use study::record::EpochRecord;
use study::summary::{StudyResult, loss_unit};
use study::{Arm, RunRecord};

use crate::document::{Block, Section};
use crate::figures::{Curves, Figure, Ink, Line};
use crate::material::{Material, ink, main_contrast};

/// `None` if no run has a curve or a complete epoch.
pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Option<Section> {
    // One setting per arm: that of the main comparison, or else of its first point.
    let main = main_contrast(material, study);
    let main = main.map(|contrast| [contrast.treatment, contrast.control]);
    let mut arms: Vec<(Arm, String, Vec<&RunRecord>)> = Vec::new();
    for first in &study.points {
        if arms.iter().any(|(arm, ..)| *arm == first.arm) {
            continue;
        }
        let mut main = main.into_iter().flatten();
        let point = main.find(|point| point.arm == first.arm).unwrap_or(first);
        let (arm, label) = (point.arm.name(), &point.label);
        let name = match label.contains(arm) {
            true => label.clone(),
            false => format!("{arm}, {label}"),
        };
        arms.push((point.arm, name, material.runs(point)));
    }
    let lines = |points: &dyn Fn(&RunRecord) -> Vec<(f64, f64)>| -> Vec<Line> {
        let line = |(arm, name, runs): &(Arm, String, Vec<&RunRecord>)| {
            let runs = runs.iter().map(|run| points(run)).collect();
            of_runs(name.clone(), ink(study, *arm), runs)
        };
        let lines = arms.iter().map(line);
        lines.filter(|line| !line.mean.is_empty()).collect()
    };
    let loss = lines(&|run| {
        let curve = run.curve.iter().map(|at| (at.step as f64, at.loss));
        curve.collect()
    });
    let accuracy = lines(&|run| {
        let score = |e: &EpochRecord| e.score(&run.settings.headline);
        let epochs = run.epochs.iter();
        epochs
            .filter_map(|e| Some((e.epoch as f64, 100.0 * score(e)?)))
            .collect()
    });
    let mut blocks = Vec::new();
    if !loss.is_empty() {
        let curves = Curves {
            lines: loss,
            x: "optimizer step".to_owned(),
            y: format!("training loss ({})", loss_unit(&material.summary.metric)),
            marked: false,
        };
        blocks.push(Block::Figure(Figure::new(
            "training-loss",
            "Training loss",
            described("Training loss by optimizer step", &curves, 3),
            "Thick: mean over seeds; thin: single runs. Each point is the mean over the steps since the last point.",
            &curves,
        )));
    }
    if !accuracy.is_empty() {
        let scored = material.scored_first();
        let curves = Curves {
            lines: accuracy,
            x: "epoch".to_owned(),
            y: format!("{} ({})", material.scored(), material.unit()),
            marked: true,
        };
        blocks.push(Block::Figure(Figure::new(
            "dev-by-epoch",
            format!("{scored} by epoch"),
            described(
                &format!("{scored} in {} by epoch", material.unit()),
                &curves,
                2,
            ),
            "Thick: mean over seeds; thin: single runs. The last epoch counts, not the best one.",
            &curves,
        )));
    }
    if blocks.is_empty() {
        return None;
    }
    Some(Section {
        id: "training",
        heading: "How did training go?".to_owned(),
        finding: None,
        blocks,
    })
}

/// A line with the mean of the runs at every x that any of them has.
pub(super) fn of_runs(name: String, ink: Ink, runs: Vec<Vec<(f64, f64)>>) -> Line {
    let mut runs = runs;
    for run in &mut runs {
        run.retain(|(x, y)| x.is_finite() && y.is_finite());
    }
    runs.retain(|run| !run.is_empty());
    // Steps, epochs and rows are whole numbers.
    let mut places: BTreeMap<u64, (f64, usize)> = BTreeMap::new();
    for (x, y) in runs.iter().flatten() {
        let (sum, count) = places.entry(*x as u64).or_default();
        *sum += y;
        *count += 1;
    }
    let mean = |(x, (sum, count)): (u64, (f64, usize))| (x as f64, sum / count as f64);
    Line {
        name,
        ink,
        mean: places.into_iter().map(mean).collect(),
        runs,
    }
}

fn described(what: &str, curves: &Curves, decimals: usize) -> String {
    let ends: Vec<String> = curves
        .lines
        .iter()
        .filter_map(|line| {
            let (first, last) = (line.mean.first()?, line.mean.last()?);
            Some(format!(
                "{} from {:.decimals$} to {:.decimals$}",
                line.name, first.1, last.1
            ))
        })
        .collect();
    format!("{what}, mean over seeds: {}.", ends.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_over_the_runs_that_have_the_x() {
        let runs = vec![
            vec![(1.0, 2.0), (2.0, 4.0)],
            vec![(1.0, 4.0)],
            vec![(1.0, f64::NAN)],
        ];
        let line = of_runs("a".to_owned(), Ink::Series(0), runs);
        assert_eq!(line.mean, [(1.0, 3.0), (2.0, 4.0)]);
        assert_eq!(line.runs.len(), 2);
    }
}
