//! The measurements as a Markdown table.

use std::fmt::Write;

use crate::bench_peer::{Pair, Timing};
use crate::rows::{ROWS, Row};
use crate::tuned::{TUNED, Tuned};

/// The table of each number of threads, and how the steps scale if there are several.
pub(crate) fn all(pairs: &[Pair]) -> String {
    let mut threads: Vec<usize> = pairs.iter().map(|pair| pair.threads).collect();
    threads.sort_unstable();
    threads.dedup();
    let mut text = String::new();
    for &count in &threads {
        let of_count: Vec<Pair> = pairs
            .iter()
            .filter(|pair| pair.threads == count)
            .cloned()
            .collect();
        if threads.len() > 1 {
            let _ = writeln!(
                text,
                "{count} thread{}:\n",
                if count == 1 { "" } else { "s" }
            );
        }
        text += &render(&of_count);
        if threads.len() > 1 {
            text.push('\n');
        }
    }
    if threads.len() > 1 {
        text += &scaling(pairs, &threads);
    }
    text
}

/// Medians of each side, and the median, smallest and largest ratio of the pairs: to PyTorch as it comes, and to the fastest
/// of the ways to tune it, by their medians.
pub(crate) fn render(pairs: &[Pair]) -> String {
    let mut text = String::from(
        "| training step | ours, examples/s | PyTorch, examples/s | ratio: median (least to greatest) | PyTorch tuned, examples/s | ratio | ours, of the ceiling | peak memory, MiB: ours, PyTorch |\n|---|---|---|---|---|---|---|---|\n",
    );
    for row in &ROWS {
        let of_row = of_row(pairs, row);
        if of_row.is_empty() {
            continue;
        }
        let ours = |value: fn(&Timing) -> Option<f64>| {
            median(of_row.iter().filter_map(|pair| value(&pair.ours)).collect())
        };
        let theirs = |value: fn(&Timing) -> Option<f64>| {
            median(
                of_row
                    .iter()
                    .filter_map(|pair| value(&pair.theirs))
                    .collect(),
            )
        };
        let ceiling =
            |timing: &Timing| Some(100.0 * timing.matrix_gflops? / timing.ceiling_gflops?);
        let memory = |timing: &Timing| timing.peak_rss_mib;
        let (tuned, tuned_ratio) = match fastest(&of_row) {
            None => ("-".to_owned(), "-".to_owned()),
            Some((tuned, speed)) => (
                format!("{speed:.1} ({})", tuned.title),
                ratio(&of_row, |pair| pair.tuned.get(tuned.name)),
            ),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {tuned} | {tuned_ratio} | {} | {} |",
            row.title,
            number(ours(speed), 1, ""),
            number(theirs(speed), 1, ""),
            ratio(&of_row, |pair| Some(&pair.theirs)),
            number(ours(ceiling), 0, " %"),
            match (ours(memory), theirs(memory)) {
                (None, None) => "-".to_owned(),
                (ours, theirs) => format!("{}, {}", number(ours, 0, ""), number(theirs, 0, "")),
            },
        );
    }
    text
}

/// How many times as fast a step and one large product become, from the fewest threads to each other number.
fn scaling(pairs: &[Pair], threads: &[usize]) -> String {
    let [fewest, others @ ..] = threads else {
        return String::new();
    };
    let mut text = format!(
        "| training step | threads | ours, times {fewest} thread{} | PyTorch | one large product |\n|---|---|---|---|---|\n",
        if *fewest == 1 { "" } else { "s" }
    );
    for row in &ROWS {
        let of_row = of_row(pairs, row);
        for count in others {
            let times = |value: fn(&Pair) -> Option<f64>| {
                let at = |threads: usize| {
                    let measured = of_row.iter().filter(|pair| pair.threads == threads);
                    median(measured.filter_map(|pair| value(pair)).collect())
                };
                Some(at(*count)? / at(*fewest)?)
            };
            let Some(ours) = times(|pair| speed(&pair.ours)) else {
                continue;
            };
            let _ = writeln!(
                text,
                "| {} | {count} | {ours:.2} | {} | {} |",
                row.title,
                number(times(|pair| speed(&pair.theirs)), 2, ""),
                number(times(|pair| pair.ours.ceiling_gflops), 2, ""),
            );
        }
    }
    text
}

fn of_row<'a>(pairs: &'a [Pair], row: &Row) -> Vec<&'a Pair> {
    pairs.iter().filter(|pair| pair.row == row.name).collect()
}

fn speed(timing: &Timing) -> Option<f64> {
    Some(timing.examples_per_s)
}

/// The way to tune PyTorch with the highest median, and that median.
fn fastest(pairs: &[&Pair]) -> Option<(&'static Tuned, f64)> {
    let measured = TUNED.iter().filter_map(|tuned| {
        let timings = pairs.iter().filter_map(|pair| pair.tuned.get(tuned.name));
        Some((tuned, median(timings.filter_map(speed).collect())?))
    });
    measured.max_by(|(_, a), (_, b)| a.total_cmp(b))
}

/// The median, smallest and largest ratio of our speed to another program's.
fn ratio(pairs: &[&Pair], other: impl Fn(&Pair) -> Option<&Timing>) -> String {
    let ratios = pairs
        .iter()
        .filter_map(|pair| Some(pair.ours.examples_per_s / other(pair)?.examples_per_s));
    let ratios: Vec<f64> = ratios.collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = ratios.iter().copied().fold(0.0, f64::max);
    format!(
        "{} ({least:.2} to {greatest:.2})",
        number(median(ratios), 2, "")
    )
}

fn number(value: Option<f64>, decimals: usize, unit: &str) -> String {
    value.map_or_else(
        || "-".to_owned(),
        |value| format!("{value:.decimals$}{unit}"),
    )
}

/// The middle value, or the mean of the two middle ones.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[n / 2]),
        n => Some((values[n / 2 - 1] + values[n / 2]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::records;

    fn timing(examples_per_s: f64) -> Timing {
        Timing {
            examples_per_s,
            matrix_gflops: Some(40.0),
            ceiling_gflops: Some(100.0),
            peak_rss_mib: Some(100.0),
            ..Timing::default()
        }
    }

    #[test]
    fn the_ratio_is_the_median_over_pairs_not_the_ratio_of_medians() {
        let pair = |ours, theirs| Pair {
            row: "tiny".to_owned(),
            threads: 2,
            ours: timing(ours),
            theirs: timing(theirs),
            tuned: [("fused-adamw", 1.0), ("fused-adamw-jemalloc", 2.0)]
                .map(|(name, faster)| (name.to_owned(), timing(faster * theirs)))
                .into(),
        };
        let pairs = [pair(10.0, 10.0), pair(30.0, 10.0), pair(40.0, 20.0)];
        let text = render(&pairs);
        assert_eq!(text.lines().count(), 3, "{text}");
        let line = text.lines().last().expect("a line");
        assert!(
            line.ends_with("| 30.0 | 10.0 | 2.00 (1.00 to 3.00) | 20.0 (fused AdamW, jemalloc) | 1.00 (0.50 to 1.50) | 40 % | 100, 100 |"),
            "{line}"
        );
    }

    #[test]
    fn scaling_is_from_the_fewest_threads() {
        let pair = |threads, ours, theirs, product| Pair {
            row: "minilm".to_owned(),
            threads,
            ours: Timing {
                ceiling_gflops: Some(product),
                ..timing(ours)
            },
            theirs: timing(theirs),
            tuned: BTreeMap::new(),
        };
        let pairs = [pair(2, 18.0, 11.0, 190.0), pair(1, 10.0, 10.0, 100.0)];
        let text = all(&pairs);
        let line = text.lines().last().expect("a line");
        assert!(line.ends_with(" | 2 | 1.80 | 1.10 | 1.90 |"), "{text}");
        assert!(text.starts_with("1 thread:\n"), "{text}");
    }

    #[test]
    fn the_readme_shows_the_tables_of_the_recorded_pairs() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let readme = std::fs::read_to_string(package.join("README.md")).expect("the README");
        let table_of = |runs: &str, table: fn(&[Pair]) -> String| {
            let pairs = records::read(&package.join(runs)).expect("records");
            let table = table(&pairs);
            assert!(
                readme.contains(&table),
                "README.md lacks the table of {runs}:\n{table}"
            );
        };
        for day in ["2026-11-28", "2026-11-29", "2026-12-01"] {
            table_of(&format!("runs/{day}.jsonl"), render);
        }
        table_of("runs/2026-12-01-threads.jsonl", |pairs| {
            scaling(pairs, &[1, 2])
        });
    }
}
