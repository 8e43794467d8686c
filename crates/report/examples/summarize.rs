//! Makes the summaries of recorded studies again, and those figures of their reports that are kept beside them:
//! `cargo run --example summarize -- FOLDER...`.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use report::Material;
use study::RecordedStudy;

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
    if std::env::args_os().len() < 2 {
        return Err("expected FOLDER...".into());
    }
    for folder in std::env::args_os().skip(1) {
        summarize(Path::new(&folder))?;
    }
    Ok(())
}

fn summarize(folder: &Path) -> Result<(), Box<dyn Error>> {
    let study = RecordedStudy::read(folder)?;
    study.summary.save(&folder.join("summary.json"))?;
    let report = tempfile::tempdir()?;
    for figure in report::write(report.path(), &Material::of(&study))?.figures {
        let kept = folder.join(figure.file_name().unwrap_or_default());
        if kept.exists() {
            std::fs::copy(figure, kept)?;
        }
    }
    Ok(())
}
