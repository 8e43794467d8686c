//! A study of many runs in one process: memory, open files and threads stay where they are.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::program::World;

/// Seeds of each of the two arms; `cargo xtask soak` sets 100.
const SEEDS: &str = "NOISYTUNE_SOAK_SEEDS";
/// The file for the record, if one is wanted.
const RECORD: &str = "NOISYTUNE_SOAK_RECORD";

/// Steps per run: an epoch of 800 sentences.
const STEPS: usize = 100;
/// Checkpoints several times per run, a saved model that better ones replace, two runs at a time.
const STUDY: [&str; 15] = [
    "--data",
    "bundled",
    "--max-train-samples",
    "800",
    "--batch-size",
    "8",
    "--max-eval-samples",
    "80",
    "--jobs",
    "2",
    "--checkpoint-minutes",
    "0.002",
    "--save-model",
    "best",
    "--seeds",
];

/// Most growth of resident memory over the last three quarters of the runs, in MiB per 1,000 steps (a leak of 524 bytes per
/// step).
const MOST_GROWTH: f64 = 0.5;
/// The same for a few runs, whose first ones still warm up the allocator.
const MOST_GROWTH_OF_FEW: f64 = 24.0;

/// What was seen while a number of runs was recorded.
struct Row {
    runs: usize,
    seconds: f64,
    /// The most resident memory, in KiB.
    rss_kib: u64,
    /// The fewest open files: those of a moment do not count.
    open_files: usize,
    threads: usize,
}

/// Resident memory in KiB and threads; `None` once the process has ended.
fn status(child: &Child) -> Option<(u64, usize)> {
    let text = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let number = |name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    };
    Some((number("VmRSS:")?, number("Threads:")? as usize))
}

fn open_files(child: &Child) -> Option<usize> {
    let files = fs::read_dir(format!("/proc/{}/fd", child.id()))
        .ok()?
        .count();
    // A process that has ended has none.
    (files > 0).then_some(files)
}

/// Watches a study until it ends.
fn watch(world: &World, seeds: usize) -> Vec<Row> {
    let seeds = seeds.to_string();
    let mut command = world.command(&[&STUDY[..], &[seeds.as_str()]].concat());
    let errors = fs::File::create(world.path("errors")).expect("a file");
    command.stdout(Stdio::null()).stderr(errors);
    let mut child = command.spawn().expect("the example starts");
    let started = Instant::now();
    let mut rows: Vec<Row> = Vec::new();
    let status_of_end = loop {
        if let Some(status) = child.try_wait().expect("its state") {
            break status;
        }
        let records = fs::read_to_string(world.path("out/runs.jsonl")).unwrap_or_default();
        let runs = records.lines().count();
        if let (Some((rss_kib, threads)), Some(open_files)) = (status(&child), open_files(&child)) {
            let seconds = started.elapsed().as_secs_f64();
            match rows.last_mut().filter(|row| row.runs == runs) {
                Some(row) => {
                    row.rss_kib = row.rss_kib.max(rss_kib);
                    row.open_files = row.open_files.min(open_files);
                    row.threads = row.threads.max(threads);
                }
                None => rows.push(Row {
                    runs,
                    seconds,
                    rss_kib,
                    open_files,
                    threads,
                }),
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let errors = fs::read_to_string(world.path("errors")).expect("a file");
    assert!(status_of_end.success(), "{errors}");
    rows
}

/// The slope of the least-squares line through points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(&|point| point.0), mean(&|point| point.1));
    let products = mean(&|point| (point.0 - x) * (point.1 - y));
    products / mean(&|point| (point.0 - x).powi(2))
}

/// The growth of resident memory over these rows, in MiB per 1,000 steps.
fn growth(rows: &[Row]) -> f64 {
    let point = |row: &Row| {
        let thousands = (row.runs * STEPS) as f64 / 1000.0;
        (thousands, row.rss_kib as f64 / 1024.0)
    };
    slope(&rows.iter().map(point).collect::<Vec<_>>())
}

#[test]
fn memory_open_files_and_threads_stay_flat_over_many_runs() {
    let asked = std::env::var(SEEDS).ok();
    let seeds: usize = asked
        .as_ref()
        .map_or(5, |seeds| seeds.parse().expect("a number"));
    let world = World::new();
    let rows = watch(&world, seeds);
    let last = rows.last().expect("some rows");
    assert!(
        rows.len() > seeds,
        "{} of {} runs were seen",
        rows.len(),
        2 * seeds
    );

    let (first, late) = rows.split_at(rows.len().div_ceil(4));
    let growth = growth(late);
    let most = if asked.is_some() {
        MOST_GROWTH
    } else {
        MOST_GROWTH_OF_FEW
    };
    println!(
        "{} runs of {STEPS} steps in {:.0} s: {:.1} MiB at the end, {growth:+.3} MiB per 1,000 steps, {} open files, {} threads",
        2 * seeds,
        last.seconds,
        last.rss_kib as f64 / 1024.0,
        last.open_files,
        last.threads
    );
    if let Some(path) = std::env::var_os(RECORD) {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!([
                    row.runs,
                    row.seconds,
                    row.rss_kib,
                    row.open_files,
                    row.threads
                ])
            })
            .collect();
        let record = json!({
            "study": format!("{} {seeds}", STUDY.join(" ")),
            "runs": 2 * seeds,
            "steps_per_run": STEPS,
            "most_growth_mib_per_1000_steps": most,
            "growth_mib_per_1000_steps": growth,
            "columns": ["runs recorded", "seconds", "most resident KiB", "fewest open files", "most threads"],
            "rows": rows,
        });
        fs::write(path, format!("{record:#}\n")).expect("the record is written");
    }
    assert!(
        growth < most,
        "memory grows by {growth:.3} MiB per 1,000 steps, over {} rows",
        late.len()
    );
    let most_of = |of: fn(&Row) -> usize, rows: &[Row]| rows.iter().map(of).max();
    for (what, of) in [
        (
            "open files",
            (|row: &Row| row.open_files) as fn(&Row) -> usize,
        ),
        ("threads", |row: &Row| row.threads),
    ] {
        let (before, after) = (most_of(of, first), most_of(of, late));
        assert!(after <= before, "{what}: {before:?}, then {after:?}");
    }
}

#[test]
fn growth_is_seen() {
    let row = |runs: usize, rss_kib| Row {
        runs,
        seconds: 0.0,
        rss_kib,
        open_files: 9,
        threads: 3,
    };
    // 512 KiB per run of 100 steps are 5 MiB per 1,000.
    let rows: Vec<Row> = (0..20)
        .map(|runs| row(runs, 100_000 + 512 * runs as u64))
        .collect();
    assert!((growth(&rows) - 5.0).abs() < 1e-9, "{}", growth(&rows));
    let flat: Vec<Row> = (0..20)
        .map(|runs| row(runs, 100_000 + runs as u64 % 2))
        .collect();
    assert!(
        growth(&flat).abs() < MOST_GROWTH / 100.0,
        "{}",
        growth(&flat)
    );
}
