//! What each arm gains, by what it costs.

use super::axes::{Axis, Chart, panel, spread};
use super::canvas::{Area, HPos, Point, VPos, width_of};
use super::effects::Effect;
use super::palette::Ink;
use super::{Drawing, Key, Layout};

/// An arm's gain, and its cost as a multiple of the baseline's.
#[derive(Clone, Debug)]
pub(crate) struct Priced {
    pub(crate) gain: Effect,
    pub(crate) cost: f64,
}

/// One mark per arm, with its name where there is room for it. The baseline gains nothing and costs 1.
#[derive(Clone, Debug)]
pub(crate) struct GainByCost {
    pub(crate) arms: Vec<Priced>,
    pub(crate) keys: Vec<Key>,
    /// Title of the axis of gains, with its unit.
    pub(crate) gain: String,
    /// Title of the axis of costs.
    pub(crate) cost: String,
}

const NAME: f64 = 12.0;
const DOT: f64 = 4.0;
/// Between a dot and its name.
const ASIDE: f64 = 8.0;
/// How far a name may be moved up or down, in lines.
const MOVES: [f64; 9] = [0.0, -1.0, 1.0, -2.0, 2.0, -3.0, 3.0, -4.0, 4.0];

/// A rectangle by its upper left and its lower right corner.
#[derive(Clone, Copy)]
struct Box {
    from: Point,
    to: Point,
}

impl Box {
    fn around((x, y): Point, half: Point) -> Self {
        Self {
            from: (x - half.0, y - half.1),
            to: (x + half.0, y + half.1),
        }
    }

    fn meets(&self, other: &Self) -> bool {
        self.from.0 < other.to.0
            && other.from.0 < self.to.0
            && self.from.1 < other.to.1
            && other.from.1 < self.to.1
    }

    fn is_within(&self, other: &Self) -> bool {
        self.from.0 >= other.from.0
            && self.from.1 >= other.from.1
            && self.to.0 <= other.to.0
            && self.to.1 <= other.to.1
    }
}

/// Where a name is.
struct Place {
    middle: Point,
    /// The end of a line to its dot, if it is not beside that.
    end: Option<Point>,
}

impl GainByCost {
    /// Where each arm's name is; `None` where every place is taken by another name or a dot.
    fn names(&self, chart: &Chart<'_>, within: &Box) -> Vec<Option<Place>> {
        let dot = |arm: &Priced| chart.place((arm.cost, arm.gain.mean));
        let dots: Vec<Box> = self
            .arms
            .iter()
            .map(|arm| Box::around(dot(arm), (DOT, DOT)))
            .collect();
        let mut names: Vec<Box> = Vec::new();
        let mut places = Vec::new();
        for arm in &self.arms {
            let half = (width_of(&arm.gain.label, NAME) / 2.0, NAME / 2.0);
            let (x, y) = dot(arm);
            let mut candidates = MOVES
                .iter()
                .flat_map(|lines| [1.0, -1.0].map(|side| (*lines, side)));
            let place = candidates.find_map(|(lines, side)| {
                let (beside, y) = (x + side * ASIDE, y + lines * (NAME + 2.0));
                let middle = (beside + side * half.0, y);
                let area = Box::around(middle, half);
                let mut others = dots.iter().chain(&names);
                let is_free = area.is_within(within) && !others.any(|other| area.meets(other));
                let end = (lines != 0.0).then_some((beside - side, y));
                is_free.then_some((area, Place { middle, end }))
            });
            let (area, place) = place.unzip();
            names.extend(area);
            places.push(place);
        }
        places
    }
}

impl Drawing for GainByCost {
    fn legend(&self) -> Vec<Key> {
        self.keys.clone()
    }

    fn height(&self, layout: Layout) -> u32 {
        if layout.is_wide() { 340 } else { 380 }
    }

    fn paint(&self, area: &Area<'_>, _: Layout) {
        let costs = self.arms.iter().map(|arm| arm.cost);
        let gains = self.arms.iter().flat_map(|arm| arm.gain.numbers());
        let x = Axis::numbers(spread(costs.chain([1.0]), 0.5), 5, &self.cost);
        let y = Axis::numbers(spread(gains.chain([0.0]), 0.4), 5, &self.gain);
        let chart = panel(area, &x, &y, 44.0);
        let range = chart.x_range();
        chart.line(&[(range.start, 0.0), (range.end, 0.0)], Ink::Axis.line(2.0));
        let within = Box {
            from: (46.0, 22.0),
            to: (area.width, area.height - 40.0),
        };
        let names = self.names(&chart, &within);
        let named = || self.arms.iter().zip(&names);
        for (arm, place) in named() {
            if let Some(end) = place.as_ref().and_then(|place| place.end) {
                let dot = chart.place((arm.cost, arm.gain.mean));
                area.line(&[dot, end], Ink::Axis.line(1.0));
            }
        }
        chart.circle((1.0, 0.0), DOT, Ink::Series(0).filled());
        for (arm, place) in named() {
            let Effect {
                label,
                ink,
                mean,
                interval,
                ..
            } = &arm.gain;
            if let Some([low, high]) = *interval {
                let ends = [(arm.cost, low), (arm.cost, high)];
                chart.line(&ends, ink.line(2.0).faint(0.5));
            }
            chart.circle((arm.cost, *mean), DOT, ink.filled());
            if let Some(place) = place {
                let style = Ink::Text.text(NAME, HPos::Center, VPos::Center);
                area.text(label, place.middle, style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::marks::{centres, lines};
    use crate::figures::{Figure, Mark};

    fn arm(label: &str, mean: f64, cost: f64) -> Priced {
        Priced {
            gain: Effect {
                label: label.to_owned(),
                ink: Ink::Series(1),
                values: Vec::new(),
                mean,
                interval: Some([mean - 1.0, mean + 1.0]),
            },
            cost,
        }
    }

    fn drawn(arms: Vec<Priced>) -> Figure {
        let drawing = GainByCost {
            arms,
            keys: vec![Key::new("with noise", Ink::Series(1), Mark::Dot)],
            gain: "gain (points)".to_owned(),
            cost: "seconds, as a multiple of the baseline's".to_owned(),
        };
        Figure::new("a", "A", "", "", &drawing)
    }

    #[test]
    fn a_dearer_arm_is_further_right_and_a_better_one_higher() {
        let figure = drawn(vec![arm("cheap", -0.5, 1.0), arm("dear", 1.5, 3.0)]);
        for svg in [&figure.wide, &figure.narrow] {
            let [cheap, dear, ..] = centres(svg, 4, "#006CAB")[..] else {
                panic!("two dots");
            };
            assert!(cheap.0 < dear.0 && cheap.1 > dear.1);
            assert_eq!(lines(svg, 2, "#006CAB").len(), 2, "intervals");
            for name in ["cheap", "dear"] {
                assert_eq!(svg.matches(&format!("\n{name}\n")).count(), 1, "{name}");
            }
        }
    }

    #[test]
    fn names_of_arms_at_the_same_place_do_not_cover_each_other() {
        let names = ["one", "two", "three", "four"];
        let figure = drawn(names.map(|name| arm(name, 0.2, 2.0)).to_vec());
        let mut heights: Vec<&str> = names
            .iter()
            .map(|name| {
                let before = figure.wide.split(&format!(">\n{name}\n")).next();
                let tag = before.and_then(|text| text.rsplit("<text ").next());
                tag.expect("the name's element")
            })
            .collect();
        heights.sort_unstable();
        heights.dedup();
        assert_eq!(heights.len(), names.len());
        // So many have no room for all; those without are left out, and every dot is there.
        let crowd = drawn(vec![arm("a rather long name of an arm", 0.2, 2.0); 40]);
        let shown = crowd.narrow.matches("a rather long name").count();
        assert!((1..40).contains(&shown), "{shown}");
    }
}
