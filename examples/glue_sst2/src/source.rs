//! Where the model and the data come from.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::bundled;
#[cfg(feature = "hub")]
use crate::download;

/// The checkpoint of the repository, below this package.
const MODEL: &str = "assets/film-bert-3x192";
/// The sentences of the repository, below its root.
const DATA: &str = "datasets/film-notes";

/// The value of `--model` or `--data`: `bundled`, `hf:OWNER/NAME[@REVISION]`, or a folder. A folder of
/// one of these names is `./bundled`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// What lies in the repository.
    Bundled,
    /// A repository of the Hugging Face hub, without the `hf:`.
    Hub(String),
    /// A folder of this machine.
    Folder(PathBuf),
}

/// A folder with what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where the files are.
    pub(crate) folder: PathBuf,
    /// What to call it. A download is named with its commit.
    pub(crate) name: String,
}

impl From<OsString> for Source {
    fn from(value: OsString) -> Self {
        match value.to_str() {
            Some("bundled") => Self::Bundled,
            Some(text) => match text.strip_prefix("hf:") {
                Some(repository) => Self::Hub(repository.to_owned()),
                None => Self::Folder(value.into()),
            },
            None => Self::Folder(value.into()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled => f.write_str("bundled"),
            Self::Hub(repository) => write!(f, "hf:{repository}"),
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

/// Finds the folder of a pretrained model, downloading it if need be.
pub(crate) fn model(source: &Source) -> Result<Found, Failure> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    find(source, "model", &package.join(MODEL))
}

/// Finds the folder of SST-2 or of sentences like it, downloading it if need be.
pub(crate) fn data(source: &Source) -> Result<Found, Failure> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().nth(2).unwrap_or(package);
    find(source, "data", &root.join(DATA))
}

fn find(source: &Source, option: &'static str, bundled: &Path) -> Result<Found, Failure> {
    match source {
        Source::Bundled => {
            bundled::verify(bundled, option).map_err(Failure::Source)?;
            let name = bundled.file_name().unwrap_or_default().to_string_lossy();
            Ok(Found {
                folder: bundled.to_path_buf(),
                name: name.into_owned(),
            })
        }
        Source::Hub(repository) => download(option, repository),
        Source::Folder(folder) => {
            let absolute = folder.canonicalize().ok();
            let name = absolute.as_deref().and_then(Path::file_name);
            Ok(Found {
                folder: folder.clone(),
                name: name.unwrap_or_default().to_string_lossy().into_owned(),
            })
        }
    }
}

#[cfg(feature = "hub")]
fn download(option: &'static str, repository: &str) -> Result<Found, Failure> {
    match option {
        "model" => download::model(repository),
        _ => download::data(repository),
    }
}

/// What to run instead: most runs need no downloads, and TLS takes its time to compile.
#[cfg(not(feature = "hub"))]
fn download(option: &'static str, repository: &str) -> Result<Found, Failure> {
    let quoted = |argument: String| match argument.contains(|c: char| !c.is_ascii_graphic()) {
        true => format!("'{argument}'"),
        false => argument,
    };
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| quoted(argument.to_string_lossy().into_owned()))
        .collect();
    Err(Failure::Usage(format!(
        "--{option} hf:{repository} is a download, which this build leaves out; run: \
         cargo run --example glue_sst2 --features hub -- {}",
        arguments.join(" ")
    )))
}
