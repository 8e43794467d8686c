//! Differences by noise intensity.

use super::axes::{Axis, panel, spread};
use super::canvas::{Area, Point};
use super::effects::Effect;
use super::palette::Ink;
use super::{Drawing, Key, Layout, Mark};

/// One effect per intensity; the baseline is the line at 0.
#[derive(Clone, Debug)]
pub(crate) struct Sweep {
    /// (λ, difference from the baseline), ascending.
    pub(crate) effects: Vec<(f64, Effect)>,
    pub(crate) baseline: String,
    pub(crate) treatment: String,
    /// Where others found the best values.
    pub(crate) reference: [f64; 2],
    /// Title of the difference axis, with its unit.
    pub(crate) title: String,
}

impl Sweep {
    /// The colour of the treatment.
    fn ink(&self) -> Ink {
        let first = self.effects.first();
        first.map_or(Ink::Series(1), |(_, effect)| effect.ink)
    }
}

impl Drawing for Sweep {
    fn legend(&self) -> Vec<Key> {
        vec![
            Key::new(&self.baseline, Ink::Series(0), Mark::Line),
            Key::new(&self.treatment, self.ink(), Mark::Dot),
        ]
    }

    fn height(&self, layout: Layout) -> u32 {
        if layout.is_wide() { 340 } else { 290 }
    }

    fn paint(&self, area: &Area<'_>, layout: Layout) {
        let lambdas = self.effects.iter().map(|(lambda, _)| *lambda);
        let x_range = spread(lambdas.chain([0.0]), 0.1);
        let numbers = self.effects.iter().flat_map(|(_, effect)| effect.numbers());
        let y_range = spread(numbers.chain([0.0]), 0.4);
        let ticks = if layout.is_wide() { 6 } else { 4 };
        let x = Axis::numbers(x_range.clone(), ticks, "noise intensity λ");
        let chart = panel(area, &x, &Axis::numbers(y_range, 5, &self.title), 44.0);

        let reference = self.reference.map(|x| x.clamp(x_range.start, x_range.end));
        chart.band(reference, Ink::Series(5).filled().faint(0.14));
        let baseline = [(x_range.start, 0.0), (x_range.end, 0.0)];
        chart.line(&baseline, Ink::Series(0).line(2.0));
        let effects = self.effects.iter();
        let means: Vec<Point> = effects
            .map(|(lambda, effect)| (*lambda, effect.mean))
            .collect();
        chart.line(&means, self.ink().line(1.0).faint(0.6));
        let aside = 0.008 * (x_range.end - x_range.start);
        for (lambda, effect) in &self.effects {
            effect.paint_upright(&chart, *lambda, aside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figure;
    use crate::figures::marks::{centres, count, lines};

    #[test]
    fn each_intensity_has_its_place_and_the_baseline_is_a_line() {
        let effect = |mean: f64| Effect {
            label: String::new(),
            ink: Ink::Series(1),
            values: vec![mean - 0.2, mean, mean + 0.2],
            mean,
            interval: Some([mean - 0.1, mean + 0.1]),
        };
        let drawing = Sweep {
            effects: vec![(0.1, effect(0.3)), (0.2, effect(0.0)), (0.4, effect(-0.3))],
            baseline: "baseline, 91.20 %".to_owned(),
            treatment: "noisytune".to_owned(),
            reference: [0.1, 0.15],
            title: "difference (points)".to_owned(),
        };
        let figure = Figure::new("a", "A", "", "", &drawing);
        for svg in [&figure.wide, &figure.narrow] {
            let means = centres(svg, 4, "#006CAB");
            assert_eq!(means.len(), 3);
            assert_eq!(centres(svg, 2, "#006CAB").len(), 9, "pairs");
            let intervals = lines(svg, 2, "#006CAB");
            assert_eq!(intervals.len(), 3);
            // Coordinates are whole numbers: off by one at each end.
            let is_about = |a: f64, b: f64| (a - b).abs() <= 2.0;
            let tenth = (means[2].1 - means[0].1) / 6.0;
            for (interval, (x, y)) in intervals.iter().zip(&means) {
                assert!(interval.iter().all(|end| is_about(end.0, *x)));
                assert!(is_about(interval[0].1, y + tenth) && is_about(interval[1].1, y - tenth));
            }
            let baseline = lines(svg, 2, "#6A7582");
            assert_eq!(baseline.len(), 1);
            assert!(
                baseline[0].iter().all(|end| is_about(end.1, means[1].1)),
                "at 0"
            );
            assert_eq!(count(svg, "<rect", &["#A87A00"]), 1, "what others found");
            // 0.1 to 0.4 is three times as far as 0.1 to 0.2.
            let (near, far) = (means[1].0 - means[0].0, means[2].0 - means[0].0);
            assert!(
                near > 100.0 && (far - 3.0 * near).abs() <= 4.0,
                "{near} {far}"
            );
            assert!(
                means[0].1 < means[1].1 && means[1].1 < means[2].1,
                "up is better"
            );
        }
    }
}
