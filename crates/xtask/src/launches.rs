//! What a training step asks of a CUDA driver, counted without a GPU.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::peer::{Assets, succeed};
use crate::records;
use crate::rows::Model;

/// Options of `cargo xtask launches`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A `glue_sst2` with the feature cuda [default: built here, which needs `XDG_DATA_HOME` with an LLVM as
    /// crates/devices/launches/llvm.sh puts it there]; it looks for nvvm/libdevice/libdevice.10.bc in `CUDA_PATH`
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// PyTorch environment, created if missing, for the checkpoint of BERT-base's size
    #[arg(long, default_value = "target/peer-venv")]
    environment: PathBuf,
    /// File for the counts of this call, which is overwritten
    #[arg(long, default_value = "target/launches.jsonl")]
    out: PathBuf,
    /// Also print how often a step launches each kernel
    #[arg(long)]
    kernels: bool,
    /// Fail if a step launches more kernels than these records say
    #[arg(long, value_name = "FILE")]
    at_most: Option<PathBuf>,
    /// Count nothing; print the table for these records
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
}

/// One training step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) step: String,
    pub(crate) precision: String,
    pub(crate) launches: usize,
    pub(crate) uploads: usize,
    pub(crate) copies: usize,
    pub(crate) fills: usize,
    pub(crate) downloads: usize,
}

/// A step that is counted.
struct Step {
    name: &'static str,
    title: &'static str,
    model: Model,
    batch: &'static str,
    length: &'static str,
}

const STEPS: [Step; 2] = [
    Step {
        name: "minilm",
        title: "6 × 384 (all-MiniLM-L6-v2), batch 32 × 64",
        model: Model::MiniLm,
        batch: "32",
        length: "64",
    },
    Step {
        name: "base",
        title: "12 × 768 (BERT-base's size), batch 32 × 128",
        model: Model::Random(12, 768, 12),
        batch: "32",
        length: "128",
    },
];

const PRECISIONS: [&str; 2] = ["f32", "bf16"];

/// The first steps tune kernels; of the others, the last ones are counted.
const STEPS_RUN: &str = "8";
const COUNTED: usize = 4;

/// Counts, and prints the table.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if let Some(path) = &options.table {
        print!("{}", render(&records::read(path)?));
        return Ok(());
    }
    let assets = Assets::find()?;
    let python = assets.python(&options.environment)?;
    let work = Path::new("target/launches");
    let libraries = libcuda(work)?;
    let program = match &options.program {
        Some(program) => program.clone(),
        None => build(work)?,
    };
    let mut counts = Vec::new();
    for step in &STEPS {
        let model = assets.model(&step.model, &python, Path::new("target"))?;
        for precision in PRECISIONS {
            eprintln!("{}, {precision}", step.title);
            let log = work.join(format!("{}-{precision}.log", step.name));
            let mut command = Command::new(&program);
            command
                .arg("--model")
                .arg(model.clone())
                .arg("--data")
                .arg(assets.path("datasets/SST-2"));
            command.args([
                "--device",
                "cuda",
                "--bench-steps",
                STEPS_RUN,
                "--max-train-samples",
                "1024",
            ]);
            command.args(["--batch-size", step.batch, "--max-length", step.length]);
            command.args(["--pad-to-max-length", "--precision", precision]);
            command
                .env("LD_LIBRARY_PATH", &libraries)
                .env("LAUNCH_LOG", &log);
            succeed(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
            let text =
                std::fs::read_to_string(&log).map_err(|e| format!("{}: {e}", log.display()))?;
            let calls = calls(&text);
            let steps = last_steps(&calls)?;
            counts.push(count(step.name, precision, &steps)?);
            if options.kernels {
                print!("{}", kernels(steps[COUNTED - 1]));
            }
        }
    }
    records::write(&options.out, &counts)?;
    print!("{}", render(&counts));
    println!("\nrecords: {}", options.out.display());
    match &options.at_most {
        Some(path) => at_most(&counts, &records::read(path)?),
        None => Ok(()),
    }
}

/// Builds the library that pretends to be a driver; returns its folder.
fn libcuda(work: &Path) -> Result<PathBuf, String> {
    std::fs::create_dir_all(work).map_err(|e| format!("{}: {e}", work.display()))?;
    let work = work
        .canonicalize()
        .map_err(|e| format!("{}: {e}", work.display()))?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../devices/launches/libcuda.c");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(work.join("libcuda.so.1"))
        .arg(source)
        .arg("-lpthread");
    succeed(&mut cc)?;
    Ok(work)
}

/// Builds the program, unoptimised: its time does not matter here.
fn build(work: &Path) -> Result<PathBuf, String> {
    let mut build = Command::new(env!("CARGO"));
    build.args([
        "build",
        "--package",
        "glue_sst2",
        "--example",
        "glue_sst2",
        "--features",
        "cuda",
    ]);
    build.args([
        "--config",
        "profile.dev.package.\"*\".opt-level=0",
        "--config",
        "profile.dev.debug=false",
    ]);
    build
        .arg("--target-dir")
        .arg(work)
        .env("CUDARC_CUDA_VERSION", "13000");
    succeed(build.env_remove("CARGO_MANIFEST_DIR"))?;
    Ok(work.join("debug/examples/glue_sst2"))
}

/// A call of the driver that costs time.
struct Call<'a> {
    what: &'a str,
    /// The kernel, or the number of bytes.
    of: &'a str,
}

fn calls(log: &str) -> Vec<Call<'_>> {
    let calls = log.lines().filter_map(|line| line.split_once(' '));
    calls.map(|(what, of)| Call { what, of }).collect()
}

/// The last steps. A step ends by reading loss and norm back.
fn last_steps<'a>(calls: &'a [Call<'a>]) -> Result<Vec<&'a [Call<'a>]>, String> {
    let steps = calls.split_inclusive(|call| call.what == "download");
    let mut steps: Vec<&[Call]> = steps
        .filter(|step| step.last().is_some_and(|call| call.what == "download"))
        .collect();
    match steps.len() > COUNTED {
        true => Ok(steps.split_off(steps.len() - COUNTED)),
        false => Err(format!(
            "{} steps were logged, expected more than {COUNTED}",
            steps.len()
        )),
    }
}

/// What a step asks for; all of them must ask for the same.
fn count(step: &str, precision: &str, steps: &[&[Call<'_>]]) -> Result<Count, String> {
    let counts = steps.iter().map(|calls| {
        let number = |what: &str| calls.iter().filter(|call| call.what == what).count();
        Count {
            step: step.to_owned(),
            precision: precision.to_owned(),
            launches: number("launch"),
            uploads: number("upload"),
            copies: number("copy"),
            fills: number("fill"),
            downloads: number("download"),
        }
    });
    let counts: Vec<Count> = counts.collect();
    match counts.iter().find(|count| **count != counts[0]) {
        None => Ok(counts[0].clone()),
        Some(other) => Err(format!("steps differ: {:?} and {other:?}", counts[0])),
    }
}

/// How often each kernel was launched, most often first; the hash behind a kernel's name is left out.
fn kernels(step: &[Call<'_>]) -> String {
    let mut launched: BTreeMap<&str, usize> = BTreeMap::new();
    for call in step.iter().filter(|call| call.what == "launch") {
        let is_hash =
            |part: &str| part.len() > 7 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let name = match call.of.rsplit_once('_') {
            Some((name, hash)) if is_hash(hash) => name,
            _ => call.of,
        };
        *launched.entry(name).or_default() += 1;
    }
    let mut launched: Vec<(&str, usize)> = launched.into_iter().collect();
    launched.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let mut text = String::new();
    for (name, times) in launched {
        let _ = writeln!(text, "{times:5}  {name}");
    }
    text
}

/// The counts as a Markdown table.
fn render(counts: &[Count]) -> String {
    let mut text = String::from(
        "| training step | precision | kernels launched | uploads, copies, fills | read-backs |\n|---|---|---|---|---|\n",
    );
    for count in counts {
        let step = STEPS.iter().find(|step| step.name == count.step);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {}, {}, {} | {} |",
            step.map_or(count.step.as_str(), |step| step.title),
            count.precision,
            count.launches,
            count.uploads,
            count.copies,
            count.fills,
            count.downloads
        );
    }
    text
}

/// Compares with recorded counts.
fn at_most(counts: &[Count], recorded: &[Count]) -> Result<(), String> {
    for count in counts {
        let same = |other: &&Count| other.step == count.step && other.precision == count.precision;
        let Some(before) = recorded.iter().find(same) else {
            return Err(format!(
                "{} in {} is not recorded",
                count.step, count.precision
            ));
        };
        if count.launches > before.launches {
            return Err(format!(
                "{} in {} launches {} kernels, at most {} are accepted",
                count.step, count.precision, count.launches, before.launches
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "upload 8\nlaunch tune_1\ndownload 4\nlaunch tune_2\ndownload 8\nlaunch a_0123456789ab\nlaunch a_ba9876543210\nupload 4\ndownload 8\n\
        launch a_0123456789ab\nlaunch b\nupload 4\ndownload 8\nlaunch a_0123456789ab\nlaunch b\nupload 4\ndownload 8\n\
        launch a_0123456789ab\nlaunch a_ba9876543210\nupload 16\ndownload 8\nlaunch after\n";

    #[test]
    fn the_last_steps_are_counted_without_what_follows_them() {
        let calls = calls(LOG);
        let steps = last_steps(&calls).expect("enough of them");
        assert_eq!(steps.len(), COUNTED);
        let count = count("minilm", "f32", &steps).expect("they are the same");
        assert_eq!((count.launches, count.uploads, count.downloads), (2, 1, 1));
        assert_eq!(kernels(steps[COUNTED - 1]), "    2  a\n");
        let line = "| 6 × 384 (all-MiniLM-L6-v2), batch 32 × 64 | f32 | 2 | 1, 0, 0 | 1 |\n";
        assert!(render(std::slice::from_ref(&count)).ends_with(line));

        let mut fewer = count.clone();
        fewer.launches = 1;
        let count = [count];
        assert_eq!(at_most(&count, &count), Ok(()));
        let error = at_most(&count, &[fewer]).expect_err("one more");
        assert_eq!(
            error,
            "minilm in f32 launches 2 kernels, at most 1 are accepted"
        );
        assert!(at_most(&count, &[]).is_err());
    }

    #[test]
    fn the_readme_has_the_recorded_counts() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let counts = records::read(&package.join("runs/launches.jsonl")).expect("records");
        let readme = std::fs::read_to_string(package.join("../devices/README.md"));
        assert!(readme.expect("it is there").contains(&render(&counts)));
    }

    #[test]
    fn steps_that_differ_are_no_count() {
        let log = LOG.replace("launch b", "launch b\nlaunch c");
        let calls = calls(&log);
        let steps = last_steps(&calls).expect("enough of them");
        assert!(count("minilm", "f32", &steps).is_err());
        assert!(last_steps(&calls[..5]).is_err());
    }
}
