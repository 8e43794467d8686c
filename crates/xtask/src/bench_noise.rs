//! NoisyTune's noise, PyTorch's five-line loop and the memory traffic alone, measured alternately.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::peer::{Assets, THREADS, last_line, succeed};
use crate::rows::Model;
use crate::{noise_table, preparation, records};

/// Options of `cargo xtask bench-noise`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measurements per row, taken alternately
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// PyTorch environment, created if missing
    #[arg(long, default_value = "target/peer-venv")]
    environment: PathBuf,
    /// File for the raw records of this call, which is overwritten
    #[arg(long, default_value = "target/bench-noise.jsonl")]
    out: PathBuf,
    /// Measure nothing; print the table for these raw records
    #[arg(long, value_name = "FILE", num_args = 1..)]
    table: Vec<PathBuf>,
}

/// The median time of a pass over `parameters` parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) round: usize,
    pub(crate) name: String,
    pub(crate) parameters: u64,
    pub(crate) median_s: f64,
}

/// What the PyTorch script prints.
#[derive(Deserialize)]
struct Peer {
    params: u64,
    median_s: f64,
}

/// Models of PyTorch's loop, under their names in the records.
const PEERS: [(&str, Model); 2] = [
    ("pytorch_minilm", Model::MiniLm),
    ("pytorch_bert_base", Model::Random(12, 768, 12)),
];

/// Benchmarks of `crates/noisytune-burn/benches/noise.rs`.
const OURS: [&str; 4] = [
    "bert_base",
    "bert_base_traffic",
    "bert_large",
    "bert_large_traffic",
];

/// Measures the rows and prints the table.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let mut measured: Vec<Measured> = Vec::new();
    if !options.table.is_empty() {
        for path in &options.table {
            measured.extend(records::read(path)?);
        }
        print!("{}", noise_table::render(&measured));
        return Ok(());
    }
    if options.rounds == 0 {
        return Err("rounds is 0, accepted is at least 1".to_owned());
    }
    let assets = Assets::find()?;
    let python = assets.python(&options.environment)?;
    succeed(bench().arg("--no-run"))?;
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        for (name, model) in &PEERS {
            let model = assets.model(model, &python, Path::new("target"))?;
            let Peer { params, median_s } = last_line(
                Command::new(&python)
                    .arg(assets.path("peer/finetune_pytorch.py"))
                    .arg("--model")
                    .arg(model)
                    .arg("--data")
                    .arg(assets.path("datasets/SST-2"))
                    .arg("--noise-only")
                    .env("OMP_NUM_THREADS", THREADS)
                    .env("HF_HUB_OFFLINE", "1"),
            )?;
            measured.push(Measured {
                round,
                name: (*name).to_owned(),
                parameters: params,
                median_s,
            });
        }
        measured.extend(ours(round)?);
        records::write(&options.out, &measured)?;
    }
    print!("{}", noise_table::render(&measured));
    println!("\nraw records: {}", options.out.display());
    Ok(())
}

fn bench() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["bench", "--quiet", "--profile", "dev", "--workspace"]);
    command.args(["--bench", "noise"]);
    command
}

/// Runs criterion and reads what it writes.
fn ours(round: usize) -> Result<Vec<Measured>, String> {
    // Criterion runs in the crate's folder.
    let home = std::path::absolute("target/bench-noise").map_err(|e| e.to_string())?;
    preparation::remove(&home)?;
    let mut command = bench();
    command.args(["--", "bert_"]).stdout(std::io::stderr());
    command.env("RAYON_NUM_THREADS", THREADS);
    succeed(command.env("CRITERION_HOME", &home))?;
    let one = |name: &&str| {
        let read = |file: &str| -> Result<Value, String> {
            let path = home.join("noise").join(name).join("new").join(file);
            let text = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))
        };
        let parameters = read("benchmark.json")?["throughput"]["Elements"].as_u64();
        let nanoseconds = read("estimates.json")?["median"]["point_estimate"].as_f64();
        let (Some(parameters), Some(nanoseconds)) = (parameters, nanoseconds) else {
            return Err(format!("{name}: criterion's files lack elements or median"));
        };
        Ok(Measured {
            round,
            name: (*name).to_owned(),
            parameters,
            median_s: nanoseconds / 1e9,
        })
    };
    OURS.iter().map(one).collect()
}
