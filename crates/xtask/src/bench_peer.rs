//! Our training step and PyTorch's, measured alternately.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::peer::{Assets, THREADS, last_line, succeed};
use crate::records;
use crate::rows::{ROWS, Row, Timed};
use crate::table;

/// Options of `cargo xtask bench-peer`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measurements per side, taken alternately
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Rows to measure [default: all]
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
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

/// One measurement of each side, one after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) row: String,
    pub(crate) ours: Timing,
    pub(crate) theirs: Timing,
}

/// Measures the rows and prints the table.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if !options.table.is_empty() {
        let mut pairs = Vec::new();
        for path in &options.table {
            pairs.extend(records::read(path)?);
        }
        print!("{}", table::render(&pairs));
        return Ok(());
    }
    let rows = chosen(&options.rows)?;
    if options.pairs == 0 {
        return Err("pairs is 0, accepted is at least 1".to_owned());
    }
    let assets = Assets::find()?;
    let python = assets.python(&options.environment)?;
    succeed(Command::new(env!("CARGO")).args(["build", "--quiet", "--example", "glue_sst2"]))?;

    let mut pairs = Vec::new();
    for row in &rows {
        let model = assets.model(&row.model, &python, Path::new("target"))?;
        for number in 1..=options.pairs {
            eprintln!("{} {number} of {}", row.name, options.pairs);
            pairs.push(Pair {
                row: row.name.to_owned(),
                ours: ours(row, &model, &assets)?,
                theirs: theirs(row, &model, &assets, &python)?,
            });
            records::write(&options.out, &pairs)?;
        }
    }
    print!("{}", table::render(&pairs));
    println!("\nraw records: {}", options.out.display());
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Row>, String> {
    let known: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!(
            "row is `{unknown}`, accepted are {}",
            known.join(", ")
        ));
    }
    let is_chosen = |row: &&Row| names.is_empty() || names.iter().any(|name| name == row.name);
    Ok(ROWS.iter().filter(is_chosen).collect())
}

fn ours(row: &Row, model: &Path, assets: &Assets) -> Result<Timing, String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--example", "glue_sst2", "--"]);
    command.arg("--model").arg(model);
    command.arg("--data").arg(assets.path("datasets/SST-2"));
    command.args(["--arms", "baseline"]);
    command.args(row.ours).env("RAYON_NUM_THREADS", THREADS);
    match row.timed {
        Timed::Steps(steps) => {
            command.args(["--bench-steps", &steps.to_string(), "--bench-ceiling"]);
            command.args(["--max-train-samples", "8192"]);
            last_line(&mut command)
        }
        Timed::WholeTask(sentences) => {
            // A new folder each time, because the program would find the study in an old one complete.
            let out = Path::new("target/bench-peer-task");
            match std::fs::remove_dir_all(out) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(format!("{}: {e}", out.display()));
                }
                _ => command.arg("--out").arg(out),
            };
            command.args(["--seeds", "1", "--epochs", "1"]);
            command.args(["--max-train-samples", &sentences.to_string()]);
            whole_task(command, sentences)
        }
    }
}

fn theirs(row: &Row, model: &Path, assets: &Assets, python: &Path) -> Result<Timing, String> {
    let mut command = Command::new(python);
    command.arg(assets.path("peer/finetune_pytorch.py"));
    command.arg("--model").arg(model);
    command.arg("--data").arg(assets.path("datasets/SST-2"));
    command.args(row.theirs).env("OMP_NUM_THREADS", THREADS);
    command.env("HF_HUB_OFFLINE", "1");
    match row.timed {
        Timed::Steps(steps) => {
            command.args(["--bench", &steps.to_string()]);
            command.args(["--max-train-samples", "8192"]);
            last_line(&mut command)
        }
        Timed::WholeTask(sentences) => {
            command.args(["--epochs", "1"]);
            command.args(["--max-train-samples", &sentences.to_string()]);
            whole_task(command, sentences)
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
