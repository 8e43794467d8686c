//! A panel: two axes with chosen ticks, a grid, and the chart to draw on.

use std::ops::Range;

use super::canvas::{Area, HPos, Pen, Point, VPos};
use super::palette::Ink;
use crate::number::thousands;

/// One direction of a panel.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    range: Range<f64>,
    ticks: Vec<(f64, String)>,
    title: String,
}

/// A panel's axes on an area; marks are placed by value.
pub(crate) struct Chart<'a> {
    area: Area<'a>,
    x: Scale,
    y: Scale,
}

/// Maps values to pixels.
#[derive(Clone, Debug)]
struct Scale {
    values: Range<f64>,
    pixels: (f64, f64),
}

const TICK: f64 = 12.0;
const RIGHT: f64 = 14.0;
/// Room below the chart for labels, and for labels and a title.
const LABELS: f64 = 22.0;
const LABELS_AND_TITLE: f64 = 40.0;

impl Axis {
    /// About `count` ticks at round numbers.
    pub(crate) fn numbers(range: Range<f64>, count: usize, title: &str) -> Self {
        let (step, decimals) = round_step((range.end - range.start) / count.max(1) as f64);
        let (first, last) = (range.start / step, range.end / step);
        let ticks = (first.ceil() as i64..=last.floor() as i64)
            .map(|at| {
                let value = at as f64 * step;
                let label = match decimals {
                    _ if at == 0 => "0".to_owned(),
                    0 if at > 0 => thousands(value.round() as usize),
                    _ => format!("{value:.decimals$}").replace('-', "−"),
                };
                (value, label)
            })
            .collect();
        Self::at(range, ticks, title)
    }

    /// Ticks at these places.
    pub(crate) fn at(range: Range<f64>, ticks: Vec<(f64, String)>, title: &str) -> Self {
        let title = title.to_owned();
        Self {
            range,
            ticks,
            title,
        }
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that is at least `least`, with its decimals.
fn round_step(least: f64) -> (f64, usize) {
    let power = least.max(1e-12).log10().floor();
    let unit = 10_f64.powf(power);
    // A little over is rounding error.
    let (factor, up) = match least / unit {
        ..1.000_001 => (1.0, 0.0),
        ..2.000_001 => (2.0, 0.0),
        ..5.000_001 => (5.0, 0.0),
        _ => (10.0, 1.0),
    };
    (factor * unit, (-power - up).max(0.0) as usize)
}

/// The range of these values with some margin, at least `least` wide.
pub(crate) fn spread(values: impl IntoIterator<Item = f64>, least: f64) -> Range<f64> {
    let (low, high) = values
        .into_iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    if low > high {
        return 0.0..least;
    }
    let air = (0.06 * (high - low)).max((least - (high - low)) / 2.0);
    low - air..high + air
}

/// Lays out a panel in `area`, with `left` pixels for the labels of the vertical axis and its title above.
pub(crate) fn panel<'a>(area: &Area<'a>, x: &Axis, y: &Axis, left: f64) -> Chart<'a> {
    let top = if y.title.is_empty() { 6.0 } else { 26.0 };
    let below = match x.title.is_empty() {
        true => LABELS,
        false => LABELS_AND_TITLE,
    };
    let chart = Chart {
        area: area.clone(),
        x: Scale {
            values: x.range.clone(),
            pixels: (left, area.width - RIGHT),
        },
        y: Scale {
            values: y.range.clone(),
            pixels: (area.height - below, top),
        },
    };
    chart.draw_axes(x, y);
    chart
}

impl<'a> Chart<'a> {
    /// Where a pair of values is, in pixels.
    pub(crate) fn place(&self, (x, y): Point) -> Point {
        (self.x.place(x), self.y.place(y))
    }

    /// The range of the horizontal axis.
    pub(crate) fn x_range(&self) -> Range<f64> {
        self.x.values.clone()
    }

    /// Draws a line through values.
    pub(crate) fn line(&self, points: &[Point], pen: Pen) {
        let points: Vec<Point> = points.iter().map(|point| self.place(*point)).collect();
        self.area.line(&points, pen);
    }

    /// Draws a circle of a radius in pixels.
    pub(crate) fn circle(&self, centre: Point, radius: f64, pen: Pen) {
        self.area.circle(self.place(centre), radius, pen);
    }

    /// Fills the area between two values of the horizontal axis.
    pub(crate) fn band(&self, [from, to]: [f64; 2], pen: Pen) {
        let (bottom, top) = self.y.pixels;
        let (from, to) = (self.x.place(from), self.x.place(to));
        self.area.rectangle((from, top), (to, bottom), pen);
    }

    fn draw_axes(&self, x: &Axis, y: &Axis) {
        let ((left, right), (bottom, top)) = (self.x.pixels, self.y.pixels);
        let labels = |side, vertical| Ink::Muted.text(TICK, side, vertical);
        for (value, label) in &y.ticks {
            let at = self.y.place(*value);
            self.area
                .line(&[(left, at), (right, at)], Ink::Grid.line(1.0));
            let style = labels(HPos::Right, VPos::Center);
            self.area.text(label, (left - 7.0, at), style);
        }
        for (value, label) in &x.ticks {
            let at = self.x.place(*value);
            self.area
                .line(&[(at, top), (at, bottom)], Ink::Grid.line(1.0));
            let style = labels(HPos::Center, VPos::Top);
            self.area.text(label, (at, bottom + 7.0), style);
        }
        self.area
            .line(&[(left, bottom), (right, bottom)], Ink::Axis.line(1.0));
        if !x.title.is_empty() {
            let middle = (f64::midpoint(left, right), self.area.height - 2.0);
            self.area
                .text(&x.title, middle, labels(HPos::Center, VPos::Bottom));
        }
        if !y.title.is_empty() {
            self.area
                .text(&y.title, (2.0, 2.0), labels(HPos::Left, VPos::Top));
        }
    }
}

impl Scale {
    fn place(&self, value: f64) -> f64 {
        let share = (value - self.values.start) / (self.values.end - self.values.start);
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_have_as_many_decimals_as_their_step() {
        let labels = |range, count| -> Vec<String> {
            let axis = Axis::numbers(range, count, "");
            axis.ticks.into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(-1.0..1.0, 4), ["−1.0", "−0.5", "0", "0.5", "1.0"]);
        assert_eq!(labels(90.2..92.4, 4), ["91", "92"]);
        assert_eq!(
            labels(0.0..0.5, 5),
            ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]
        );
        assert_eq!(labels(0.0..6_000.0, 4), ["0", "2,000", "4,000", "6,000"]);
        assert_eq!(labels(0.0..0.08, 4), ["0", "0.02", "0.04", "0.06", "0.08"]);
        assert_eq!(labels(0.0..28.0, 4), ["0", "10", "20"]);
    }

    #[test]
    fn a_spread_holds_its_values_and_is_never_empty() {
        assert_eq!(spread([], 1.0), 0.0..1.0);
        assert_eq!(spread([3.0], 1.0), 2.5..3.5);
        let wide = spread([-1.0, 5.0], 1.0);
        assert!(wide.start < -1.0 && wide.end > 5.0);
    }

    #[test]
    fn a_scale_puts_the_ends_of_its_values_at_the_ends_of_its_pixels() {
        let scale = Scale {
            values: -1.0..3.0,
            pixels: (200.0, 40.0),
        };
        assert_eq!(
            [-1.0, 0.0, 3.0].map(|value| scale.place(value)),
            [200.0, 160.0, 40.0]
        );
    }
}
