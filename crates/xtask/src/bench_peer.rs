//! Ours and PyTorch's training step, measured in turn.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::peer::{Assets, succeed};
use crate::rows::{ROWS, Row};
use crate::table;

/// Threads of both sides.
const THREADS: &str = "2";

/// Options of `cargo xtask bench-peer`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measurements of each side, taken in turn
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Rows to measure [default: all]
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// PyTorch environment; made if it is not there
    #[arg(long, default_value = "target/peer-venv")]
    environment: PathBuf,
    /// File that the raw records are added to
    #[arg(long, default_value = "target/bench-peer.jsonl")]
    out: PathBuf,
}

/// What both programs print.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Timing {
    pub(crate) s_per_step: f64,
    pub(crate) examples_per_s: f64,
    pub(crate) tokens_per_s: f64,
    pub(crate) peak_rss_mib: f64,
}

/// One measurement of each side, one after the other.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) row: &'static str,
    pub(crate) ours: Timing,
    pub(crate) theirs: Timing,
}

/// Measures the rows and prints the table.
pub(crate) fn run(options: &Options) -> Result<(), String> {
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
                row: row.name,
                ours: ours(row, &model, &assets)?,
                theirs: theirs(row, &model, &assets, &python)?,
            });
            keep(&options.out, &pairs)?;
        }
    }
    print!("{}", table::render(&rows, &pairs));
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
    command.args(["--bench-steps", &row.steps.to_string()]);
    command.args(["--max-train-samples", "8192", "--arms", "baseline"]);
    command.args(row.ours).env("RAYON_NUM_THREADS", THREADS);
    timing(command)
}

fn theirs(row: &Row, model: &Path, assets: &Assets, python: &Path) -> Result<Timing, String> {
    let mut command = Command::new(python);
    command.arg(assets.path("peer/finetune_pytorch.py"));
    command.arg("--model").arg(model);
    command.arg("--data").arg(assets.path("datasets/SST-2"));
    command.args(["--bench", &row.steps.to_string()]);
    command.args(["--max-train-samples", "8192"]);
    command.args(row.theirs).env("OMP_NUM_THREADS", THREADS);
    command.env("HF_HUB_OFFLINE", "1");
    timing(command)
}

/// Runs a program and reads the JSON line it ends with.
fn timing(mut command: Command) -> Result<Timing, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(|e| {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or_default();
        format!("{command:?} printed no timing ({e}): {said}")
    })
}

fn keep(path: &Path, pairs: &[Pair]) -> Result<(), String> {
    let mut text = String::new();
    for pair in pairs {
        let line = serde_json::to_string(pair).map_err(|e| e.to_string())?;
        writeln!(text, "{line}").map_err(|e| e.to_string())?;
    }
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
