//! `gpu/bench.sh` on flex: what a machine with a GPU will be asked for.

use std::path::Path;
use std::process::{Command, Output};

use crate::program::program;

fn bench(part: &str, out: &Path, budget: &str) -> Output {
    Command::new("bash")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/gpu/bench.sh"))
        .arg(part)
        .arg(out)
        .arg("flex")
        .env("PROGRAM", program().get_program())
        .env("SMALL", "1")
        .env("PATIENCE", "5")
        .env("BUDGET", budget)
        .output()
        .expect("bash")
}

fn read(out: &Path, name: &str) -> String {
    std::fs::read_to_string(out.join(name)).unwrap_or_default()
}

#[test]
fn the_check_compares_results_and_times_steps() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path();
    bench("check", out, "600");
    // Without torch, PyTorch's rows are left out, and said to be.
    let failed = read(out, "check.failed.txt");
    assert!(
        failed
            .lines()
            .all(|line| line.starts_with("PyTorch's rows: left out")),
        "{failed}"
    );
    let compared = read(out, "compared.flex.txt");
    assert!(compared.contains("8 of 8 predictions agree"), "{compared}");
    let steps = read(out, "steps.jsonl");
    let ours = steps.lines().filter(|line| line.contains("glue_sst2 flex"));
    assert_eq!(ours.count(), 2, "{steps}");
    let table = read(out, "table.md");
    assert!(
        table.contains("| mini | 2 | 8 | bf16 | glue_sst2 flex |"),
        "{table}"
    );
}

#[test]
fn what_has_no_time_left_is_listed_and_not_begun() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = bench("measure", folder.path(), "0");
    assert_eq!(output.status.code(), Some(1));
    let failed = read(folder.path(), "measure.failed.txt");
    for name in [
        "snapshots",
        "steps.flex.base.2x16.f32",
        "kernels.mini",
        "noise.flex",
        "study",
    ] {
        let line = format!("{name}: left out, the 0 s of measure are used up");
        assert!(
            failed.lines().any(|found| found == line),
            "{name}: {failed}"
        );
    }
    assert!(!folder.path().join("steps.jsonl").exists());
}
