//! Gives a target damaged inputs for a while, and says what it did; `cargo xtask fuzz` starts it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use fuzz_targets::{Draws, Fault, PATIENCE, TARGETS, Target, Trial, corpus, mutation, peak, quiet};
use serde_json::json;

/// Gives a target damaged inputs.
#[derive(Debug, Parser)]
#[command(name = "fuzz-targets")]
enum Task {
    /// Prints the names of the targets
    List,
    /// Gives a target inputs made from its corpus, and prints what it did as a line of JSON
    Run {
        /// The target
        target: String,
        /// For so many seconds
        #[arg(long, default_value_t = 60.0)]
        seconds: f64,
        /// Of the random choices
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Folder for the input at work, and for those that are a fault
        #[arg(long, default_value = "target/fuzz")]
        work: PathBuf,
    },
    /// Gives a target one input, and says what it does
    Replay {
        /// The target
        target: String,
        /// The input
        file: PathBuf,
    },
}

/// Inputs that read well and are kept to be changed further.
const MOST_KEPT: usize = 256;

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::List => {
            TARGETS
                .iter()
                .for_each(|target| println!("{}", target.name));
            Ok(())
        }
        Task::Run {
            target,
            seconds,
            seed,
            work,
        } => found(&target).and_then(|target| run(target, seconds, seed, &work)),
        Task::Replay { target, file } => found(&target).and_then(|target| replay(target, &file)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn found(name: &str) -> Result<&'static Target, String> {
    let target = TARGETS.iter().find(|target| target.name == name);
    target.ok_or_else(|| {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        format!("no target {name:?}, accepted are {}", names.join(", "))
    })
}

fn replay(target: &'static Target, file: &Path) -> Result<(), String> {
    let bytes = fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let before = peak();
    let found = Trial::of(target)
        .run(&bytes)
        .map_err(|Fault(fault)| fault)?;
    println!(
        "{:.3} s, at most {} bytes of {}, {}",
        found.time.as_secs_f64(),
        peak() - before,
        target.most(bytes.len()),
        if found.is_refused { "refused" } else { "read" }
    );
    Ok(())
}

fn run(target: &'static Target, seconds: f64, seed: u64, work: &Path) -> Result<(), String> {
    let wrong = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    fs::create_dir_all(work).map_err(|e| wrong(work, e))?;
    quiet();
    let current = work.join(format!("{}.current", target.name));
    // Open all the time: a file that is cut and closed again is written to disk by some file systems.
    let mut at_work = File::create(&current).map_err(|e| wrong(&current, e))?;
    let clock = watch(target.name);
    let trial = Trial::of(target);
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut draws = Draws::of(seed);
    let started = Instant::now();
    let (mut inputs, mut refused, mut caught) = (0_u64, 0_u64, 0_u64);
    let mut slowest = Duration::ZERO;
    let (mut faults, mut panics) = (BTreeSet::new(), BTreeSet::new());
    let committed = corpus::inputs(target).into_iter().map(|(_, input)| input);
    let committed: Vec<Vec<u8>> = committed.collect();
    let mut waiting = committed.clone();
    let mut before = 0;
    while started.elapsed().as_secs_f64() < seconds || !waiting.is_empty() {
        let input = match waiting.pop() {
            Some(input) => input,
            None => {
                let from = match kept.is_empty() || draws.once_in(3) {
                    true => draws.one_of(&committed).clone(),
                    false => draws.one_of(&kept).clone(),
                };
                mutation::mutated(target.form, &from, &committed, &mut draws)
            }
        };
        // An input that ends the process is still there for the one that started it.
        at_work.rewind().map_err(|e| wrong(&current, e))?;
        let written = at_work.write_all(&input);
        let written = written.and_then(|()| at_work.set_len(input.len() as u64));
        written.map_err(|e| wrong(&current, e))?;
        clock.store(now(started), Ordering::Relaxed);
        let outcome = trial.run(&input);
        clock.store(0, Ordering::Relaxed);
        if inputs == 0 {
            before = peak();
        }
        inputs += 1;
        match outcome {
            Ok(found) => {
                slowest = slowest.max(found.time);
                refused += u64::from(found.is_refused);
                if let Some(panic) = found.caught {
                    caught += 1;
                    if panics.insert(what_of(&panic)) {
                        eprintln!("{}: caught: {}", target.name, panic.replace('\n', " "));
                    }
                }
                let is_new = kept.len() < MOST_KEPT || draws.once_in(50);
                if is_new && (!found.is_refused || draws.once_in(8)) {
                    if kept.len() >= MOST_KEPT {
                        kept.swap_remove(draws.below(kept.len()));
                    }
                    kept.push(input);
                }
            }
            Err(Fault(fault)) => {
                if faults.insert(what_of(&fault)) {
                    let path = work.join(format!(
                        "{}-{}",
                        target.name,
                        &files::sha256_of(&input)[..12]
                    ));
                    fs::write(&path, &input).map_err(|e| wrong(&path, e))?;
                    eprintln!("{}: {fault}", path.display());
                }
            }
        }
    }
    let _ = fs::remove_file(&current);
    println!(
        "{}",
        json!({
            "target": target.name,
            "inputs": inputs,
            "refused": refused,
            "faults": faults.len(),
            "caught_panics": caught,
            "peak_bytes": peak(),
            "peak_before_bytes": before,
            "slowest_seconds": slowest.as_secs_f64(),
            "seconds": started.elapsed().as_secs_f64(),
        })
    );
    Ok(())
}

/// The same for two messages of which only the numbers differ.
fn what_of(message: &str) -> String {
    let letters = message.chars().filter(|c| !c.is_ascii_digit());
    letters.take(160).collect()
}

/// Milliseconds since the start, at least 1.
fn now(started: Instant) -> u64 {
    started.elapsed().as_millis() as u64 + 1
}

/// Ends the process if one input takes too long; the clock is 0 between inputs.
fn watch(target: &'static str) -> Arc<AtomicU64> {
    let clock = Arc::new(AtomicU64::new(0));
    let watched = clock.clone();
    let started = Instant::now();
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(500));
            let since = watched.load(Ordering::Relaxed);
            let waited = now(started).saturating_sub(since);
            if since > 0 && waited > PATIENCE.as_millis() as u64 {
                eprintln!("{target}: an input takes more than {PATIENCE:?}");
                std::process::exit(3);
            }
        }
    });
    clock
}
