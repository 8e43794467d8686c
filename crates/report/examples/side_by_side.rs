//! Puts recorded studies of one model on several tasks of GLUE side by side, which need not have the same options:
//! `cargo run --example side_by_side -- OUT FOLDER...` writes `benchmark.json` and the report of them into OUT.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use report::BenchmarkMaterial;
use study::{BenchmarkSummary, RecordedStudy, StudySummary};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", harmless::shown(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or("expected OUT FOLDER...")?;
    let mut summaries: Vec<StudySummary> = Vec::new();
    let mut models: Vec<(String, String)> = Vec::new();
    for folder in arguments {
        let RecordedStudy {
            records, summary, ..
        } = RecordedStudy::read(&folder)?;
        let first = records.first();
        let first = first.ok_or_else(|| format!("{}: no run is recorded", folder.display()))?;
        let model = &first.settings.model;
        if summaries.iter().any(|other| other.task == summary.task) {
            return Err(format!("{}: a second study of {}", folder.display(), summary.task).into());
        }
        summaries.push(summary);
        models.push((model.name.clone(), model.sha256.clone()));
    }
    models.sort();
    models.dedup();
    let [(model, _)] = models.as_slice() else {
        let found: Vec<String> = models
            .iter()
            .map(|(name, sha256)| format!("{name} ({sha256})"))
            .collect();
        return Err(match found.is_empty() {
            true => "expected OUT FOLDER...".into(),
            false => format!("studies of {}, accepted is one model", found.join(" and ")).into(),
        });
    };
    let summary = BenchmarkSummary::of(&summaries)?;
    std::fs::create_dir_all(&out)?;
    summary.save(&out.join("benchmark.json"))?;
    let material = BenchmarkMaterial {
        summary: &summary,
        model,
        absent: &[],
        command: "",
    };
    let written = report::write_benchmark(&out, &material)?;
    println!("{}", written.html.display());
    Ok(())
}
