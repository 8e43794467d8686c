//! The tables of `cargo xtask growth`.

use std::fmt::Write;

use crate::bench_peer::{Pair, Timing};
use crate::growth::{MODELS, PROCESSES, Record, SENTENCES, Steps};
use crate::table::median;

/// A task of the paper's Table 1.
struct Task {
    name: &'static str,
    /// Training rows.
    rows: f64,
    /// Mean tokens of a row, cut at 128.
    tokens: f64,
}

/// GLUE without WNLI. Tokens are by the tokenizer of all-MiniLM-L6-v2, which is BERT's; those of MNLI, QQP and QNLI are assumed.
const TASKS: [Task; 8] = [
    task("MNLI", 392_702.0, 39.0),
    task("QQP", 363_846.0, 30.0),
    task("QNLI", 104_743.0, 50.0),
    task("SST-2", 67_349.0, 13.3),
    task("CoLA", 8_551.0, 11.3),
    task("STS-B", 5_749.0, 27.8),
    task("MRPC", 3_668.0, 53.2),
    task("RTE", 2_490.0, 66.6),
];

const fn task(name: &'static str, rows: f64, tokens: f64) -> Task {
    Task { name, rows, tokens }
}

/// Row of the rates, what it is, weights of the layers.
const SIZES: [(&str, &str, f64); 3] = [
    ("tiny", "2 × 128, batch 32, padded to the longest", 0.4e6),
    (
        "minilm-packed",
        "6 × 384 (all-MiniLM-L6-v2), batch 32, packed",
        10.6e6,
    ),
    ("base", "12 × 768, batch 8 × 64 tokens", WEIGHTS),
];
/// Pairs of runs of a task: four models, five seeds.
const PAIRS: usize = 4 * 5;
const EPOCHS: f64 = 3.0;
const BATCH: f64 = 32.0;
/// Weights of the layers of a base-size encoder: 12 of 4 × 768² and 2 × 768 × 3072.
const WEIGHTS: f64 = 84.9e6;
/// Forward and backward pass, an addition and a multiplication each: operations per token and weight.
const OPERATIONS: f64 = 6.0;
/// Seconds of a step of 32 rows on an H200. Not measured.
const H200_STEP: f64 = 0.035;
/// Cores of a node, and the share of its cores' speed that is left when two runs have all of them. Assumed.
const CORES: f64 = 32.0;
const LEFT: f64 = 0.5;
/// Cores on which the rate was measured.
const MEASURED_CORES: f64 = 2.0;

/// Peak memory by model and sentences: medians over the rounds.
pub(crate) fn memory(record: &Record) -> String {
    let mut text = String::from("| model | parameters |");
    for sentences in SENTENCES {
        let _ = write!(text, " {sentences} sentences, MiB |");
    }
    text.push_str("\n|---|---|---|---|---|\n");
    for (model, parameters) in MODELS {
        let _ = write!(text, "| {model} | {:.1} M |", parameters as f64 / 1e6);
        for sentences in SENTENCES {
            let is_it = |steps: &&Steps| steps.model == model && steps.sentences == sentences;
            let steps = record.steps.iter().filter(is_it);
            let peaks = steps.filter_map(|steps| steps.timing.peak_rss_mib);
            let _ = match median(peaks.collect()) {
                Some(peak) => write!(text, " {peak:.0} |"),
                None => write!(text, " - |"),
            };
        }
        text.push('\n');
    }
    text
}

/// Training speed by size of the model, on a quiet machine.
pub(crate) fn speed(rates: &[Pair]) -> String {
    let mut text = String::from(
        "| encoder | weights of its layers | examples/s | tokens/s, padding left out | GFLOP/s of matrix products |\n|---|---|---|---|---|\n",
    );
    for (row, title, weights) in SIZES {
        let of = |value: fn(&Timing) -> Option<f64>| {
            let rows = rates.iter().filter(|pair| pair.row == row);
            median(rows.filter_map(|pair| value(&pair.ours)).collect()).unwrap_or(f64::NAN)
        };
        let _ = writeln!(
            text,
            "| {title} | {:.1} M | {:.1} | {:.0} | {:.0} |",
            weights / 1e6,
            of(|timing| Some(timing.examples_per_s)),
            of(|timing| timing.tokens_per_s),
            of(|timing| timing.matrix_gflops),
        );
    }
    text
}

/// The small study by one process and by shards: medians over the rounds.
pub(crate) fn shards(record: &Record) -> String {
    let mut text = String::from(
        "| processes | runs at a time in each | processor seconds of the study |\n|---|---|---|\n",
    );
    for (processes, jobs) in PROCESSES {
        let studies = record.studies.iter();
        let of_row = studies.filter(|study| (study.processes, study.jobs) == (processes, jobs));
        let seconds: Vec<f64> = of_row.map(|study| study.processor_seconds).collect();
        if let Some(seconds) = median(seconds) {
            let what = match processes {
                1 => "1".to_owned(),
                _ => format!("{processes} shards and the merge"),
            };
            let _ = writeln!(text, "| {what} | {jobs} | {seconds:.1} |");
        }
    }
    text
}

/// The 320 runs of the paper's Table 1 on machines that are not here.
pub(crate) fn computed(rates: &[Pair]) -> Result<String, String> {
    let base = rates.iter().filter(|pair| pair.row == "base");
    let base = base.filter_map(|pair| pair.ours.matrix_gflops);
    let rate = 1e9 * median(base.collect()).ok_or("no rate of a base-size encoder is recorded")?;
    let on_cpu = |task: &Task| OPERATIONS * WEIGHTS * task.tokens * task.rows * EPOCHS / rate;
    let on_h200 = |task: &Task| H200_STEP * task.rows * EPOCHS / BATCH;
    let node = LEFT * CORES / MEASURED_CORES;
    let on_node = |task: &Task| on_cpu(task) / node;

    let mut text = String::from(
        "| task | rows | tokens a row | a run on 2 cores, hours | a pair on a node, hours | a pair on an H200, hours |\n|---|---|---|---|---|---|\n",
    );
    for task in &TASKS {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.2} | {:.2} | {:.2} |",
            task.name,
            task.rows,
            task.tokens,
            on_cpu(task) / 3600.0,
            2.0 * on_node(task) / 3600.0,
            2.0 * on_h200(task) / 3600.0,
        );
    }
    text.push_str("\n| 320 runs, 160 pairs, on | hours | of them waiting for the longest pairs |\n|---|---|---|\n");
    for (name, devices, seconds) in [
        (
            "2 cores, measured rate",
            1,
            &on_cpu as &dyn Fn(&Task) -> f64,
        ),
        ("1 H200, computed", 1, &on_h200),
        ("8 H200, computed", 8, &on_h200),
        ("100 nodes of 32 cores, computed", 100, &on_node),
    ] {
        let (makespan, mean) = schedule(devices, seconds);
        let _ = writeln!(
            text,
            "| {name} | {:.1} | {:.1} |",
            makespan / 3600.0,
            (makespan - mean) / 3600.0
        );
    }
    Ok(text)
}

/// Seconds until the last pair has ended, the longest first, each on the device that is free first; and seconds of all divided by the
/// devices.
fn schedule(devices: usize, seconds: &dyn Fn(&Task) -> f64) -> (f64, f64) {
    let pairs = TASKS.iter().flat_map(|task| {
        let pair = 2.0 * seconds(task);
        std::iter::repeat_n(pair, PAIRS)
    });
    let mut pairs: Vec<f64> = pairs.collect();
    pairs.sort_by(|a, b| b.total_cmp(a));
    let mut busy = vec![0.0_f64; devices];
    for pair in &pairs {
        let first = busy.iter_mut().min_by(|a, b| a.total_cmp(b));
        if let Some(device) = first {
            *device += pair;
        }
    }
    let last = busy.iter().copied().fold(0.0, f64::max);
    (last, pairs.iter().sum::<f64>() / devices as f64)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{growth, records};

    #[test]
    fn pairs_end_when_the_busiest_device_does() {
        let one = schedule(1, &|task| task.rows);
        assert_eq!(one.0, one.1);
        let rows: f64 = TASKS.iter().map(|task| task.rows).sum();
        assert_eq!(one.0, 2.0 * 20.0 * rows);
        // As many devices as pairs: the longest decides.
        assert_eq!(schedule(160, &|task| task.rows).0, 2.0 * 392_702.0);
    }

    #[test]
    fn the_clusters_page_shows_the_tables_of_the_record() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let record = growth::read(&package.join("runs/growth.json")).expect("a record");
        let page = package.join("../../examples/slurm/README.md");
        let page = std::fs::read_to_string(page).expect("the page");
        let rates: Vec<Pair> = records::read(Path::new(growth::RATES)).expect("rates");
        let computed = computed(&rates).expect("a rate");
        let tables = [memory(&record), speed(&rates), shards(&record), computed];
        for table in tables.iter().flat_map(|tables| tables.split("\n\n")) {
            assert!(page.contains(table), "the page lacks this table:\n{table}");
        }
    }
}
