//! A study of many runs, watched from outside: resident memory and open files.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::Deserialize;

use crate::soak_figure;

/// Options of `cargo xtask soak`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Seeds of each of two arms, whose runs have 100 steps
    #[arg(long, default_value_t = 100)]
    seeds: usize,
    /// File for the record of this call, which is overwritten; its figure is beside it
    #[arg(long, default_value = "target/soak.json")]
    out: PathBuf,
    /// Run nothing; draw the figure of this record again
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "out"])]
    draw: Option<PathBuf>,
}

/// What the test in `examples/glue_sst2/tests/cli/soak.rs` records.
#[derive(Debug, Deserialize)]
pub(crate) struct Soak {
    pub(crate) runs: usize,
    pub(crate) steps_per_run: usize,
    pub(crate) growth_per_1000_steps: Growth,
    pub(crate) most_growth_per_1000_steps: Growth,
    pub(crate) rows: Vec<Row>,
}

/// Over the last three quarters of the runs.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(test), expect(dead_code, reason = "the figure has memory alone"))]
pub(crate) struct Growth {
    pub(crate) mib: f64,
    pub(crate) open_files: f64,
    pub(crate) threads: f64,
}

/// What was seen while so many runs were recorded: runs, seconds, most resident KiB, fewest open files, most threads.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "seconds and threads are not drawn")]
pub(crate) struct Row(
    pub(crate) usize,
    pub(crate) f64,
    pub(crate) u64,
    pub(crate) usize,
    pub(crate) usize,
);

/// Runs the study, checks that nothing grows, and draws what was seen.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if let Some(record) = &options.draw {
        return draw(record);
    }
    // A slope needs more than a few runs, and the first quarter warms up.
    if options.seeds < 20 {
        return Err(format!(
            "seeds is {}, accepted is at least 20",
            options.seeds
        ));
    }
    let record = std::path::absolute(&options.out).map_err(|e| e.to_string())?;
    let status = Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--test", "cli"])
        .args(["--", "--nocapture", "soak::memory"])
        .env("NOISYTUNE_SOAK_SEEDS", options.seeds.to_string())
        .env("NOISYTUNE_SOAK_RECORD", &record)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if record.exists() {
        draw(&record)?;
    }
    match status.success() {
        true => Ok(()),
        false => Err("something grows, see above".to_owned()),
    }
}

/// Draws the figure beside a record.
fn draw(record: &Path) -> Result<(), String> {
    let figure = record.with_extension("svg");
    std::fs::write(&figure, soak_figure::render(&read(record)?))
        .map_err(|e| format!("{}: {e}", figure.display()))?;
    println!("record: {}\nfigure: {}", record.display(), figure.display());
    Ok(())
}

fn read(path: &Path) -> Result<Soak, String> {
    let text = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_soak_is_flat_and_its_figure_is_of_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runs");
        let soak = read(&folder.join("soak.json")).expect("a record");
        assert!(soak.runs >= 200 && soak.runs * soak.steps_per_run >= 20_000);
        let (growth, most) = (
            &soak.growth_per_1000_steps,
            &soak.most_growth_per_1000_steps,
        );
        assert!(growth.mib < most.mib && growth.open_files < most.open_files);
        assert!(growth.threads < most.threads);
        let figure = std::fs::read_to_string(folder.join("soak.svg")).expect("a figure");
        assert!(
            figure == soak_figure::render(&soak),
            "cargo xtask soak --draw crates/xtask/runs/soak.json"
        );
    }
}
