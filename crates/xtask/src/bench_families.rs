//! Training steps of each family of encoders here, padded and packed, and in PyTorch, measured alternately.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::bench_peer::Timing;
use crate::peer::{Assets, THREADS, last_line, succeed};
use crate::{families_table, preparation, records};

/// Options of `cargo xtask bench-families`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measurements per family, one of each program alternately
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Families to measure [default: all]
    #[arg(long, value_delimiter = ',')]
    families: Vec<String>,
    /// PyTorch environment, created if missing
    #[arg(long, default_value = "target/peer-venv")]
    environment: PathBuf,
    /// File for the raw records of this call, which is overwritten
    #[arg(long, default_value = "target/bench-families.jsonl")]
    out: PathBuf,
    /// Measure nothing; print the table for these raw records
    #[arg(long, value_name = "FILE", num_args = 1..)]
    table: Vec<PathBuf>,
}

/// Each family by its `model_type`, with its title in the table.
pub(crate) const FAMILIES: [(&str, &str); 6] = [
    ("roberta", "RoBERTa, XLM-R"),
    ("electra", "ELECTRA"),
    ("distilbert", "DistilBERT"),
    ("xlnet", "XLNet"),
    ("modernbert", "ModernBERT"),
    ("deberta-v2", "DeBERTa-v2, v3"),
];

/// Makes the checkpoints: SNAPSHOT TARGET.
const MADE_UP: &str = include_str!("made_up_families.py");

/// Steps on the clock, padded on both sides and packed: 5 to 8 seconds of each on the machine of the README.
const PADDED: &str = "10";
const PACKED: &str = "24";

/// One measurement of each program, one after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) family: String,
    pub(crate) padded: Timing,
    pub(crate) packed: Timing,
    pub(crate) theirs: Timing,
}

/// Measures the families and prints the table.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if !options.table.is_empty() {
        let mut rounds = Vec::new();
        for path in &options.table {
            rounds.extend(records::read(path)?);
        }
        print!("{}", families_table::render(&rounds));
        return Ok(());
    }
    let families = chosen(&options.families)?;
    if options.rounds == 0 {
        return Err("rounds is 0, accepted is at least 1".to_owned());
    }
    let assets = Assets::find()?;
    let python = assets.python(&options.environment)?;
    let models = made_up(&assets, &python)?;
    let program = preparation::program(None)?;

    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        for family in &families {
            eprintln!("{family} {number} of {}", options.rounds);
            let model = models.join(family);
            rounds.push(Round {
                family: (*family).to_owned(),
                padded: ours(&program, &model, &assets, "shuffled", PADDED)?,
                theirs: theirs(&model, &assets, &python)?,
                packed: ours(&program, &model, &assets, "packed", PACKED)?,
            });
            records::write(&options.out, &rounds)?;
        }
    }
    print!("{}", families_table::render(&rounds));
    println!("\nraw records: {}", options.out.display());
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static str>, String> {
    let known = FAMILIES.map(|(family, _)| family);
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!(
            "family is `{unknown}`, accepted are {}",
            known.join(", ")
        ));
    }
    let is_chosen = |family: &&str| names.is_empty() || names.iter().any(|name| name == family);
    Ok(known.into_iter().filter(is_chosen).collect())
}

/// The folder with a checkpoint of each family, which are made if one is missing.
fn made_up(assets: &Assets, python: &Path) -> Result<PathBuf, String> {
    let target = PathBuf::from("target/made-up-families");
    let is_there =
        |(family, _): &(&str, &str)| target.join(family).join("tokenizer_config.json").exists();
    if !FAMILIES.iter().all(is_there) {
        let mut make = Command::new(python);
        make.args(["-c", MADE_UP])
            .arg(assets.path("models/all-MiniLM-L6-v2"))
            .arg(&target);
        make.env("HF_HUB_OFFLINE", "1").stderr(Stdio::null());
        succeed(&mut make)?;
    }
    Ok(target)
}

fn ours(
    program: &Path,
    model: &Path,
    assets: &Assets,
    batching: &str,
    steps: &str,
) -> Result<Timing, String> {
    let mut command = Command::new(program);
    command.arg("--model").arg(model);
    command.arg("--data").arg(assets.path("datasets/SST-2"));
    command.args(["--arms", "baseline", "--batch-size", "32"]);
    command.args(["--batching", batching, "--bench-steps", steps]);
    command.args(["--max-train-samples", "1024"]);
    last_line(command.env("RAYON_NUM_THREADS", THREADS))
}

fn theirs(model: &Path, assets: &Assets, python: &Path) -> Result<Timing, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer/finetune.py");
    let mut command = Command::new(python);
    command.arg(script).arg("--model").arg(model);
    command.arg("--data").arg(assets.path("datasets/SST-2"));
    command.args(["--batch-size", "32", "--steps", PADDED]);
    command.args(["--max-train-samples", "1024"]);
    command.env("OMP_NUM_THREADS", THREADS);
    command.env("HF_HUB_OFFLINE", "1");
    last_line(&mut command)
}
