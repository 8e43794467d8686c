//! Reading and tokenizing QQP's number of made-up pairs, here and in Python, measured alternately.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::peer::{Assets, THREADS, last_line, succeed};
use crate::{records, tokenize_table};

/// Options of `cargo xtask bench-tokenize`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measurements per program, taken alternately
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Python environment, created if missing
    #[arg(long, default_value = "target/peer-venv")]
    environment: PathBuf,
    /// File for the raw records of this call, which is overwritten
    #[arg(long, default_value = "target/bench-tokenize.jsonl")]
    out: PathBuf,
    /// Measure nothing; print the table for these raw records
    #[arg(long, value_name = "FILE", num_args = 1..)]
    table: Vec<PathBuf>,
}

/// What a program prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timing {
    pub(crate) rows: usize,
    pub(crate) tokens: usize,
    pub(crate) seconds: f64,
    /// Processor time of both threads.
    pub(crate) cpu_seconds: f64,
    pub(crate) reading_seconds: f64,
    pub(crate) peak_rss_mib: f64,
    /// What our encodings hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<usize>,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) timing: Timing,
}

/// Python's ways to encode, under their names in the records.
const PYTHON: [&str; 2] = ["encode_batch", "encode_batch_fast"];

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let mut measured: Vec<Measured> = Vec::new();
    if !options.table.is_empty() {
        for path in &options.table {
            measured.extend(records::read(path)?);
        }
        print!("{}", tokenize_table::render(&measured));
        return Ok(());
    }
    if options.rounds == 0 {
        return Err("rounds is 0, accepted is at least 1".to_owned());
    }
    let assets = Assets::find()?;
    let python = assets.python(&options.environment)?;
    let snapshot = assets.path("models/all-MiniLM-L6-v2");
    let folder = std::path::absolute("target/bench-tokenize/QQP").map_err(|e| e.to_string())?;
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer");
    succeed(
        Command::new(&python)
            .arg(scripts.join("made_up_qqp.py"))
            .arg(snapshot.join("vocab.txt"))
            .arg(&folder),
    )?;
    succeed(bench().arg("--no-run"))?;
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        let ours = last_line(
            bench()
                .arg("--")
                .args([&folder, &snapshot])
                .env("RAYON_NUM_THREADS", THREADS),
        )?;
        measured.push(Measured {
            name: "ours".to_owned(),
            timing: ours,
        });
        for method in PYTHON {
            let theirs = last_line(
                Command::new(&python)
                    .arg(scripts.join("tokenize_qqp.py"))
                    .arg(&folder)
                    .arg(snapshot.join("tokenizer.json"))
                    .arg(method)
                    .env("TOKENIZERS_PARALLELISM", "true")
                    .env("RAYON_NUM_THREADS", THREADS),
            )?;
            measured.push(Measured {
                name: method.to_owned(),
                timing: theirs,
            });
        }
        records::write(&options.out, &measured)?;
    }
    same_tokens(&measured)?;
    print!("{}", tokenize_table::render(&measured));
    println!("\nraw records: {}", options.out.display());
    Ok(())
}

fn bench() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["bench", "--quiet", "--profile", "dev", "--workspace"]);
    command.args(["--bench", "tokenize"]);
    command
}

/// Times of different work are not compared.
fn same_tokens(measured: &[Measured]) -> Result<(), String> {
    let count = |one: &Measured| (one.timing.rows, one.timing.tokens);
    let first = &measured[0];
    match measured.iter().find(|one| count(one) != count(first)) {
        None => Ok(()),
        Some(other) => Err(format!(
            "{} has {:?} pairs and tokens, {} has {:?}",
            first.name,
            count(first),
            other.name,
            count(other)
        )),
    }
}
