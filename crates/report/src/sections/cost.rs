//! What do the methods gain, and what do they cost?

use study::record::RunRecord;
use study::statistics::{Paired, Summary};
use study::summary::Point;
use study::{Arm, Method, StudyKind};

use crate::document::{Block, Section, Table};
use crate::figures::{Effect, Figure, GainByCost, Ink, Key, Mark, Priced};
use crate::material::Material;
use crate::number::{NONE, interval, or_none, points, thousands};

/// `None` unless a method beside plain finetuning ran, and the baseline.
pub(super) fn section(material: &Material<'_>) -> Option<Section> {
    let arms = arms(material);
    let baseline = arms.iter().find(|point| point.arm == Arm::BASELINE)?;
    if arms.iter().all(|point| point.arm.method() == Method::Plain) {
        return None;
    }
    let baselines = material.runs(baseline);
    let plain_seconds = seconds(&baselines);
    let mut table = Table::new(
        format!(
            "Every arm against the baseline, whatever it is compared with above: the mean paired difference in points of {}, with its \
             95 % interval over seeds from 6 pairs on; passes per batch; forward passes whose activations are in memory at the same \
             time; copies of the weights beside those of the recipe; median seconds of training.",
            material.metric()
        ),
        &[
            "",
            "#pairs",
            "#gain",
            "#95 % interval",
            "#forward passes",
            "#backward passes",
            "#activations held",
            "#copies of weights",
            "#seconds",
            "#× the baseline's",
        ],
    );
    let mut priced = Vec::new();
    for point in &arms {
        let runs = material.runs(point);
        let gain = (point.arm != Arm::BASELINE).then(|| paired(&runs, &baselines));
        let gain = gain.flatten();
        let (seconds, cost) = (seconds(&runs), point.arm.method().cost());
        let ratio = seconds.zip(plain_seconds);
        let ratio = ratio.map(|(ours, plain)| ours / plain);
        priced.extend(gain.as_ref().zip(ratio).map(|(gain, cost)| Priced {
            gain: Effect {
                label: point.label.clone(),
                ink: ink(point.arm),
                values: Vec::new(),
                mean: 100.0 * gain.mean,
                interval: gain.ci95.map(|ends| ends.map(|end| 100.0 * end)),
            },
            cost,
        }));
        table.rows.push(vec![
            point.label.clone(),
            gain.as_ref()
                .map_or(NONE.to_owned(), |gain| thousands(gain.n)),
            or_none(gain.as_ref().map(|gain| gain.mean), points),
            interval(gain.and_then(|gain| gain.ci95)),
            cost.forward.to_string(),
            cost.backward.to_string(),
            cost.held.to_string(),
            cost.copies.to_string(),
            or_none(seconds, |seconds| format!("{seconds:.1}")),
            or_none(ratio, |ratio| format!("{ratio:.2}")),
        ]);
    }
    let figure = (!priced.is_empty()).then(|| Block::Figure(figure(material, priced)));
    let mut blocks = vec![Block::Text(
        "The passes and what is in memory follow from the method; the seconds are those of the recorded runs, with whatever else \
         the machine was doing. No p-value is given here: those of the comparisons above are corrected for their number."
            .to_owned(),
    )];
    blocks.extend(figure);
    blocks.push(Block::Table(table));
    Some(Section {
        id: "cost",
        heading: "What do the methods gain, and what do they cost?".to_owned(),
        finding: None,
        blocks,
    })
}

/// The colour of an arm by whether its weights are noised, as there can be more arms than colours.
fn ink(arm: Arm) -> Ink {
    Ink::Series(if arm.has_noise() { 1 } else { 2 })
}

fn figure(material: &Material<'_>, arms: Vec<Priced>) -> Figure {
    let words = arms.iter().map(|arm| {
        let (gain, cost) = (&arm.gain, arm.cost);
        format!("{}: {} points at {cost:.2} times", gain.label, gain.text())
    });
    let words: Vec<String> = words.collect();
    let keys = [
        ("baseline", 0),
        ("noise in the weights", 1),
        ("none there", 2),
    ];
    let drawing = GainByCost {
        arms,
        keys: keys
            .map(|(name, ink)| Key::new(name, Ink::Series(ink), Mark::Dot))
            .to_vec(),
        gain: format!("gain in {} (points)", material.metric()),
        cost: "seconds of training, as a multiple of the baseline's".to_owned(),
    };
    Figure::new(
        "gain-by-cost",
        "Gain by cost",
        format!(
            "Gain over the baseline by seconds of training. {}.",
            words.join("; ")
        ),
        "Dot: mean paired difference from the baseline by median seconds; line: its 95 % interval over seeds (Student's t), from 6 pairs on. Further up is \
         better, further right slower. A name that has no room is in the table alone.",
        &drawing,
    )
}

/// The points of the studies that compare arms, each arm once; of tuned arms those at the baseline's best recipe, which come first.
fn arms<'a>(material: &Material<'a>) -> Vec<&'a Point> {
    let compares = |kind: StudyKind| {
        matches!(
            kind,
            StudyKind::Compare | StudyKind::Companions | StudyKind::Baseline
        )
    };
    let studies = material.summary.studies.iter();
    let mut arms: Vec<&Point> = Vec::new();
    for point in studies
        .filter(|study| compares(study.study))
        .flat_map(|study| &study.points)
    {
        if arms.iter().all(|other| other.arm != point.arm) {
            arms.push(point);
        }
    }
    arms
}

/// The runs of the seeds that both arms completed, compared; `None` without any.
fn paired(treated: &[&RunRecord], baselines: &[&RunRecord]) -> Option<Paired> {
    let scores = treated.iter().filter_map(|run| {
        let baseline = baselines.iter().find(|other| other.seed == run.seed)?;
        run.score().zip(baseline.score())
    });
    let (ours, theirs): (Vec<f64>, Vec<f64>) = scores.unzip();
    Paired::of(&ours, &theirs, 0).ok()
}

/// Median seconds of training of the runs that did not fail: a run that was paused, or beside which the machine did something else,
/// is no measure of the method.
fn seconds(runs: &[&RunRecord]) -> Option<f64> {
    let trained = |run: &&&RunRecord| run.failed.is_none();
    let each = runs.iter().filter(trained).map(|run| {
        let epochs = run.epochs.iter();
        epochs.map(|epoch| epoch.train_seconds).sum::<f64>()
    });
    let each: Vec<f64> = each.collect();
    let median = Summary::of(&each).ok()?.median;
    (median > 0.0).then_some(median)
}
