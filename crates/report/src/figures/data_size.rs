//! Scores and differences by the number of training rows.

use super::axes::{Axis, panel, spread};
use super::canvas::{Area, Point};
use super::curves::Line;
use super::effects::Effect;
use super::palette::Ink;
use super::{Drawing, Key, Layout};
use crate::number::thousands;

/// A number of training rows, and the difference there.
#[derive(Clone, Debug)]
pub(crate) struct Size {
    pub(crate) rows: usize,
    pub(crate) effect: Option<Effect>,
}

/// One line per arm, and the difference between the two.
#[derive(Clone, Debug)]
pub(crate) struct DataSize {
    pub(crate) sizes: Vec<Size>,
    /// Mean scores by rows.
    pub(crate) lines: Vec<Line>,
    /// Title of the score axis, with its unit.
    pub(crate) scores: String,
    /// Title of the difference axis, with its unit.
    pub(crate) differences: String,
}

/// Gap between panels, one below the other.
const GAP: f64 = 14.0;

impl DataSize {
    /// Rows on a logarithmic axis, because studies halve them.
    fn axis(&self, layout: Layout) -> Axis {
        let places = self.sizes.iter().map(|size| place(size.rows));
        let range = spread(places, 1.0);
        let least = (range.end - range.start) * if layout.is_wide() { 0.12 } else { 0.14 };
        let mut ticks: Vec<(f64, String)> = Vec::new();
        for size in &self.sizes {
            let at = place(size.rows);
            let label = if ticks.last().is_some_and(|(last, _)| at - last < least) {
                String::new()
            } else {
                thousands(size.rows)
            };
            ticks.push((at, label));
        }
        Axis::at(range, ticks, "training sentences")
    }

    fn paint_scores(&self, area: &Area<'_>, layout: Layout) {
        let scores = self.lines.iter().flat_map(Line::points).map(|(_, y)| y);
        let y = Axis::numbers(spread(scores, 0.4), 5, &self.scores);
        let chart = panel(area, &self.axis(layout), &y, 44.0);
        for line in &self.lines {
            let placed = |points: &[Point]| -> Vec<Point> {
                points.iter().map(|(rows, y)| (rows.log2(), *y)).collect()
            };
            let line = Line {
                mean: placed(&line.mean),
                runs: line.runs.iter().map(|run| placed(run)).collect(),
                ..line.clone()
            };
            line.paint_runs(&chart);
            line.paint_mean(&chart, true);
        }
    }

    fn paint_differences(&self, area: &Area<'_>, layout: Layout) {
        let effects = || self.sizes.iter().filter_map(|size| size.effect.as_ref());
        let numbers = effects().flat_map(Effect::numbers).chain([0.0]);
        let y = Axis::numbers(spread(numbers, 0.4), 5, &self.differences);
        let chart = panel(area, &self.axis(layout), &y, 44.0);
        let range = chart.x_range();
        let baseline = [(range.start, 0.0), (range.end, 0.0)];
        chart.line(&baseline, Ink::Series(0).line(2.0));
        let aside = 0.02 * (range.end - range.start);
        for size in &self.sizes {
            if let Some(effect) = &size.effect {
                effect.paint_upright(&chart, place(size.rows), aside);
            }
        }
    }
}

impl Drawing for DataSize {
    fn legend(&self) -> Vec<Key> {
        self.lines.iter().map(Line::key).collect()
    }

    fn height(&self, layout: Layout) -> u32 {
        if layout.is_wide() { 310 } else { 534 }
    }

    fn paint(&self, area: &Area<'_>, layout: Layout) {
        let (scores, differences) = match layout {
            Layout::Wide => area.split_at_x(area.width / 2.0),
            Layout::Narrow => area.halves(GAP),
        };
        self.paint_scores(&scores, layout);
        self.paint_differences(&differences, layout);
    }
}

fn place(rows: usize) -> f64 {
    (rows.max(1) as f64).log2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figure;
    use crate::figures::marks::{centres, count};

    #[test]
    fn each_arm_is_a_line_over_the_sizes_and_each_size_has_its_difference() {
        let line = |ink: usize| Line {
            name: format!("arm {ink}"),
            ink: Ink::Series(ink),
            mean: vec![(1024.0, 80.0), (2048.0, 85.0), (4096.0, 90.0)],
            runs: vec![vec![(1024.0, 79.0), (2048.0, 85.0), (4096.0, 91.0)]; 2],
        };
        let size = |rows, mean: Option<f64>| Size {
            rows,
            effect: mean.map(|mean| Effect {
                label: String::new(),
                ink: Ink::Series(1),
                values: vec![mean],
                mean,
                interval: None,
            }),
        };
        let drawing = DataSize {
            sizes: vec![
                size(1024, Some(0.5)),
                size(2048, None),
                size(4096, Some(0.1)),
            ],
            lines: vec![line(0), line(1)],
            scores: "dev accuracy (%)".to_owned(),
            differences: "difference (points)".to_owned(),
        };
        let figure = Figure::new("a", "A", "", "", &drawing);
        for svg in [&figure.wide, &figure.narrow] {
            assert_eq!(centres(svg, 4, "#6A7582").len(), 3, "sizes of the baseline");
            let dots = centres(svg, 4, "#006CAB");
            assert_eq!(dots.len(), 3 + 2, "sizes and differences of the treatment");
            for colour in ["#6A7582", "#006CAB"] {
                assert_eq!(
                    count(svg, "<polyline", &[colour, "stroke-width=\"4\""]),
                    2,
                    "runs"
                );
            }
            for rows in ["1,024", "2,048", "4,096"] {
                assert_eq!(svg.matches(&format!("\n{rows}\n")).count(), 2, "{rows}");
            }
            // Doubling is the same distance everywhere.
            let steps = (dots[1].0 - dots[0].0, dots[2].0 - dots[1].0);
            assert!((steps.0 - steps.1).abs() <= 2.0, "{steps:?}");
        }
    }
}
