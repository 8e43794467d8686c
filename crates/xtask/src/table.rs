//! The measurements as a Markdown table.

use std::fmt::Write;

use crate::bench_peer::Pair;
use crate::rows::Row;

/// Medians of each side, and the median, least and greatest ratio of the pairs.
pub(crate) fn render(rows: &[&Row], pairs: &[Pair]) -> String {
    let mut text = String::from(
        "| training step | ours, examples/s | PyTorch, examples/s | ratio: median (least to greatest) | peak memory, MiB: ours, PyTorch |\n|---|---|---|---|---|\n",
    );
    for row in rows {
        let of_row = || pairs.iter().filter(|pair| pair.row == row.name);
        let median_of = |value: fn(&Pair) -> f64| median(of_row().map(value).collect());
        let ratio = |pair: &Pair| pair.ours.examples_per_s / pair.theirs.examples_per_s;
        let ratios: Vec<f64> = of_row().map(ratio).collect();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = ratios.iter().copied().fold(0.0, f64::max);
        let _ = writeln!(
            text,
            "| {} | {:.1} | {:.1} | {:.2} ({least:.2} to {greatest:.2}) | {:.0}, {:.0} |",
            row.title,
            median_of(|pair| pair.ours.examples_per_s),
            median_of(|pair| pair.theirs.examples_per_s),
            median(ratios),
            median_of(|pair| pair.ours.peak_rss_mib),
            median_of(|pair| pair.theirs.peak_rss_mib),
        );
    }
    text
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench_peer::Timing;
    use crate::rows::ROWS;

    fn timing(examples_per_s: f64) -> Timing {
        Timing {
            s_per_step: 1.0,
            examples_per_s,
            tokens_per_s: 1.0,
            peak_rss_mib: 100.0,
        }
    }

    #[test]
    fn the_ratio_is_the_median_over_pairs_not_the_ratio_of_medians() {
        let pair = |ours, theirs| Pair {
            row: "tiny",
            ours: timing(ours),
            theirs: timing(theirs),
        };
        let pairs = [pair(10.0, 10.0), pair(30.0, 10.0), pair(40.0, 20.0)];
        let row = ROWS.iter().find(|row| row.name == "tiny").expect("a row");
        let text = render(&[row], &pairs);
        let line = text.lines().last().expect("a line");
        assert!(
            line.contains("| 30.0 | 10.0 | 2.00 (1.00 to 3.00) | 100, 100 |"),
            "{line}"
        );
    }
}
