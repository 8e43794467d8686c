//! The measurements of the noise as a Markdown table.

use std::fmt::Write;

use crate::bench_noise::Measured;
use crate::table::median;

/// Name in the records, title in the table, and the name of the memory traffic that bounds it.
const ROWS: [(&str, &str, Option<&str>); 6] = [
    (
        "pytorch_minilm",
        "PyTorch 2.15, the five-line loop, all-MiniLM-L6-v2",
        None,
    ),
    ("pytorch_bert_base", "the same, BERT-base", None),
    (
        "bert_base",
        "this crate on flex, BERT-base",
        Some("bert_base_traffic"),
    ),
    ("bert_base_traffic", "its memory traffic alone", None),
    (
        "bert_large",
        "this crate on flex, BERT-large",
        Some("bert_large_traffic"),
    ),
    ("bert_large_traffic", "its memory traffic alone", None),
];

/// Medians over the rounds; ratios are within a round. Ours are compared with the faster of PyTorch's
/// two rows.
pub(crate) fn render(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| | parameters | time | per element | times PyTorch's speed | of memory bandwidth |\n|---|---|---|---|---|---|\n",
    );
    for (name, title, traffic) in ROWS {
        let of_row: Vec<&Measured> = measured.iter().filter(|one| one.name == name).collect();
        let Some(time) = median(of_row.iter().map(|one| one.median_s).collect()) else {
            continue;
        };
        let parameters = of_row[0].parameters as f64;
        let ratio = |fastest: &dyn Fn(&Measured) -> bool| {
            let of_round = |ours: &&Measured| {
                let others = measured.iter().filter(|one| one.round == ours.round);
                let least = others.filter(|one| fastest(one)).map(per_element);
                least
                    .reduce(f64::min)
                    .map(|least| least / per_element(ours))
            };
            median(of_row.iter().filter_map(of_round).collect())
        };
        let (speed, bandwidth) = match traffic {
            None => (None, None),
            Some(traffic) => (
                ratio(&|one| one.name.starts_with("pytorch")),
                ratio(&|one| one.name == traffic),
            ),
        };
        let _ = writeln!(
            text,
            "| {title} | {:.1} M | {:.0} ms | {:.2} ns | {} | {} |",
            parameters / 1e6,
            1e3 * time,
            1e9 * time / parameters,
            speed.map_or("-".to_owned(), |ratio| format!("{ratio:.1}")),
            bandwidth.map_or("-".to_owned(), |ratio| format!("{:.0} %", 100.0 * ratio)),
        );
    }
    text
}

fn per_element(measured: &Measured) -> f64 {
    measured.median_s / measured.parameters as f64
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::records;

    fn measured(round: usize, name: &str, parameters: u64, median_s: f64) -> Measured {
        Measured {
            round,
            name: name.to_owned(),
            parameters,
            median_s,
        }
    }

    #[test]
    fn ratios_are_per_element_against_the_faster_peer_of_the_same_round() {
        let rows = [
            measured(1, "pytorch_minilm", 10_000_000, 0.08),
            measured(1, "pytorch_bert_base", 100_000_000, 1.0),
            measured(1, "bert_base", 100_000_000, 0.1),
            measured(1, "bert_base_traffic", 100_000_000, 0.05),
            measured(2, "pytorch_minilm", 10_000_000, 0.8),
            measured(2, "bert_base", 100_000_000, 0.4),
            measured(2, "bert_base_traffic", 100_000_000, 0.1),
        ];
        let text = render(&rows);
        let line = text.lines().find(|line| line.contains("this crate"));
        // 8 and 20 times; 50 and 25 percent.
        assert_eq!(
            line,
            Some("| this crate on flex, BERT-base | 100.0 M | 250 ms | 2.50 ns | 14.0 | 38 % |")
        );
        assert_eq!(text.lines().count(), 6, "{text}");
    }

    #[test]
    fn the_crates_readme_shows_the_table_of_the_recorded_rounds() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../noisytune-burn");
        let rows = records::read(&package.join("benches/runs/noise.jsonl")).expect("records");
        let readme = std::fs::read_to_string(package.join("README.md")).expect("the README");
        let table = render(&rows);
        assert!(
            readme.contains(&table),
            "README.md lacks this table:\n{table}"
        );
    }
}
