//! What a run and a study cost, and how that grows: measured here, and computed for machines that are not here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::bench_peer::Timing;
use crate::growth_table;
use crate::peer::{Assets, THREADS, last_line, succeed};
use crate::{preparation, records};

/// Options of `cargo xtask growth`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measure anew instead of printing the tables of the record
    #[arg(long)]
    measure: bool,
    /// How often to measure each
    #[arg(long, default_value_t = 3, requires = "measure")]
    rounds: usize,
    /// The program, instead of building the example glue_sst2
    #[arg(long, value_name = "FILE", requires = "measure")]
    program: Option<PathBuf>,
    /// The record, which --measure overwrites
    #[arg(long, default_value = "crates/xtask/runs/growth.json")]
    record: PathBuf,
}

/// What was measured.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    /// The processor's name.
    pub(crate) machine: String,
    pub(crate) steps: Vec<Steps>,
    pub(crate) studies: Vec<Study>,
}

/// Some training steps of a study with so many training sentences.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Steps {
    pub(crate) model: String,
    pub(crate) sentences: usize,
    pub(crate) round: usize,
    pub(crate) timing: Timing,
}

/// A small study by so many processes of a shard each, or by one without shards.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Study {
    pub(crate) processes: usize,
    pub(crate) jobs: usize,
    pub(crate) round: usize,
    /// With the merge.
    pub(crate) seconds: f64,
    /// The same on all cores, in user and system mode: what a busy machine changes least.
    pub(crate) processor_seconds: f64,
}

/// Rates of training steps, measured by `bench-peer` on a quiet machine.
pub(crate) const RATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/runs/2026-11-28.jsonl");
/// Training sentences of SST-2 that are read and tokenized.
pub(crate) const SENTENCES: [usize; 3] = [1_000, 10_000, 60_000];
/// Names of the models with their parameters.
pub(crate) const MODELS: [(&str, usize); 2] = [
    ("film-bert-3x192", 2_674_176),
    ("all-MiniLM-L6-v2", 22_713_216),
];
/// Processes and jobs of each.
pub(crate) const PROCESSES: [(usize, usize); 3] = [(1, 1), (1, 2), (2, 1)];
/// The small study: four pairs of the bundled model, an epoch of 1,000 sentences each.
const STUDY: [&str; 12] = [
    "--preset",
    "quick",
    "--seeds",
    "4",
    "--epochs",
    "1",
    "--no-checkpoints",
    "--quiet",
    "--max-train-samples",
    "1000",
    "--max-eval-samples",
    "100",
];

/// Measures, or reads the record, and prints the tables.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let record = match options.measure {
        true => {
            let record = measure(options)?;
            let mut text = serde_json::to_string_pretty(&record).map_err(|e| e.to_string())?;
            text.push('\n');
            std::fs::write(&options.record, text)
                .map_err(|e| format!("{}: {e}", options.record.display()))?;
            record
        }
        false => read(&options.record)?,
    };
    let rates = records::read(Path::new(RATES))?;
    print!("{}", growth_table::memory(&record));
    print!("\n{}", growth_table::speed(&rates));
    print!("\n{}", growth_table::shards(&record));
    print!("\n{}", growth_table::computed(&rates)?);
    Ok(())
}

pub(crate) fn read(path: &Path) -> Result<Record, String> {
    let text = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))
}

fn measure(options: &Options) -> Result<Record, String> {
    let assets = Assets::find()?;
    let program = preparation::program(options.program.as_deref())?;
    let mut record = Record {
        machine: processor(),
        steps: Vec::new(),
        studies: Vec::new(),
    };
    for round in 1..=options.rounds {
        for (model, _) in MODELS {
            for sentences in SENTENCES {
                let mut command = Command::new(&program);
                command.args(["--preset", "standard", "--batching", "packed", "--data"]);
                command.arg(assets.path("datasets/SST-2"));
                command.args(["--max-train-samples", &sentences.to_string()]);
                command.args(["--bench-steps", "20", "--model"]);
                match model {
                    "film-bert-3x192" => command.arg("bundled"),
                    folder => command.arg(assets.path("models").join(folder)),
                };
                command.env("RAYON_NUM_THREADS", THREADS);
                let timing: Timing = last_line(&mut command)?;
                eprintln!("round {round}: {model}, {sentences} sentences: {timing:?}");
                record.steps.push(Steps {
                    model: model.to_owned(),
                    sentences,
                    round,
                    timing,
                });
            }
        }
        for (processes, jobs) in PROCESSES {
            let before = processor_seconds()?;
            let seconds = study(&program, processes, jobs)?;
            let processor_seconds = processor_seconds()? - before;
            eprintln!(
                "round {round}: {processes} processes of {jobs} runs at a time: {seconds:.1} s, processors {processor_seconds:.1} s"
            );
            record.studies.push(Study {
                processes,
                jobs,
                round,
                seconds,
                processor_seconds,
            });
        }
    }
    Ok(record)
}

/// Seconds of the small study.
fn study(program: &Path, processes: usize, jobs: usize) -> Result<f64, String> {
    let out = Path::new("target/growth");
    preparation::remove(out)?;
    let command = |part: &[&str]| {
        let mut command = Command::new(program);
        command.args(STUDY).arg("--out").arg(out).args(part);
        command.args(["--jobs", &jobs.to_string()]);
        // The cores are shared among the processes.
        let threads = match processes {
            1 => THREADS,
            _ => "1",
        };
        command.env("RAYON_NUM_THREADS", threads);
        command.stdout(Stdio::null());
        command
    };
    let started = Instant::now();
    if processes > 1 {
        let shards = (1..=processes).map(|shard| format!("{shard}/{processes}"));
        let started: Vec<_> = shards
            .map(|shard| command(&["--shard", &shard]).spawn())
            .collect();
        for child in started {
            let status = child.and_then(|mut child| child.wait());
            if !status.is_ok_and(|status| status.success()) {
                return Err("a shard failed".to_owned());
            }
        }
        succeed(&mut command(&["--merge"]))?;
    } else {
        succeed(&mut command(&[]))?;
    }
    Ok(started.elapsed().as_secs_f64())
}

/// Processor seconds of all processes that this one has waited for, as Linux counts them in hundredths.
fn processor_seconds() -> Result<f64, String> {
    let text = std::fs::read_to_string("/proc/self/stat").map_err(|e| e.to_string())?;
    // The name of the program, in parentheses, may have spaces; the 16th and the 17th field are those of children.
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = fields
        .get(13..15)
        .ok_or("/proc/self/stat: too few fields")?;
    let ticks = ticks.iter().map(|field| field.parse::<f64>());
    let ticks: f64 = ticks.sum::<Result<f64, _>>().map_err(|e| e.to_string())?;
    Ok(ticks / 100.0)
}

/// The processor's name, as Linux has it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = named.map(|rest| rest.trim_start_matches([' ', '\t', ':']));
    name.unwrap_or("an unknown processor").to_owned()
}
