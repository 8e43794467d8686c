//! The measurements of the families as a Markdown table.

use std::fmt::Write;

use crate::bench_families::{FAMILIES, Round};
use crate::bench_peer::Timing;
use crate::table::median;

/// Medians of each program, and the median, smallest and largest ratio of the rounds.
pub(crate) fn render(rounds: &[Round]) -> String {
    let mut text = String::from(
        "| family | examples/s: ours padded, ours packed, PyTorch | ratio padded: median (least to greatest) | ratio packed | peak memory, MiB: ours padded, ours packed, PyTorch |\n|---|---|---|---|---|\n",
    );
    for (family, title) in FAMILIES {
        let of_family: Vec<&Round> = rounds.iter().filter(|r| r.family == family).collect();
        if of_family.is_empty() {
            continue;
        }
        let of_each = |value: fn(&Timing) -> f64, decimals: usize| {
            let programs: [fn(&Round) -> &Timing; 3] =
                [|r| &r.padded, |r| &r.packed, |r| &r.theirs];
            let medians = programs.map(|program| {
                let values = of_family.iter().map(|round| value(program(round)));
                let middle = median(values.collect()).expect("a round");
                format!("{middle:.decimals$}")
            });
            medians.join(", ")
        };
        let ratio = |ours: fn(&Round) -> &Timing| {
            let ratios: Vec<f64> = of_family
                .iter()
                .map(|round| ours(round).examples_per_s / round.theirs.examples_per_s)
                .collect();
            let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let greatest = ratios.iter().copied().fold(0.0, f64::max);
            let middle = median(ratios).expect("a round");
            format!("{middle:.2} ({least:.2} to {greatest:.2})")
        };
        let _ = writeln!(
            text,
            "| {title} | {} | {} | {} | {} |",
            of_each(|timing| timing.examples_per_s, 1),
            ratio(|round| &round.padded),
            ratio(|round| &round.packed),
            of_each(|timing| timing.peak_rss_mib.unwrap_or(f64::NAN), 0),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::records;

    #[test]
    fn each_ratio_is_the_median_over_rounds() {
        let timing = |examples_per_s| Timing {
            examples_per_s,
            peak_rss_mib: Some(100.0),
            ..Timing::default()
        };
        let round = |padded, packed, theirs| Round {
            family: "xlnet".to_owned(),
            padded: timing(padded),
            packed: timing(packed),
            theirs: timing(theirs),
        };
        let rounds = [
            round(10.0, 30.0, 10.0),
            round(30.0, 20.0, 10.0),
            round(40.0, 80.0, 20.0),
        ];
        let text = render(&rounds);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert_eq!(
            text.lines().last(),
            Some(
                "| XLNet | 30.0, 30.0, 10.0 | 2.00 (1.00 to 3.00) | 3.00 (2.00 to 4.00) | 100, 100, 100 |"
            )
        );
    }

    #[test]
    fn the_readme_shows_the_table_of_the_recorded_rounds() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let rounds = records::read(&package.join("runs/families.jsonl")).expect("records");
        let readme = std::fs::read_to_string(package.join("README.md")).expect("the README");
        let table = render(&rounds);
        assert!(
            readme.contains(&table),
            "README.md lacks this table:\n{table}"
        );
    }
}
