//! How far parameters move in training: one small panel per kind of parameter.

use super::axes::{Axis, panel, spread};
use super::canvas::Area;
use super::curves::Line;
use super::{Drawing, Key, Layout};

/// The lines of one kind of parameter.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) lines: Vec<Line>,
}

/// Small panels, each with its own scale.
#[derive(Clone, Debug)]
pub(crate) struct Movement {
    pub(crate) parts: Vec<Part>,
    pub(crate) x: String,
}

const PANEL: u32 = 190;
/// Gap below a panel.
const GAP: f64 = 6.0;

impl Movement {
    fn columns(layout: Layout) -> usize {
        if layout.is_wide() { 3 } else { 1 }
    }
}

impl Drawing for Movement {
    fn legend(&self) -> Vec<Key> {
        let lines = self.parts.first().map_or(&[][..], |part| &part.lines);
        lines.iter().map(Line::key).collect()
    }

    fn height(&self, layout: Layout) -> u32 {
        PANEL * self.parts.len().div_ceil(Self::columns(layout)) as u32
    }

    fn paint(&self, area: &Area<'_>, layout: Layout) {
        let columns = Self::columns(layout);
        let areas = area.grid(self.parts.len().div_ceil(columns), columns);
        for (part, area) in self.parts.iter().zip(&areas) {
            let points = || part.lines.iter().flat_map(Line::points);
            let last = points().map(|(x, _)| x).fold(1.0, f64::max);
            let x = Axis::numbers(0.0..last, 4, &self.x);
            // From 0, or below it: the question is how far parameters moved.
            let spread = spread(points().map(|(_, y)| y).chain([0.0]), 1e-9);
            let is_below = points().any(|(_, y)| y < 0.0);
            let lowest = if is_below { spread.start } else { 0.0 };
            let y = Axis::numbers(lowest..spread.end, 4, &part.name);
            let (area, _) = area.split_at_y(area.height - GAP);
            let chart = panel(&area, &x, &y, 52.0);
            for line in &part.lines {
                line.paint_runs(&chart);
            }
            for line in &part.lines {
                line.paint_mean(&chart, true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::marks::{centres, count};
    use crate::figures::{Figure, Ink};

    #[test]
    fn every_part_has_a_panel_with_both_lines_from_0() {
        let line = |ink: usize, scale: f64| Line {
            name: format!("arm {ink}"),
            ink: Ink::Series(ink),
            mean: vec![(0.0, 0.0), (10.0, scale), (20.0, 1.5 * scale)],
            runs: vec![vec![(0.0, 0.0), (20.0, scale)]; 2],
        };
        let names = ["query", "key", "value", "dense", "all"];
        let part = |name: &str| Part {
            name: name.to_owned(),
            lines: vec![line(0, 2.0), line(1, 1.0)],
        };
        let drawing = Movement {
            parts: names.map(part).to_vec(),
            x: "step".to_owned(),
        };
        let figure = Figure::new("a", "A", "", "", &drawing);
        for svg in [&figure.wide, &figure.narrow] {
            for name in names {
                assert_eq!(svg.matches(&format!("\n{name}\n")).count(), 1, "{name}");
            }
            for colour in ["#6A7582", "#006CAB"] {
                assert_eq!(
                    centres(svg, 4, colour).len(),
                    15,
                    "three checkpoints per panel"
                );
                assert_eq!(
                    count(svg, "<polyline", &[colour, "stroke-width=\"4\""]),
                    10,
                    "runs"
                );
                assert_eq!(
                    count(svg, "<polyline", &[colour, "stroke-width=\"8\""]),
                    5,
                    "means"
                );
            }
            // Both start where nothing has moved, and the first arm ends above the second.
            let (first, second) = (centres(svg, 4, "#6A7582"), centres(svg, 4, "#006CAB"));
            assert_eq!(first[0], second[0]);
            assert!(first[2].1 < second[2].1);
        }
    }
}
