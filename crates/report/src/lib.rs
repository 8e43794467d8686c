//! The report of a finished study: one self-contained HTML page, the same as Markdown, and its figures
//! as SVG files.
//!
//! [`write()`] makes them from a study's configuration, records and summary and nothing else: it
//! computes no score, so a report can be made again from a folder of recorded runs.
//!
//! | module | what it is |
//! |---|---|
//! | `sections` | what the report says, one file per question |
//! | `document` | the same as headings, paragraphs, tables and figures |
//! | `figures` | drawings of numbers, wide and narrow |
//! | `table_1` | the paper's numbers |
//! | `zero_shot` | published scores by language |
//! | `layout` | HTML and Markdown, from the templates |

mod benchmark;
mod document;
mod figures;
mod layout;
mod material;
mod number;
mod sections;
mod table_1;
mod zero_shot;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use files::FileError;
use thiserror::Error;

pub use benchmark::{BenchmarkMaterial, write_benchmark};
pub use material::Material;

/// Why a report could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A template cannot be filled.
    #[error("report template: {0}")]
    Template(#[from] askama::Error),
}

/// What [`write()`] has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub html: PathBuf,
    /// The same as Markdown.
    pub markdown: PathBuf,
    /// The figures, in the order of the page.
    pub figures: Vec<PathBuf>,
}

/// Writes `report.html`, `report.md` and `figures/*.svg` into a study's folder.
///
/// Each file is replaced as a whole. Figures of an earlier report that this one does not have are
/// removed; other files stay.
///
/// # Errors
/// [`ReportError::File`] with the path, [`ReportError::Template`].
pub fn write(folder: &Path, material: &Material<'_>) -> Result<Written, ReportError> {
    let document = sections::document(material).harmless();
    let html = layout::html(&document)?;
    let markdown = layout::markdown(&document)?;

    let figures = folder.join("figures");
    std::fs::create_dir_all(&figures).map_err(|e| FileError::io(&figures, e))?;
    for folder in [folder, &figures] {
        files::remove_abandoned(folder)?;
    }
    let mut written = Vec::new();
    for figure in document.figures() {
        let path = figures.join(format!("{}.svg", figure.name));
        files::replace(&path, figure.standalone().as_bytes())?;
        written.push(path);
    }
    remove_earlier(&figures, &written)?;
    let paths = Written {
        html: folder.join("report.html"),
        markdown: folder.join("report.md"),
        figures: written,
    };
    files::replace(&paths.markdown, markdown.as_bytes())?;
    files::replace(&paths.html, html.as_bytes())?;
    Ok(paths)
}

/// Removes the figures that this report does not have.
fn remove_earlier(folder: &Path, kept: &[PathBuf]) -> Result<(), FileError> {
    for name in figures::NAMES {
        let path = folder.join(format!("{name}.svg"));
        if kept.contains(&path) {
            continue;
        }
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(FileError::io(&path, e)),
            _ => {}
        }
    }
    Ok(())
}
