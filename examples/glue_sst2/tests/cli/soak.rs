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

/// Most growth over the last three quarters of the runs, per 1,000 steps.
struct Limits {
    /// Of resident memory. A leak of 524 bytes per step exceeds it.
    mib: f64,
    /// Of open files, and of threads. A leak of one per run is 10.
    count: f64,
}

const LIMITS: Limits = Limits {
    mib: 0.5,
    count: 0.5,
};
/// The same for a few runs, of which the first warm up the allocator, and a moment may be all that is seen of one.
const LIMITS_OF_FEW: Limits = Limits {
    mib: 24.0,
    count: 5.0,
};

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

/// Resident memory in MiB.
fn mib(row: &Row) -> f64 {
    row.rss_kib as f64 / 1024.0
}

/// The growth of a number over these rows, per 1,000 steps.
fn growth(rows: &[Row], of: impl Fn(&Row) -> f64) -> f64 {
    let point = |row: &Row| ((row.runs * STEPS) as f64 / 1000.0, of(row));
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

    let late = &rows[rows.len().div_ceil(4)..];
    let [memory, files, threads] = [
        growth(late, mib),
        growth(late, |row| row.open_files as f64),
        growth(late, |row| row.threads as f64),
    ];
    let limits = if asked.is_some() {
        LIMITS
    } else {
        LIMITS_OF_FEW
    };
    println!(
        "{} runs of {STEPS} steps in {:.0} s: {:.1} MiB at the end; per 1,000 steps {memory:+.3} MiB, {files:+.3} open files, \
         {threads:+.3} threads",
        2 * seeds,
        last.seconds,
        mib(last),
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
            "growth_per_1000_steps": {"mib": memory, "open_files": files, "threads": threads},
            "most_growth_per_1000_steps": {"mib": limits.mib, "open_files": limits.count, "threads": limits.count},
            "columns": ["runs recorded", "seconds", "most resident KiB", "fewest open files", "most threads"],
            "rows": rows,
        });
        fs::write(path, format!("{record:#}\n")).expect("the record is written");
    }
    for (what, growth, most) in [
        ("MiB of memory", memory, limits.mib),
        ("open files", files, limits.count),
        ("threads", threads, limits.count),
    ] {
        assert!(
            growth < most,
            "{growth:.3} {what} more per 1,000 steps, accepted is {most}"
        );
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
    // 512 KiB and a file per run of 100 steps.
    let leak = |runs: usize| Row {
        open_files: 9 + runs,
        ..row(runs, 100_000 + 512 * runs as u64)
    };
    let leaking: Vec<Row> = (0..20).map(leak).collect();
    let flat: Vec<Row> = (0..20)
        .map(|runs| row(runs, 100_000 + runs as u64 % 2))
        .collect();
    for (rows, memory, files) in [(&leaking, 5.0, 10.0), (&flat, 0.0, 0.0)] {
        let seen = [growth(rows, mib), growth(rows, |row| row.open_files as f64)];
        assert!(
            (seen[0] - memory).abs() < 0.01 && (seen[1] - files).abs() < 1e-9,
            "{seen:?}"
        );
    }
}
