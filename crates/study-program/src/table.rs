//! The results as a table.

use std::fmt::Write;

use harmless::shown;
use study::StudySummary;
use study::statistics::{p_equals, signed};
use study::summary::{Point, Scores, metric_in_words, metric_unit, set_in_words};

use crate::languages;

/// One table per study: one line per point, then the verdict and what it would be without collapsed runs, then a table for
/// every other metric and set, or one of all languages. `set` is the evaluation set of the headline.
pub fn render(summary: &StudySummary, set: &str) -> String {
    let set = set_in_words(set);
    let mut text = String::new();
    for (index, study) in summary.studies.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let metric = metric_in_words(&summary.metric);
        let unit = metric_unit(&summary.metric);
        let (task, set) = (shown(&summary.task), shown(set));
        let _ = write!(text, "{task} {set} {metric} in {unit}");
        if summary.studies.len() > 1 {
            let _ = write!(text, ", study {}", study.study);
        }
        text.push('\n');
        let points = study.points.iter();
        rows(&mut text, points.map(|point| (&point.label, &point.scores)));
        if study.points.iter().any(|point| point.comparison.is_some()) {
            let _ = writeln!(text, "{}", study.verdict);
        }
        for point in &study.points {
            let _ = text.write_str(&without_collapsed(point));
        }
        let is_judging = summary.judging().is_some_and(|judging| judging == study);
        if let Some(languages) = summary.languages.as_ref().filter(|_| is_judging) {
            text += &languages::table(summary, languages);
        }
        let others = study.points.first().map_or(0, |point| point.others.len());
        for at in 0..others {
            let of_points = || {
                study
                    .points
                    .iter()
                    .filter_map(|point| Some((point, point.others.get(at)?)))
            };
            let Some((_, first)) = of_points()
                .next()
                .filter(|(_, first)| summary.shows(study, first))
            else {
                continue;
            };
            let (metric, unit) = (metric_in_words(&first.metric), metric_unit(&first.metric));
            let (task, set) = (shown(&summary.task), shown(&first.set));
            let _ = writeln!(text, "{task} {set} {metric} in {unit}");
            rows(
                &mut text,
                of_points().map(|(point, other)| (&point.label, &other.scores)),
            );
        }
    }
    if let Some(devices) = &summary.mixed_devices {
        let _ = writeln!(text, "runs on {}", shown(&devices.in_words()));
    }
    text
}

/// The point's comparison over the pairs in which no run collapsed, as a line; empty if that is all of them.
fn without_collapsed(point: &Point) -> String {
    let Some((comparison, left)) = point
        .comparison
        .as_ref()
        .and_then(|c| Some((c, c.without_collapsed?)))
    else {
        return String::new();
    };
    let what = format!("{} minus {}", point.label, comparison.against);
    let points = |difference: f64| signed(100.0 * difference, 2);
    let numbers = match left.mean {
        None => "no pair is left".to_owned(),
        Some(mean) => {
            let interval = left.ci95.map(|[low, high]| {
                format!(
                    "95 % interval over seeds {} to {}",
                    points(low),
                    points(high)
                )
            });
            let inside = [interval, left.p_value.map(p_equals)];
            let inside: Vec<String> = inside.into_iter().flatten().collect();
            let inside = match inside.is_empty() {
                true => String::new(),
                false => format!(" ({})", inside.join(", ")),
            };
            let pairs = if left.n == 1 { "pair" } else { "pairs" };
            format!("{} points over {} {pairs}{inside}", points(mean), left.n)
        }
    };
    format!("{what}, without the pairs in which a run collapsed: {numbers}\n")
}

/// A line of headings, and one for each point.
fn rows<'a>(text: &mut String, points: impl Iterator<Item = (&'a String, &'a Scores)> + Clone) {
    let percent = |x: Option<f64>| x.map_or("-".to_owned(), |x| format!("{:.2}", 100.0 * x));
    let longest = points.clone().map(|(label, _)| label.chars().count());
    let width = longest.max().unwrap_or(0).max(10);
    let _ = writeln!(
        text,
        "{:<width$} {:>3} {:>7} {:>6}  values",
        "arm", "n", "mean", "sd"
    );
    for (label, scores) in points {
        let mut values: Vec<String> = scores
            .values
            .iter()
            .map(|score| percent(Some(score.value)))
            .collect();
        if scores.failed > 0 {
            values.push(format!("({} failed)", scores.failed));
        }
        if scores.collapsed > 0 {
            values.push(format!(
                "({} of {} collapsed, mean without them {})",
                scores.collapsed,
                scores.n,
                percent(scores.mean_without_collapsed)
            ));
        }
        let _ = writeln!(
            text,
            "{:<width$} {:>3} {:>7} {:>6}  {}",
            label,
            scores.n,
            percent(scores.mean),
            percent(scores.sd),
            values.join(" ")
        );
    }
}
