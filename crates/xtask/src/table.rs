//! The measurements as a Markdown table.

use std::fmt::Write;

use crate::bench_peer::{Pair, Timing};
use crate::rows::ROWS;

/// Medians of each side, and the median, smallest and largest ratio of the pairs.
pub(crate) fn render(pairs: &[Pair]) -> String {
    let mut text = String::from(
        "| training step | ours, examples/s | PyTorch, examples/s | ratio: median (least to greatest) | ours, of the ceiling | peak memory, MiB: ours, PyTorch |\n|---|---|---|---|---|---|\n",
    );
    for row in &ROWS {
        let of_row: Vec<&Pair> = pairs.iter().filter(|pair| pair.row == row.name).collect();
        if of_row.is_empty() {
            continue;
        }
        let ratio = |pair: &&Pair| pair.ours.examples_per_s / pair.theirs.examples_per_s;
        let ratios: Vec<f64> = of_row.iter().map(ratio).collect();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = ratios.iter().copied().fold(0.0, f64::max);
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
        let speed = |timing: &Timing| Some(timing.examples_per_s);
        let ceiling =
            |timing: &Timing| Some(100.0 * timing.matrix_gflops? / timing.ceiling_gflops?);
        let memory = |timing: &Timing| timing.peak_rss_mib;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} ({least:.2} to {greatest:.2}) | {} | {} |",
            row.title,
            number(ours(speed), 1, ""),
            number(theirs(speed), 1, ""),
            number(median(ratios), 2, ""),
            number(ours(ceiling), 0, " %"),
            match (ours(memory), theirs(memory)) {
                (None, None) => "-".to_owned(),
                (ours, theirs) => format!("{}, {}", number(ours, 0, ""), number(theirs, 0, "")),
            },
        );
    }
    text
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
            ours: timing(ours),
            theirs: timing(theirs),
        };
        let pairs = [pair(10.0, 10.0), pair(30.0, 10.0), pair(40.0, 20.0)];
        let text = render(&pairs);
        assert_eq!(text.lines().count(), 3, "{text}");
        let line = text.lines().last().expect("a line");
        assert!(
            line.ends_with("| 30.0 | 10.0 | 2.00 (1.00 to 3.00) | 40 % | 100, 100 |"),
            "{line}"
        );
    }

    #[test]
    fn the_readme_shows_the_table_of_the_recorded_pairs() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let pairs = records::read(&package.join("runs/2026-11-28.jsonl")).expect("records");
        let readme = std::fs::read_to_string(package.join("README.md")).expect("the README");
        let table = render(&pairs);
        assert!(
            readme.contains(&table),
            "README.md lacks this table:\n{table}"
        );
    }
}
