//! Giving every reader of outside files damaged and hostile ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::peer::succeed;

/// Options of `cargo xtask fuzz`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// For so long, each target
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// The targets, instead of all
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Seed of the random choices
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Makes inputs by what they execute, with libFuzzer, which compiles everything once more
    #[arg(long)]
    by_coverage: bool,
    /// The program, instead of building it
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Folder for inputs that are a fault
    #[arg(long, default_value = "target/fuzz")]
    work: PathBuf,
    /// File for the record of this call, which is overwritten
    #[arg(long, default_value = "target/fuzz.json")]
    out: PathBuf,
}

/// What a target did.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Row {
    target: String,
    inputs: u64,
    /// Inputs of which something was refused.
    refused: u64,
    /// Different faults: panics, messages of several lines, changes outside the folder, and ends of the process.
    faults: u64,
    /// Panics of libraries that were caught and became errors.
    caught_panics: u64,
    /// The most memory that the process had.
    peak_bytes: u64,
    /// The same after the first input, when the files beside it are laid out and threads have started.
    peak_before_bytes: u64,
    slowest_seconds: f64,
    seconds: f64,
}

/// What a call leaves.
#[derive(Debug, Serialize)]
struct Record {
    command: String,
    seed: u64,
    targets: Vec<Row>,
}

/// After so many inputs that end the process, a target is left.
const MOST_ENDS: u64 = 20;

/// What libFuzzer needs to know what is executed, as cargo-fuzz has it.
const INSTRUMENTED: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg=fuzzing";

/// The crate of the program for libFuzzer.
const LIBFUZZER: &str = "crates/fuzz-targets/libfuzzer";

/// Runs each target, and prints a line for it.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let wrong = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    fs::create_dir_all(&options.work).map_err(|e| wrong(&options.work, e))?;
    let program = match &options.program {
        Some(program) => program.clone(),
        None => {
            let test = ["test", "--workspace", "--no-run", "--test", "corpus"];
            succeed(Command::new(env!("CARGO")).args(test))?;
            PathBuf::from("target/debug/fuzz-targets")
        }
    };
    let targets = targets(&program, &options.target)?;
    if options.by_coverage {
        return by_coverage(options, &targets);
    }
    println!(
        "{:<22} {:>9} {:>8} {:>7} {:>7} {:>11} {:>10}",
        "target", "inputs", "refused", "caught", "faults", "peak", "slowest"
    );
    let mut record = Record {
        command: format!(
            "cargo xtask fuzz --minutes {} --seed {}",
            options.minutes, options.seed
        ),
        seed: options.seed,
        targets: Vec::new(),
    };
    for target in targets {
        let row = fuzzed(&program, &target, options)?;
        println!(
            "{:<22} {:>9} {:>8} {:>7} {:>7} {:>7} MiB {:>7.0} ms",
            row.target,
            row.inputs,
            row.refused,
            row.caught_panics,
            row.faults,
            row.peak_bytes >> 20,
            row.slowest_seconds * 1e3
        );
        record.targets.push(row);
    }
    let mut text = serde_json::to_string_pretty(&record).map_err(|e| e.to_string())?;
    text.push('\n');
    fs::write(&options.out, text).map_err(|e| wrong(&options.out, e))?;
    println!("record: {}", options.out.display());
    match record.targets.iter().map(|row| row.faults).sum() {
        0 => Ok(()),
        faults => Err(format!(
            "{faults} faults, the inputs are in {}; add each to the corpus once it is fixed",
            options.work.display()
        )),
    }
}

/// The names of the targets that are wanted.
fn targets(program: &Path, wanted: &[String]) -> Result<Vec<String>, String> {
    let output = output(Command::new(program).arg("list"))?;
    let names = String::from_utf8_lossy(&output.stdout);
    let names: Vec<String> = names.lines().map(str::to_owned).collect();
    if let Some(other) = wanted.iter().find(|name| !names.contains(name)) {
        return Err(format!(
            "no target {other:?}, accepted are {}",
            names.join(", ")
        ));
    }
    Ok(match wanted {
        [] => names,
        wanted => wanted.to_vec(),
    })
}

/// Runs a target for its time, again after each input that ended the process.
fn fuzzed(program: &Path, target: &str, options: &Options) -> Result<Row, String> {
    let started = Instant::now();
    let most = options.minutes * 60.0;
    let mut ends = 0;
    loop {
        let left = most - started.elapsed().as_secs_f64();
        let mut command = Command::new(program);
        command
            .args(["run", target, "--seconds", &left.max(0.0).to_string()])
            .args(["--seed", &(options.seed + ends).to_string(), "--work"])
            .arg(&options.work)
            .stderr(Stdio::inherit());
        let output = output(&mut command)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let row: Option<Row> = text
            .lines()
            .last()
            .and_then(|line| serde_json::from_str(line).ok());
        if let (true, Some(mut row)) = (output.status.success(), row) {
            row.faults += ends;
            return Ok(row);
        }
        ends += 1;
        let input = options.work.join(format!("{target}.current"));
        let kept = options
            .work
            .join(format!("{target}-end-{}-{ends}", options.seed));
        fs::copy(&input, &kept).map_err(|e| format!("{}: {e}", input.display()))?;
        eprintln!(
            "{}: the process ended with {}",
            kept.display(),
            output.status
        );
        if ends == MOST_ENDS || left <= 0.0 {
            return Ok(Row {
                target: target.to_owned(),
                faults: ends,
                seconds: started.elapsed().as_secs_f64(),
                ..Row::default()
            });
        }
    }
}

/// Runs the targets with libFuzzer, which prints what it does and keeps new inputs in the work folder.
fn by_coverage(options: &Options, targets: &[String]) -> Result<(), String> {
    let triple = "x86_64-unknown-linux-gnu";
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--release", "--target", triple, "--manifest-path"])
        .arg(format!("{LIBFUZZER}/Cargo.toml"))
        .args(["--target-dir", "target/libfuzzer"])
        .env("RUSTFLAGS", INSTRUMENTED);
    succeed(&mut build)?;
    let program = format!("target/libfuzzer/{triple}/release/fuzz-targets-libfuzzer");
    let seconds = (options.minutes * 60.0) as u64;
    let mut faulty = Vec::new();
    for target in targets {
        let found = options.work.join(format!("{target}-found"));
        fs::create_dir_all(&found).map_err(|e| format!("{}: {e}", found.display()))?;
        let mut command = Command::new(&program);
        command
            .arg(&found)
            .arg(format!("crates/fuzz-targets/corpus/{target}"))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-seed={}", options.seed))
            .arg(format!(
                "-artifact_prefix={}/{target}-",
                options.work.display()
            ))
            .args([
                "-timeout=20",
                "-max_len=262144",
                "-print_final_stats=1",
                "-rss_limit_mb=0",
            ])
            .env("FUZZ_TARGET", target);
        if succeed(&mut command).is_err() {
            faulty.push(target.as_str());
        }
    }
    match faulty.is_empty() {
        true => Ok(()),
        false => Err(format!("faults in {}, see above", faulty.join(", "))),
    }
}

fn output(command: &mut Command) -> Result<Output, String> {
    command.output().map_err(|e| format!("{command:?}: {e}"))
}
