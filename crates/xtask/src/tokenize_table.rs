//! The times of reading and tokenizing as a Markdown table.

use std::fmt::Write;

use crate::bench_tokenize::{Measured, Timing};
use crate::table::median;

/// Name in the records and title in the table.
const ROWS: [(&str, &str); 3] = [
    ("ours", "ours"),
    ("encode_batch", "Python's `tokenizers`, `encode_batch`"),
    ("encode_batch_fast", "the same, `encode_batch_fast`"),
];

/// Bytes of an id.
const ID: usize = size_of::<u32>();

/// Medians over the rounds, and the least and greatest time.
pub(crate) fn render(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| | seconds: median (least to greatest) | of them reading | processor seconds | pairs/s | peak memory, MiB | bytes held per byte of ids |\n|---|---|---|---|---|---|---|\n",
    );
    for (name, title) in ROWS {
        let of_row = measured.iter().filter(|one| one.name == name);
        let of_row: Vec<&Timing> = of_row.map(|one| &one.timing).collect();
        let value =
            |value: fn(&Timing) -> f64| median(of_row.iter().map(|one| value(one)).collect());
        let (Some(seconds), Some(cpu), Some(reading), Some(memory)) = (
            value(|one| one.seconds),
            value(|one| one.cpu_seconds),
            value(|one| one.reading_seconds),
            value(|one| one.peak_rss_mib),
        ) else {
            continue;
        };
        let all = || of_row.iter().map(|one| one.seconds);
        let held = of_row[0].bytes.map_or_else(
            || "-".to_owned(),
            |bytes| format!("{:.2}", bytes as f64 / (of_row[0].tokens * ID) as f64),
        );
        let _ = writeln!(
            text,
            "| {title} | {seconds:.1} ({:.1} to {:.1}) | {reading:.1} | {cpu:.1} | {:.0} | {memory:.0} | {held} |",
            all().fold(f64::INFINITY, f64::min),
            all().fold(0.0, f64::max),
            of_row[0].rows as f64 / seconds,
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
    fn the_readme_shows_the_table_of_the_recorded_rounds() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let measured = records::read(&package.join("runs/tokenize.jsonl"));
        let readme = std::fs::read_to_string(package.join("README.md")).expect("the README");
        let table = render(&measured.expect("records"));
        assert!(
            readme.contains(&table),
            "README.md lacks this table:\n{table}"
        );
    }
}
