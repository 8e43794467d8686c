//! How fast files are read, by hand:
//! `cargo test --workspace --test own speed -- --ignored --nocapture`
//!
//! On two cores of a virtual machine that others used too (2026-11-28): TSV 250,000 rows a second, CSV 320,000, JSON lines
//! 390,000; columns and labels are looked at in 0.5 to 0.8 s. Reading adds 91 MiB at most for 49 MiB of text in 655,000
//! strings; what is freed then serves the next file, so the first line of the output is the one to compare.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Instant;

use tasks::OwnFiles;

use crate::folder::Folder;

/// The rows of QQP's training file.
const ROWS: usize = 363_846;

/// Resident memory of this process in MiB, now and at its highest since the last call.
fn memory() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kibibytes.unwrap_or(f64::NAN) / 1024.0
    };
    let now_and_highest = (of("VmRSS:"), of("VmHWM:"));
    // 5 resets the highest.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    now_and_highest
}

/// A question of 5 to 20 words, about as long as QQP's.
fn question(row: usize) -> String {
    const WORDS: [&str; 8] = [
        "how", "does", "one", "learn", "machines", "without", "any", "money",
    ];
    let words = (0..5 + row * 7 % 16).map(|at| WORDS[(row / (at + 1) + at) % WORDS.len()]);
    format!("{} {row}?", words.collect::<Vec<_>>().join(" "))
}

#[test]
#[ignore = "a measurement"]
fn speed_of_reading_as_many_pairs_as_qqp_has() {
    let folder = Folder::new();
    for name in ["qqp.tsv", "qqp.csv", "qqp.jsonl", "qqp.csv.gz"] {
        let path = folder.path().join(name);
        let mut file: Box<dyn Write> = match name.strip_suffix(".gz") {
            None => Box::new(BufWriter::new(File::create(&path).expect("a file"))),
            Some(_) => Box::new(flate2::write::GzEncoder::new(
                BufWriter::new(File::create(&path).expect("a file")),
                flate2::Compression::default(),
            )),
        };
        let delimiter = if name == "qqp.tsv" { '\t' } else { ',' };
        if name != "qqp.jsonl" {
            writeln!(file, "question1{delimiter}question2{delimiter}label").expect("written");
        }
        for row in 0..ROWS {
            let (first, second, label) = (question(row), question(row + 1), row % 3 % 2);
            match name {
                "qqp.jsonl" => writeln!(
                    file,
                    "{{\"question1\": \"{first}\", \"question2\": \"{second}\", \"label\": {label}}}"
                ),
                _ => writeln!(file, "\"{first}\"{delimiter}{second}{delimiter}{label}"),
            }
            .expect("written");
        }
        drop(file);
        let mebibytes = std::fs::metadata(&path).expect("a file").len() as f64 / 1048576.0;

        let mut files = OwnFiles::new(&path);
        files.validation_split = Some(0.1);
        let (before, _) = memory();
        let start = Instant::now();
        let own = files.task().expect("a task");
        let looking = start.elapsed().as_secs_f64();
        let (_, highest_looking) = memory();
        let start = Instant::now();
        let train = own.task.read_train().expect("it is read");
        let reading = start.elapsed().as_secs_f64();
        let (after, highest) = memory();
        let text: usize = (train.examples.iter())
            .map(|e| e.sentence.len() + e.sentence2.as_ref().map_or(0, String::len))
            .sum();
        println!(
            "{name}: {mebibytes:.0} MiB; columns and labels {looking:.2} s (+{:.0} MiB), training rows {reading:.2} s, \
             {:.0} rows/s; memory +{:.0} MiB, at most +{:.0} MiB, of which {:.0} MiB are text",
            highest_looking - before,
            ROWS as f64 / reading,
            after - before,
            highest - before,
            text as f64 / 1048576.0,
        );
    }
}
