//! Killing a study at random moments, and comparing what it leaves with an undisturbed one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use faults::Draws;
use serde::Serialize;

use crate::crash_place::{Moment, Place, now};
use crate::crash_results::Results;
use crate::preparation;

/// Options of `cargo xtask crash`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How often to kill (SIGKILL)
    #[arg(long, default_value_t = 30)]
    kills: usize,
    /// Seed of the moments
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program, instead of building the example glue_sst2
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Folder for the studies, which is emptied
    #[arg(long, default_value = "target/crash")]
    work: PathBuf,
    /// File for the record of this call, which is overwritten
    #[arg(long, default_value = "target/crash.json")]
    out: PathBuf,
}

/// The study: bundled model and sentences, two seeds of each arm, two epochs of 16 steps, a checkpoint after nearly
/// every step.
const STUDY: [&str; 16] = [
    "--preset",
    "quick",
    "--seeds",
    "2",
    "--epochs",
    "2",
    "--batch-size",
    "32",
    "--max-train-samples",
    "512",
    "--max-eval-samples",
    "400",
    "--jobs",
    "2",
    "--checkpoint-minutes",
    "0.001",
];
/// Steps per epoch of this study.
pub(crate) const STEPS: usize = 16;

/// The longest wait for a moment; a study that ends or dawdles before it is killed wherever it is.
const PATIENCE: Duration = Duration::from_secs(20);

/// One kill.
#[derive(Debug, Serialize)]
struct Kill {
    /// From 1.
    kill: usize,
    /// Milliseconds since the program was started.
    after_ms: u64,
    /// What it was to hit.
    aimed_at: Moment,
    /// What it hit, by what is on disk.
    hit: Place,
    /// Runs recorded by then, of four.
    recorded: usize,
}

/// A study that was killed until it was finished.
#[derive(Debug, Serialize)]
struct Study {
    kills: Vec<Kill>,
    /// Times that a run continued from a checkpoint.
    continued: usize,
    /// What differs from the undisturbed study, apart from times.
    differs: Vec<String>,
}

/// What a call leaves.
#[derive(Debug, Serialize)]
struct Record {
    command: String,
    seed: u64,
    undisturbed_seconds: f64,
    studies: Vec<Study>,
}

/// Kills, continues, compares, and prints a line for each.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if options.kills == 0 {
        return Err("kills is 0, accepted is at least 1".to_owned());
    }
    let program = preparation::program(options.program.as_deref())?;
    let wrong = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    preparation::remove(&options.work)?;
    fs::create_dir_all(&options.work).map_err(|e| wrong(&options.work, e))?;
    let calm = options.work.join("undisturbed");
    let started = Instant::now();
    finish(&program, &calm)?;
    let undisturbed = started.elapsed();
    let expected = Results::read(&calm)?;
    println!("undisturbed: {:.1} s", undisturbed.as_secs_f64());

    let mut draws = Draws::of(options.seed);
    let mut record = Record {
        command: format!(
            "cargo xtask crash --kills {} --seed {}",
            options.kills, options.seed
        ),
        seed: options.seed,
        undisturbed_seconds: undisturbed.as_secs_f64(),
        studies: Vec::new(),
    };
    let mut killed = 0;
    while killed < options.kills {
        let out = options.work.join(format!("{}", record.studies.len() + 1));
        let mut study = Study {
            kills: Vec::new(),
            continued: 0,
            differs: Vec::new(),
        };
        while killed < options.kills {
            let aim = Moment::ALL[killed % Moment::ALL.len()];
            let wait = undisturbed.mul_f64(0.4 * draws.share());
            let jitter = Duration::from_secs_f64(0.01 * draws.share());
            let Some((after, text)) = kill(&program, &out, aim, wait, jitter)? else {
                break;
            };
            killed += 1;
            study.note(&text);
            let (hit, recorded) = now(&out);
            println!(
                "kill {killed:>2} after {:>5} ms, aimed at {:<16} hit {hit}; {recorded} of 4 runs recorded",
                after.as_millis(),
                format!("{aim},"),
            );
            study.kills.push(Kill {
                kill: killed,
                after_ms: after.as_millis() as u64,
                aimed_at: aim,
                hit,
                recorded,
            });
        }
        study.note(&finish(&program, &out)?);
        study
            .differs
            .extend(expected.differences(&Results::read(&out)?));
        println!(
            "study {}: {} kills, {} continuations, {}",
            record.studies.len() + 1,
            study.kills.len(),
            study.continued,
            match study.differs.as_slice() {
                [] => "the same as undisturbed".to_owned(),
                differs => format!("DIFFERS: {}", differs.join(", ")),
            }
        );
        record.studies.push(study);
    }
    let mut text = serde_json::to_string_pretty(&record).map_err(|e| e.to_string())?;
    text.push('\n');
    fs::write(&options.out, text).map_err(|e| wrong(&options.out, e))?;
    println!("record: {}", options.out.display());
    match record.studies.iter().all(|study| study.differs.is_empty()) {
        true => Ok(()),
        false => Err("a killed study differs from the undisturbed one".to_owned()),
    }
}

impl Study {
    /// Takes down what the program said: runs that continued, and checkpoints it could not use.
    fn note(&mut self, text: &str) {
        for line in text.lines() {
            if line.contains(" continues after step ") {
                self.continued += 1;
            } else if line.contains(": damaged (") || line.contains("starts from the beginning") {
                self.differs.push(line.to_owned());
            }
        }
    }
}

fn start(program: &Path, out: &Path) -> Result<Child, String> {
    let log = out.with_extension("stderr");
    let log = fs::File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
    Command::new(program)
        .args(STUDY)
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|e| format!("{}: {e}", program.display()))
}

/// What the program said.
fn said(out: &Path) -> String {
    fs::read_to_string(out.with_extension("stderr")).unwrap_or_default()
}

/// Runs the study to its end.
fn finish(program: &Path, out: &Path) -> Result<String, String> {
    let status = start(program, out)?.wait().map_err(|e| e.to_string())?;
    let said = said(out);
    match status.success() {
        true => Ok(said),
        false => Err(format!(
            "the study ended with {status}: {}",
            said.lines().last().unwrap_or_default()
        )),
    }
}

/// Starts the study and kills it at a moment after this wait; `None` if it ended before.
fn kill(
    program: &Path,
    out: &Path,
    aim: Moment,
    wait: Duration,
    jitter: Duration,
) -> Result<Option<(Duration, String)>, String> {
    let (_, recorded) = now(out);
    let mut child = start(program, out)?;
    let started = Instant::now();
    let over = |child: &mut Child| child.try_wait().map_err(|e| e.to_string());
    while started.elapsed() < wait {
        if over(&mut child)?.is_some() {
            return ended(out, &mut child);
        }
        sleep(Duration::from_millis(1));
    }
    let waited = Instant::now();
    while !aim.is_there(out, recorded) && waited.elapsed() < PATIENCE {
        if over(&mut child)?.is_some() {
            return ended(out, &mut child);
        }
        sleep(Duration::from_micros(200));
    }
    if aim != Moment::Record {
        sleep(jitter);
    }
    // On Unix, this is SIGKILL.
    child.kill().map_err(|e| e.to_string())?;
    let after = started.elapsed();
    match child.wait().map_err(|e| e.to_string())?.code() {
        // It was killed, and has no exit code.
        None => Ok(Some((after, said(out)))),
        Some(_) => ended(out, &mut child),
    }
}

fn ended(out: &Path, child: &mut Child) -> Result<Option<(Duration, String)>, String> {
    let status = child.wait().map_err(|e| e.to_string())?;
    match status.success() {
        true => Ok(None),
        false => Err(format!(
            "the study ended with {status}: {}",
            said(out).lines().last().unwrap_or_default()
        )),
    }
}
