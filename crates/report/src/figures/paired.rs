//! Pairs of runs: both scores of each pair, and their difference.

use super::axes::{Axis, Chart, panel, spread};
use super::canvas::{Area, HPos, VPos};
use super::effects::{Effect, line_at_zero};
use super::palette::Ink;
use super::{Drawing, Key, Layout, Mark};

/// The two runs of a seed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) seed: u64,
    /// `None` where the run failed.
    pub(crate) control: Option<f64>,
    /// `None` where the run failed.
    pub(crate) treatment: Option<f64>,
}

/// One row per seed, and the mean below.
#[derive(Clone, Debug)]
pub(crate) struct Pairs {
    pub(crate) control: String,
    pub(crate) treatment: String,
    pub(crate) ink: Ink,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) difference: Effect,
    /// Title of the score axis, with its unit.
    pub(crate) scores: String,
    /// Title of the difference axis, with its unit.
    pub(crate) differences: String,
}

const AXES: u32 = 52;
const ROW: u32 = 24;
const LEFT: f64 = 62.0;
/// Gap between panels, one below the other.
const GAP: u32 = 14;

impl Pairs {
    fn panel_height(&self) -> u32 {
        AXES + ROW * (self.pairs.len() as u32 + 2)
    }

    /// The height of a row on an axis that ends at the mean's row.
    fn row(&self, index: usize) -> f64 {
        (self.pairs.len() - index) as f64 + 1.5
    }

    fn axis(&self) -> Axis {
        let rows = self.pairs.len() as f64 + 2.0;
        let seeds = self.pairs.iter().enumerate();
        let mut ticks: Vec<_> = seeds
            .map(|(index, pair)| (self.row(index), format!("seed {}", pair.seed)))
            .collect();
        ticks.push((MEAN, "mean".to_owned()));
        Axis::at(0.0..rows, ticks, "")
    }

    fn paint_scores(&self, area: &Area<'_>) {
        let pairs = self.pairs.iter();
        let scores = pairs.flat_map(|pair| [pair.control, pair.treatment]);
        let x = Axis::numbers(spread(scores.flatten(), 0.4), 4, &self.scores);
        let chart = panel(area, &x, &self.axis(), LEFT);
        let mut both = (Vec::new(), Vec::new());
        for (index, pair) in self.pairs.iter().enumerate() {
            let y = self.row(index);
            match (pair.control, pair.treatment) {
                (Some(control), Some(treatment)) => {
                    both.0.push(control);
                    both.1.push(treatment);
                    self.paint_pair(&chart, y, control, treatment);
                }
                (control, treatment) => {
                    self.paint_ends(&chart, y, control, treatment);
                    explain(area, &chart, y, control.or(treatment));
                }
            }
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        if !both.0.is_empty() {
            self.paint_pair(&chart, MEAN, mean(&both.0), mean(&both.1));
        }
    }

    fn paint_pair(&self, chart: &Chart<'_>, y: f64, control: f64, treatment: f64) {
        let link = self.ink.line(3.0).faint(0.45);
        chart.line(&[(control, y), (treatment, y)], link);
        self.paint_ends(chart, y, Some(control), Some(treatment));
    }

    fn paint_ends(&self, chart: &Chart<'_>, y: f64, control: Option<f64>, treatment: Option<f64>) {
        if let Some(treatment) = treatment {
            chart.circle((treatment, y), 5.0, self.ink.filled());
        }
        // The ring is drawn over the dot, so that equal scores show both.
        if let Some(control) = control {
            chart.circle((control, y), 5.0, Ink::Series(0).line(2.0));
        }
    }

    fn paint_differences(&self, area: &Area<'_>) {
        let range = spread(self.difference.numbers().chain([0.0]), 0.4);
        let x = Axis::numbers(range, 4, &self.differences);
        let chart = panel(area, &x, &self.axis(), LEFT);
        line_at_zero(&chart, self.pairs.len() as f64 + 2.0);
        for (index, pair) in self.pairs.iter().enumerate() {
            let (Some(control), Some(treatment)) = (pair.control, pair.treatment) else {
                continue;
            };
            let (y, difference) = (self.row(index), treatment - control);
            let link = self.ink.line(3.0).faint(0.45);
            chart.line(&[(0.0, y), (difference, y)], link);
            chart.circle((difference, y), 4.0, self.ink.filled());
        }
        let mean = Effect {
            values: Vec::new(),
            ..self.difference.clone()
        };
        mean.paint(&chart, MEAN, 0.0);
    }
}

/// Writes the reason into the row of a failed run, on the side that its one score leaves free.
fn explain(area: &Area<'_>, chart: &Chart<'_>, y: f64, score: Option<f64>) {
    let words = match score {
        None => "both failed",
        Some(_) => "the other run failed",
    };
    let range = chart.x_range();
    let is_right = score.is_none_or(|score| score < f64::midpoint(range.start, range.end));
    let (edge, side, air) = match is_right {
        true => (range.end, HPos::Right, -8.0),
        false => (range.start, HPos::Left, 8.0),
    };
    let (x, y) = chart.place((edge, y));
    area.text(
        words,
        (x + air, y),
        Ink::Muted.text(12.0, side, VPos::Center),
    );
}

/// Height of the mean's row.
const MEAN: f64 = 0.75;

impl Drawing for Pairs {
    fn legend(&self) -> Vec<Key> {
        vec![
            Key::new(&self.control, Ink::Series(0), Mark::Ring),
            Key::new(&self.treatment, self.ink, Mark::Dot),
        ]
    }

    fn height(&self, layout: Layout) -> u32 {
        if layout.is_wide() {
            self.panel_height()
        } else {
            2 * self.panel_height() + GAP
        }
    }

    fn paint(&self, area: &Area<'_>, layout: Layout) {
        let (scores, differences) = match layout {
            Layout::Wide => area.split_at_x(area.width / 2.0),
            Layout::Narrow => area.halves(f64::from(GAP)),
        };
        self.paint_scores(&scores);
        self.paint_differences(&differences);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figure;
    use crate::figures::marks::{centres, count};

    #[test]
    fn a_pair_has_two_scores_and_a_difference_and_a_failed_run_has_none() {
        let pair = |seed, control, treatment| Pair {
            seed,
            control,
            treatment,
        };
        let drawing = Pairs {
            control: "baseline".to_owned(),
            treatment: "noisytune".to_owned(),
            ink: Ink::Series(1),
            pairs: vec![
                pair(0, Some(90.0), Some(91.0)),
                pair(1, Some(92.0), None),
                pair(2, None, None),
                pair(7, Some(91.0), Some(90.5)),
            ],
            difference: Effect {
                label: "mean".to_owned(),
                ink: Ink::Series(1),
                values: vec![1.0, -0.5],
                mean: 0.25,
                interval: Some([-0.5, 1.0]),
            },
            scores: "dev accuracy (%)".to_owned(),
            differences: "difference (points)".to_owned(),
        };
        let figure = Figure::new("a", "A", "", "", &drawing);
        for svg in [&figure.wide, &figure.narrow] {
            // The legend has a smaller ring; the mean's row has a pair of scores too.
            let rings = count(svg, "<circle", &["r=\"20\"", "stroke=\"#6A7582\""]);
            assert_eq!(rings, 4, "three scores of the control and the mean");
            // Two scores, the mean of scores, the mean of differences.
            assert_eq!(centres(svg, 5, "#006CAB").len(), 4);
            let differences = centres(svg, 4, "#006CAB");
            assert_eq!(differences.len(), 2);
            assert!(differences[0].0 > differences[1].0, "+1 is right of -0.5");
            assert_eq!(svg.matches("seed ").count(), 8, "four names in two panels");
            assert_eq!(svg.matches("the other run failed").count(), 1);
            assert_eq!(svg.matches("both failed").count(), 1);
        }
    }
}
