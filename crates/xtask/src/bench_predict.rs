//! Predicting SST-2's training sentences here, with PyTorch and with ONNX Runtime, measured alternately.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::peer::{Assets, THREADS, last_line, succeed};
use crate::{predict_table, records};

/// Options of `cargo xtask bench-predict`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Sentences to predict, of 67,349
    #[arg(long, default_value_t = 8192)]
    texts: usize,
    /// Measurements per program, taken alternately
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Python environment, created if missing; ONNX Runtime is added to it
    #[arg(long, default_value = "target/peer-venv")]
    environment: PathBuf,
    /// File for the raw records of this call, which is overwritten
    #[arg(long, default_value = "target/bench-predict.jsonl")]
    out: PathBuf,
    /// Measure nothing; print the table for these raw records
    #[arg(long, value_name = "FILE", num_args = 1..)]
    table: Vec<PathBuf>,
}

/// What a program prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timing {
    pub(crate) texts: usize,
    pub(crate) tokens: usize,
    /// From the texts to the logits.
    pub(crate) seconds: f64,
    /// Processor time of both threads.
    pub(crate) cpu_seconds: f64,
    /// Tokenizing alone.
    pub(crate) tokenize_seconds: f64,
    /// The sum of all logits without their signs: whether the work was the same.
    pub(crate) absolute_logits: f64,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) round: usize,
    #[serde(flatten)]
    pub(crate) timing: Timing,
}

/// The programs of the peer's script, under their names in the records.
const PEERS: [&str; 2] = ["torch", "onnx"];

/// Sums of two f32 programs differ by less than this part of them.
const SAME: f64 = 1e-5;

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let mut measured: Vec<Measured> = Vec::new();
    if !options.table.is_empty() {
        for path in &options.table {
            measured.extend(records::read(path)?);
        }
        print!("{}", predict_table::render(&measured));
        return Ok(());
    }
    for (name, value) in [("rounds", options.rounds), ("texts", options.texts)] {
        if value == 0 {
            return Err(format!("{name} is 0, accepted is at least 1"));
        }
    }
    let assets = Assets::find()?;
    let python = assets.python(&options.environment)?;
    add_onnx_runtime(&python)?;
    let folder = std::path::absolute("target/bench-predict").map_err(|e| e.to_string())?;
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let (model, texts) = (folder.join("model"), folder.join("texts.txt"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer/predict.py");
    if !model.join("model.onnx").exists() {
        let mut make = Command::new(&python);
        make.arg(&script).arg("make");
        make.arg(assets.path("models/all-MiniLM-L6-v2")).arg(&model);
        succeed(make.stdout(Stdio::null()).stderr(Stdio::null()))?;
    }
    write_sentences(&assets.path("datasets/SST-2/train.tsv"), &texts)?;
    succeed(bench().arg("--no-run"))?;
    let count = options.texts.to_string();
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        let mut ours = bench();
        ours.arg("--").arg(&model).arg(&texts).arg(&count);
        measured.push(Measured {
            name: "ours".to_owned(),
            round,
            timing: last_line(ours.env("RAYON_NUM_THREADS", THREADS))?,
        });
        for runtime in PEERS {
            let mut peer = Command::new(&python);
            peer.arg(&script)
                .arg(runtime)
                .arg(&model)
                .arg(&texts)
                .arg(&count);
            measured.push(Measured {
                name: runtime.to_owned(),
                round,
                timing: last_line(peer.env("RAYON_NUM_THREADS", THREADS))?,
            });
        }
        records::write(&options.out, &measured)?;
    }
    same_work(&measured)?;
    print!("{}", predict_table::render(&measured));
    println!("\nraw records: {}", options.out.display());
    Ok(())
}

fn bench() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["bench", "--quiet", "--profile", "dev", "--workspace"]);
    command.args(["--bench", "predict"]);
    command
}

fn add_onnx_runtime(python: &Path) -> Result<(), String> {
    let mut check = Command::new(python);
    check.args(["-c", "import onnxruntime, onnxscript"]);
    if check
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        return Ok(());
    }
    let mut install = Command::new(python);
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "onnxruntime",
        "onnxscript",
    ]);
    succeed(&mut install)
}

/// Writes the sentences of a file of SST-2, one per line.
fn write_sentences(tsv: &Path, lines: &Path) -> Result<(), String> {
    let text = fs::read_to_string(tsv).map_err(|e| format!("{}: {e}", tsv.display()))?;
    let sentences = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once('\t'));
    let sentences: String = sentences.map(|(text, _)| format!("{text}\n")).collect();
    fs::write(lines, sentences).map_err(|e| format!("{}: {e}", lines.display()))
}

/// Times of different work are not compared.
fn same_work(measured: &[Measured]) -> Result<(), String> {
    let first = &measured[0];
    let is_same = |other: &Measured| {
        let (one, other) = (&first.timing, &other.timing);
        let distance = (one.absolute_logits - other.absolute_logits).abs();
        (one.texts, one.tokens) == (other.texts, other.tokens)
            && distance <= SAME * one.absolute_logits
    };
    match measured.iter().find(|other| !is_same(other)) {
        None => Ok(()),
        Some(other) => Err(format!("{first:?} and {other:?} are not the same work")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(tokens: usize, absolute_logits: f64) -> Measured {
        let timing = Timing {
            texts: 2,
            tokens,
            seconds: 1.0,
            cpu_seconds: 1.0,
            tokenize_seconds: 0.5,
            absolute_logits,
        };
        Measured {
            name: "ours".to_owned(),
            round: 1,
            timing,
        }
    }

    #[test]
    fn other_tokens_and_other_logits_are_other_work() {
        let first = measured(10, 100.0);
        assert_eq!(same_work(&[first.clone(), measured(10, 100.0005)]), Ok(()));
        for other in [measured(11, 100.0), measured(10, 100.01)] {
            let error = same_work(&[first.clone(), other]).expect_err("they differ");
            assert!(error.ends_with("are not the same work"), "{error}");
        }
    }
}
