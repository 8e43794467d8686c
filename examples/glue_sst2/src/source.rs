//! Where the model and the data come from.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::bundled;
#[cfg(not(feature = "hub"))]
use crate::command;
#[cfg(feature = "hub")]
use crate::download;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A pretrained BERT.
    Model,
    /// SST-2, or sentences like it.
    Data,
}

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

impl Wanted {
    /// The option that says where it is.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::Model => "--model",
            Self::Data => "--data",
        }
    }

    /// Where it lies in the repository, whatever the current directory is.
    fn bundled(self) -> PathBuf {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        match self {
            Self::Model => package.join("assets/film-bert-3x192"),
            Self::Data => {
                let root = package.ancestors().nth(2).unwrap_or(package);
                root.join("datasets/film-notes")
            }
        }
    }
}

/// Finds the folder of a source, downloading and checking its files as need be; `quiet` shows no
/// progress of that.
pub(crate) fn find(wanted: Wanted, source: &Source, quiet: bool) -> Result<Found, Failure> {
    match source {
        Source::Bundled => {
            let folder = wanted.bundled();
            bundled::verify(&folder, wanted.option()).map_err(Failure::Source)?;
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            Ok(Found {
                name: name.into_owned(),
                folder,
            })
        }
        Source::Hub(repository) => from_hub(wanted, repository, quiet),
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
fn from_hub(wanted: Wanted, repository: &str, quiet: bool) -> Result<Found, Failure> {
    download::find(wanted, repository, quiet)
}

/// What to run instead: most runs need no downloads, and TLS takes its time to compile.
#[cfg(not(feature = "hub"))]
fn from_hub(wanted: Wanted, repository: &str, _: bool) -> Result<Found, Failure> {
    let option = wanted.option();
    Err(Failure::Usage(format!(
        "{option} hf:{repository} is a download, which this build leaves out; {option} bundled needs none, a folder \
         neither; to download, run: {}",
        command::with_features(&["hub"]),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_name_a_repository_or_a_folder() {
        for (text, expected) in [
            ("bundled", Source::Bundled),
            ("hf:a/b@c", Source::Hub("a/b@c".to_owned())),
            ("./bundled", Source::Folder("./bundled".into())),
            ("./hf:a", Source::Folder("./hf:a".into())),
            ("Bundled", Source::Folder("Bundled".into())),
        ] {
            let source = Source::from(OsString::from(text));
            assert_eq!(source, expected);
            assert_eq!(source.to_string(), text);
        }
    }

    #[test]
    fn what_is_bundled_has_an_absolute_place() {
        for wanted in [Wanted::Model, Wanted::Data] {
            assert!(wanted.bundled().is_absolute(), "{wanted:?}");
        }
        assert!(Wanted::Data.bundled().join("dev.tsv").is_file());
    }
}
