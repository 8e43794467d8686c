//! Our training step and PyTorch's, measured alternately.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::peer::{Assets, last_line};
use crate::preparation;
use crate::records;
use crate::rows::{ROWS, Row, Timed};
use crate::table;
use crate::tuned::{TUNED, Tuned};

/// Options of `cargo xtask bench-peer`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measurements per side, taken alternately
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Threads of each program; with several numbers, a table shows how the steps scale
    #[arg(long, value_delimiter = ',', default_value = "2")]
    threads: Vec<usize>,
    /// Rows to measure [default: all]
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// What of a careful user's settings PyTorch is timed with, beside as it comes [default: all]
    #[arg(long, value_delimiter = ',')]
    tuned: Vec<String>,
    /// PyTorch environment, created if missing
    #[arg(long, default_value = "target/peer-venv")]
    environment: PathBuf,
    /// File for the raw records of this call, which is overwritten
    #[arg(long, default_value = "target/bench-peer.jsonl")]
    out: PathBuf,
    /// Measure nothing; print the table for these raw records
    #[arg(long, value_name = "FILE", num_args = 1..)]
    table: Vec<PathBuf>,
}

/// What both programs print after timed steps; a whole task has only the first number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timing {
    pub(crate) examples_per_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) s_per_step: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tokens_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) matrix_gflops: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ceiling_gflops: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peak_rss_mib: Option<f64>,
}

/// One measurement of each program, one after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) row: String,
    /// Threads of each program.
    #[serde(default = "two")]
    pub(crate) threads: usize,
    pub(crate) ours: Timing,
    /// PyTorch as it comes.
    pub(crate) theirs: Timing,
    /// PyTorch as a careful user runs it, by [`Tuned::name`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tuned: BTreeMap<String, Timing>,
}

fn two() -> usize {
    2
}

/// Measures the rows and prints the table.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if !options.table.is_empty() {
        let mut pairs = Vec::new();
        for path in &options.table {
            pairs.extend(records::read(path)?);
        }
        print!("{}", table::all(&pairs));
        return Ok(());
    }
    let rows = chosen("row", &ROWS, |row| row.name, &options.rows)?;
    let ways = chosen("tuned", &TUNED, |tuned| tuned.name, &options.tuned)?;
    if options.pairs == 0 {
        return Err("pairs is 0, accepted is at least 1".to_owned());
    }
    if options.threads.contains(&0) {
        return Err("threads is 0, accepted is at least 1".to_owned());
    }
    for tuned in &ways {
        if let Some(missing) = tuned.missing() {
            eprintln!(
                "{missing} is not installed: left out is PyTorch with {}",
                tuned.title
            );
        }
    }
    let assets = Assets::find()?;
    let python = assets.python(&options.environment)?;
    let program = preparation::program(None)?;

    let mut pairs = Vec::new();
    for row in &rows {
        let model = assets.model(&row.model, &python, Path::new("target"))?;
        for number in 1..=options.pairs {
            for &threads in &options.threads {
                eprintln!(
                    "{} {number} of {}, {threads} threads",
                    row.name, options.pairs
                );
                let peer = Peer {
                    row,
                    model: &model,
                    assets: &assets,
                    python: &python,
                    ways: &ways,
                    threads,
                };
                pairs.push(Pair {
                    row: row.name.to_owned(),
                    threads,
                    ours: ours(&program, row, &model, &assets, threads)?,
                    theirs: peer.time(peer.command())?,
                    tuned: peer.tuned()?,
                });
                records::write(&options.out, &pairs)?;
            }
        }
    }
    print!("{}", table::all(&pairs));
    println!("\nraw records: {}", options.out.display());
    Ok(())
}

/// Those of `all` that are named, in the order of `all`; all of them where no name is given.
fn chosen<T>(
    what: &str,
    all: &'static [T],
    name_of: impl Fn(&T) -> &'static str,
    names: &[String],
) -> Result<Vec<&'static T>, String> {
    let known: Vec<&str> = all.iter().map(&name_of).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!(
            "{what} is `{unknown}`, accepted are {}",
            known.join(", ")
        ));
    }
    let is_chosen = |one: &&T| names.is_empty() || names.iter().any(|name| name == name_of(one));
    Ok(all.iter().filter(is_chosen).collect())
}

fn ours(
    program: &Path,
    row: &Row,
    model: &Path,
    assets: &Assets,
    threads: usize,
) -> Result<Timing, String> {
    let mut command = Command::new(program);
    command.arg("--model").arg(model);
    command.arg("--data").arg(assets.path("datasets/SST-2"));
    command.args(["--arms", "baseline"]);
    command
        .args(row.ours)
        .env("RAYON_NUM_THREADS", threads.to_string());
    match row.timed {
        Timed::Steps(steps) => {
            command.args(["--bench-steps", &steps.to_string(), "--bench-ceiling"]);
            command.args(["--max-train-samples", "8192"]);
            last_line(&mut command)
        }
        Timed::WholeTask(sentences) => {
            // A new folder each time, because the program would find the study in an old one complete.
            let out = Path::new("target/bench-peer-task");
            preparation::remove(out)?;
            command.arg("--out").arg(out);
            command.args(["--seeds", "1", "--epochs", "1"]);
            command.args(["--max-train-samples", &sentences.to_string()]);
            whole_task(command, sentences)
        }
    }
}

/// The PyTorch program for a row.
struct Peer<'a> {
    row: &'a Row,
    model: &'a Path,
    assets: &'a Assets,
    python: &'a Path,
    ways: &'a [&'static Tuned],
    threads: usize,
}

impl Peer<'_> {
    /// The program as it comes.
    fn command(&self) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer/finetune.py");
        let mut command = Command::new(self.python);
        command.arg(script).arg("--model").arg(self.model);
        command
            .arg("--data")
            .arg(self.assets.path("datasets/SST-2"));
        command
            .args(self.row.theirs)
            .env("OMP_NUM_THREADS", self.threads.to_string());
        command.env("HF_HUB_OFFLINE", "1");
        match self.row.timed {
            Timed::Steps(steps) => command.args(["--steps", &steps.to_string()]),
            Timed::WholeTask(sentences) => {
                command.args(["--max-train-samples", &sentences.to_string()])
            }
        };
        command
    }

    fn tuned(&self) -> Result<BTreeMap<String, Timing>, String> {
        let mut timings = BTreeMap::new();
        for tuned in self.ways {
            if let Some(command) = tuned.apply(self.command(), self.row.timed)? {
                timings.insert(tuned.name.to_owned(), self.time(command)?);
            }
        }
        Ok(timings)
    }

    fn time(&self, mut command: Command) -> Result<Timing, String> {
        match self.row.timed {
            Timed::Steps(_) => last_line(&mut command),
            Timed::WholeTask(sentences) => whole_task(command, sentences),
        }
    }
}

/// Runs a program, which must succeed, and times it.
fn whole_task(mut command: Command, sentences: usize) -> Result<Timing, String> {
    let started = Instant::now();
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    let seconds = started.elapsed().as_secs_f64();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or_default();
        return Err(format!("{command:?} ended with {}: {said}", output.status));
    }
    Ok(Timing {
        examples_per_s: sentences as f64 / seconds,
        ..Timing::default()
    })
}
