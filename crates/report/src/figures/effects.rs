//! Differences by row, each with its interval: arms, kinds of noise, companions.

use super::axes::{Axis, Chart, panel, spread};
use super::canvas::{Area, HPos, VPos, width_of};
use super::palette::Ink;
use super::{Drawing, Layout};
use crate::number::signed;

/// A mean difference and the differences behind it.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) label: String,
    pub(crate) ink: Ink,
    /// One per pair of runs.
    pub(crate) values: Vec<f64>,
    pub(crate) mean: f64,
    /// `None` if there are too few values for one.
    pub(crate) interval: Option<[f64; 2]>,
}

/// One row per effect, around a line at 0.
#[derive(Clone, Debug)]
pub(crate) struct Effects {
    pub(crate) effects: Vec<Effect>,
    /// Title of the axis, with its unit.
    pub(crate) title: String,
}

const AXES: u32 = 52;
const LABEL: f64 = 13.0;
/// Heights of a row on a phone.
const ONE_LINE: u32 = 58;
const TWO_LINES: u32 = 75;

impl Effect {
    /// Every number of it.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let ends = self.interval.iter().flatten();
        self.values.iter().chain(ends).copied().chain([self.mean])
    }

    /// The mean with its interval.
    pub(crate) fn text(&self) -> String {
        let mean = signed(self.mean, 2);
        match self.interval {
            Some([low, high]) => format!("{mean} [{}, {}]", signed(low, 2), signed(high, 2)),
            None => mean,
        }
    }

    /// Draws the interval and the mean at height `y`, and the values `below` it.
    pub(crate) fn paint(&self, chart: &Chart<'_>, y: f64, below: f64) {
        for value in &self.values {
            chart.circle((*value, y - below), 3.0, self.ink.filled().faint(0.5));
        }
        if let Some([low, high]) = self.interval {
            chart.line(&[(low, y), (high, y)], self.ink.line(3.0));
        }
        chart.circle((self.mean, y), 5.0, self.ink.filled());
    }

    /// The same with values upwards: the interval at `x`, the values `aside`.
    pub(crate) fn paint_upright(&self, chart: &Chart<'_>, x: f64, aside: f64) {
        for value in &self.values {
            chart.circle((x + aside, *value), 2.0, self.ink.filled().faint(0.5));
        }
        if let Some([low, high]) = self.interval {
            chart.line(&[(x, low), (x, high)], self.ink.line(2.0));
        }
        chart.circle((x, self.mean), 4.0, self.ink.filled());
    }
}

impl Effects {
    /// The height of a row on a phone, where name and numbers are above the marks, on one line if
    /// every row has room for both.
    fn narrow_row(&self) -> u32 {
        let room = f64::from(Layout::Narrow.width()) - 34.0;
        let width =
            |effect: &Effect| width_of(&effect.label, LABEL) + width_of(&effect.text(), LABEL);
        match self.effects.iter().all(|effect| width(effect) < room) {
            true => ONE_LINE,
            false => TWO_LINES,
        }
    }

    fn widest(&self, text: impl Fn(&Effect) -> String) -> f64 {
        let effects = self.effects.iter();
        let widths = effects.map(|effect| width_of(&text(effect), LABEL));
        widths.fold(0.0, f64::max)
    }

    fn chart<'a>(&self, area: &Area<'a>, ticks: usize, left: f64) -> Chart<'a> {
        let numbers = self.effects.iter().flat_map(Effect::numbers);
        let x = Axis::numbers(spread(numbers.chain([0.0]), 0.2), ticks, &self.title);
        let rows = self.effects.len() as f64;
        let chart = panel(area, &x, &Axis::at(0.0..rows, Vec::new(), ""), left);
        line_at_zero(&chart, rows);
        chart
    }

    /// Name, marks and numbers, from left to right.
    fn paint_wide(&self, area: &Area<'_>) {
        let left = self.widest(|effect| effect.label.clone()).min(260.0) + 12.0;
        let (rows, aside) = area.split_at_x(area.width - self.widest(Effect::text));
        let chart = self.chart(&rows, 6, left);
        for (row, effect) in self.effects.iter().enumerate() {
            let middle = (self.effects.len() - row) as f64 - 0.42;
            effect.paint(&chart, middle, 0.26);
            let (_, y) = chart.place((0.0, middle));
            let style = |side| Ink::Text.text(LABEL, side, VPos::Center);
            rows.text(&effect.label, (left - 10.0, y), style(HPos::Right));
            aside.text(&effect.text(), (0.0, y), style(HPos::Left));
        }
    }

    /// Name and numbers above the marks.
    fn paint_narrow(&self, area: &Area<'_>) {
        let height = f64::from(self.narrow_row());
        let is_one_line = self.narrow_row() == ONE_LINE;
        let chart = self.chart(area, 4, 8.0);
        for (row, effect) in self.effects.iter().enumerate() {
            let top = (self.effects.len() - row) as f64;
            let (_, y) = chart.place((0.0, top));
            // Keep grid lines from running through words.
            let words = (area.width, y + height - 34.0);
            area.rectangle((0.0, y), words, Ink::Ground.filled());
            let style = |ink: Ink, side| ink.text(LABEL, side, VPos::Top);
            area.text(&effect.label, (10.0, y + 4.0), style(Ink::Text, HPos::Left));
            let (side, place) = match is_one_line {
                true => (HPos::Right, (area.width - 14.0, y + 4.0)),
                false => (HPos::Left, (10.0, y + 21.0)),
            };
            area.text(&effect.text(), place, style(Ink::Muted, side));
            effect.paint(&chart, top - (height - 24.0) / height, 13.0 / height);
        }
    }
}

impl Drawing for Effects {
    fn height(&self, layout: Layout) -> u32 {
        let row = match layout {
            Layout::Wide => 38,
            Layout::Narrow => self.narrow_row(),
        };
        AXES + row * self.effects.len() as u32
    }

    fn paint(&self, area: &Area<'_>, layout: Layout) {
        match layout {
            Layout::Wide => self.paint_wide(area),
            Layout::Narrow => self.paint_narrow(area),
        }
    }
}

/// The line at no difference, up to `top`.
pub(crate) fn line_at_zero(chart: &Chart<'_>, top: f64) {
    chart.line(&[(0.0, 0.0), (0.0, top)], Ink::Axis.line(2.0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figure;
    use crate::figures::marks::{centres, lines};

    fn effect(mean: f64, interval: Option<[f64; 2]>) -> Effect {
        Effect {
            label: format!("arm {mean}"),
            ink: Ink::Series(1),
            values: vec![mean - 0.3, mean + 0.3],
            mean,
            interval,
        }
    }

    #[test]
    fn a_row_has_a_mean_its_interval_and_its_pairs() {
        let drawing = Effects {
            effects: vec![effect(0.5, Some([0.1, 0.9])), effect(-0.5, None)],
            title: "difference (points)".to_owned(),
        };
        let figure = Figure::new("a", "A", "", "", &drawing);
        for svg in [&figure.wide, &figure.narrow] {
            let colour = "#006CAB";
            let means = centres(svg, 5, colour);
            let &[(right, upper), (left, lower)] = means.as_slice() else {
                panic!("two means, not {means:?}");
            };
            // One point apart. Coordinates are whole numbers: off by one at each end.
            let is_at = |x: f64, points: f64| {
                (x - f64::midpoint(left, right) - points * (right - left)).abs() <= 2.0
            };
            assert!(left < right && upper < lower);
            let zero = lines(svg, 2, "#98A2AE");
            assert!(zero.len() == 1 && is_at(zero[0][0].0, 0.0), "{zero:?}");
            let interval = lines(svg, 3, colour);
            assert_eq!(interval.len(), 1);
            assert!(
                is_at(interval[0][0].0, 0.1) && is_at(interval[0][1].0, 0.9),
                "{interval:?}"
            );
            let pairs = centres(svg, 3, colour);
            assert_eq!(pairs.len(), 4);
            for ((x, _), points) in pairs.iter().zip([0.2, 0.8, -0.8, -0.2]) {
                assert!(is_at(*x, points), "{pairs:?}");
            }
            assert!(svg.contains("+0.50 [+0.10, +0.90]") && svg.contains("−0.50"));
        }
    }
}
