//! The speed of predictions as a Markdown table.

use std::fmt::Write;

use crate::bench_predict::{Measured, Timing};
use crate::table::median;

/// Ours in the records.
const OURS: &str = "ours";
/// Name in the records and title in the table.
const ROWS: [(&str, &str); 3] = [
    (OURS, "ours"),
    ("torch", "PyTorch, eager"),
    ("onnx", "ONNX Runtime, f32"),
];

/// Medians over the rounds with the least and the greatest; ratios are within a round.
pub(crate) fn render(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| | texts/s: median (least to greatest) | ours, times as fast: median (least to greatest) | processor seconds | seconds of tokenizing |\n|---|---|---|---|---|\n",
    );
    for (name, title) in ROWS {
        let of_row: Vec<&Measured> = measured.iter().filter(|one| one.name == name).collect();
        let ratios = of_row.iter().filter_map(|one| {
            let mut ours = measured.iter();
            let ours = ours.find(|other| other.name == OURS && other.round == one.round)?;
            Some(one.timing.seconds / ours.timing.seconds)
        });
        let value =
            |value: fn(&Timing) -> f64| of_row.iter().map(|one| value(&one.timing)).collect();
        let (Some(speed), Some(cpu), Some(tokenizing)) = (
            spread(of_row.iter().map(|one| speed(&one.timing)).collect(), 0),
            median(value(|one| one.cpu_seconds)),
            median(value(|one| one.tokenize_seconds)),
        ) else {
            continue;
        };
        let ratio = match name {
            OURS => None,
            _ => spread(ratios.collect(), 2),
        };
        let ratio = ratio.unwrap_or_else(|| "-".to_owned());
        let _ = writeln!(
            text,
            "| {title} | {speed} | {ratio} | {cpu:.1} | {tokenizing:.1} |"
        );
    }
    text
}

fn speed(timing: &Timing) -> f64 {
    timing.texts as f64 / timing.seconds
}

/// The median, the least and the greatest.
fn spread(values: Vec<f64>, decimals: usize) -> Option<String> {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(0.0, f64::max);
    let median = median(values)?;
    Some(format!(
        "{median:.decimals$} ({least:.decimals$} to {greatest:.decimals$})"
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::records;

    #[test]
    fn the_readme_shows_the_table_of_the_recorded_rounds() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let measured = records::read(&package.join("runs/predict.jsonl"));
        let readme = std::fs::read_to_string(package.join("README.md")).expect("the README");
        let table = render(&measured.expect("records"));
        assert!(
            readme.contains(&table),
            "README.md lacks this table:\n{table}"
        );
    }
}
