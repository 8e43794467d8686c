//! Makes the summaries of recorded studies again, and those figures of their reports that are kept beside them:
//! `cargo run --example summarize -- FOLDER...`.

use std::error::Error;
use std::path::Path;

use report::Material;
use study::RecordedStudy;

fn main() -> Result<(), Box<dyn Error>> {
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
