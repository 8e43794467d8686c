//! Values over the course of training, one line per arm.

use super::axes::{Axis, Chart, panel, spread};
use super::canvas::Area;
use super::palette::Ink;
use super::{Drawing, Key, Layout, Mark};

/// An arm's runs and their mean.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) ink: Ink,
    pub(crate) mean: Vec<(f64, f64)>,
    pub(crate) runs: Vec<Vec<(f64, f64)>>,
}

/// Lines by step, or by epoch with a dot at each.
#[derive(Clone, Debug)]
pub(crate) struct Curves {
    pub(crate) lines: Vec<Line>,
    pub(crate) x: String,
    pub(crate) y: String,
    /// Whether means are known at only a few places, which get dots and whole numbers as labels.
    pub(crate) marked: bool,
}

impl Line {
    /// Its entry in a legend.
    pub(crate) fn key(&self) -> Key {
        Key::new(&self.name, self.ink, Mark::Line)
    }

    pub(crate) fn points(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.runs.iter().flatten().chain(&self.mean).copied()
    }

    /// Draws the runs, faint.
    pub(crate) fn paint_runs(&self, chart: &Chart<'_>) {
        for run in self.runs.iter().filter(|run| run.len() > 1) {
            chart.line(run, self.ink.line(1.0).faint(0.28));
        }
    }

    /// Draws the mean, with a dot at each place if it is `marked` or has only one.
    pub(crate) fn paint_mean(&self, chart: &Chart<'_>, marked: bool) {
        chart.line(&self.mean, self.ink.line(2.0));
        if marked || self.mean.len() == 1 {
            for point in &self.mean {
                chart.circle(*point, 4.0, self.ink.filled());
            }
        }
    }
}

impl Drawing for Curves {
    fn legend(&self) -> Vec<Key> {
        self.lines.iter().map(Line::key).collect()
    }

    fn height(&self, layout: Layout) -> u32 {
        if layout.is_wide() { 330 } else { 280 }
    }

    fn paint(&self, area: &Area<'_>, layout: Layout) {
        let points = || self.lines.iter().flat_map(Line::points);
        let last = points().map(|(x, _)| x).fold(0.0, f64::max);
        let x = if self.marked {
            let epochs = (1..=last as usize).map(|epoch| (epoch as f64, epoch.to_string()));
            Axis::at(0.75..last.max(1.0) + 0.25, epochs.collect(), &self.x)
        } else {
            let ticks = if layout.is_wide() { 8 } else { 4 };
            Axis::numbers(0.0..last.max(1.0), ticks, &self.x)
        };
        let y = Axis::numbers(spread(points().map(|(_, y)| y), 0.1), 6, &self.y);
        let chart = panel(area, &x, &y, 44.0);
        for line in &self.lines {
            line.paint_runs(&chart);
        }
        for line in &self.lines {
            line.paint_mean(&chart, self.marked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figure;
    use crate::figures::marks::{centres, count};

    fn line(ink: usize, runs: usize) -> Line {
        let run = |at: usize| (0..5).map(|x| (x as f64, (x + at) as f64)).collect();
        Line {
            name: format!("arm {ink}"),
            ink: Ink::Series(ink),
            mean: run(0),
            runs: (0..runs).map(run).collect(),
        }
    }

    #[test]
    fn every_run_is_a_thin_line_and_every_mean_a_thick_one() {
        for marked in [false, true] {
            let drawing = Curves {
                lines: vec![line(0, 3), line(1, 2)],
                x: "step".to_owned(),
                y: "loss".to_owned(),
                marked,
            };
            let figure = Figure::new("a", "A", "", "", &drawing);
            for svg in [&figure.wide, &figure.narrow] {
                for (colour, runs) in [("#6A7582", 3), ("#006CAB", 2)] {
                    let lines = |width| count(svg, "<polyline", &[colour, width]);
                    assert_eq!(lines("stroke-width=\"4\""), runs);
                    assert_eq!(lines("stroke-width=\"8\""), 1);
                    let dots = if marked { 5 } else { 0 };
                    assert_eq!(centres(svg, 4, colour).len(), dots);
                }
            }
        }
    }

    #[test]
    fn a_single_point_is_a_dot() {
        let mut only = line(1, 1);
        only.mean.truncate(1);
        only.runs[0].truncate(1);
        let drawing = Curves {
            lines: vec![only],
            x: "step".to_owned(),
            y: "loss".to_owned(),
            marked: false,
        };
        let figure = Figure::new("a", "A", "", "", &drawing);
        assert_eq!(centres(&figure.wide, 4, "#006CAB").len(), 1);
    }
}
