//! Where the model and the data come from.

use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::bundled;
use crate::command::Program;
#[cfg(feature = "hub")]
use crate::download;
use crate::failure::Failure;
use crate::hub_name;

/// What a program needs, and where to find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The option that names its source, such as `--model`.
    pub option: &'static str,
    /// The kind of its repositories on the Hugging Face hub.
    pub kind: Kind,
    /// The folder for `bundled`, relative to the repository's root; `None` if nothing bundled will do.
    pub bundled: Option<&'static str>,
    /// What a folder must hold, in words, for messages.
    pub holds: &'static str,
    /// The files of a data set to download; those of a model depend on what its repository holds.
    pub downloads: Vec<String>,
    /// Short names of repositories: `("sst2", "nyu-mll/glue")`.
    pub short_names: &'static [(&'static str, &'static str)],
}

/// A kind of repository on the Hugging Face hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A pretrained model.
    Model,
    /// A data set.
    Dataset,
}

/// The value of `--model` or `--data`: `bundled`, `hf:OWNER/NAME[@REVISION]`, or a folder. For a folder named
/// `bundled`, write `./bundled`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The files bundled with this repository.
    Bundled,
    /// A repository of the Hugging Face hub, without the `hf:`.
    Hub(String),
    /// A folder on this machine.
    Folder(PathBuf),
}

/// A folder that holds what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The folder.
    pub folder: PathBuf,
    /// Its name for people. The name of a download includes its commit.
    pub name: String,
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
    /// A pretrained encoder, or a model finetuned from one.
    pub fn model() -> Self {
        Self {
            option: "--model",
            kind: Kind::Model,
            bundled: Some("examples/glue_sst2/assets/film-bert-3x192"),
            holds: "config.json, model.safetensors and tokenizer.json",
            downloads: Vec::new(),
            short_names: &[],
        }
    }

    /// The sources that need no network, in words.
    pub(crate) fn offline(&self) -> String {
        match self.bundled {
            Some(_) => format!("{} bundled and folders", self.option),
            None => "folders".to_owned(),
        }
    }

    /// Expands a short name of a repository, keeping the revision if there is one.
    pub(crate) fn full_name(&self, name: &str) -> String {
        let (short, revision) = name.split_at(name.find('@').unwrap_or(name.len()));
        let mut known = self.short_names.iter();
        match known.find(|(known, _)| *known == short) {
            Some((_, full)) => format!("{full}{revision}"),
            None => name.to_owned(),
        }
    }
}

/// The folder of this repository, whatever the current directory is.
pub(crate) fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

impl Source {
    /// Finds the folder, downloading and checking its files if need be; `quiet` hides the progress of downloads.
    ///
    /// # Errors
    /// [`Failure::Usage`] for an invalid name of a repository, and for a download in a build without downloads;
    /// [`Failure::World`] for a folder that does not exist, for bundled files that have changed, and for a failed
    /// download.
    pub fn find(&self, wanted: &Wanted, program: &Program, quiet: bool) -> Result<Found, Failure> {
        match self {
            Self::Bundled => {
                let Some(bundled) = wanted.bundled else {
                    return Err(Failure::usage(format!(
                        "{} bundled is not what is wanted here; accepted is a folder with {}, or hf:OWNER/NAME",
                        wanted.option, wanted.holds
                    )));
                };
                let folder = repository().join(bundled);
                bundled::verify(&folder, wanted.option).map_err(Failure::World)?;
                let name = folder.file_name().unwrap_or_default().to_string_lossy();
                Ok(Found {
                    name: name.into_owned(),
                    folder,
                })
            }
            Self::Hub(repository) => from_hub(wanted, repository, program, quiet),
            Self::Folder(folder) => {
                let absolute = folder.canonicalize().map_err(|error| match error.kind() {
                    ErrorKind::NotFound => Failure::World(hub_name::absent(wanted, folder)),
                    _ => Failure::World(format!("{}: {error}", folder.display())),
                })?;
                let name = absolute.file_name().unwrap_or_default();
                Ok(Found {
                    folder: folder.clone(),
                    name: name.to_string_lossy().into_owned(),
                })
            }
        }
    }
}

#[cfg(feature = "hub")]
fn from_hub(wanted: &Wanted, name: &str, _: &Program, quiet: bool) -> Result<Found, Failure> {
    download::find(wanted, name, quiet)
}

/// Says what to run instead. Builds leave downloads out by default: most runs need none, and TLS is slow to compile.
#[cfg(not(feature = "hub"))]
fn from_hub(wanted: &Wanted, name: &str, program: &Program, _: bool) -> Result<Found, Failure> {
    let option = wanted.option;
    Err(Failure::Usage(format!(
        "{option} hf:{name} needs a download, which this build cannot do; {} need none; to download, run: {}",
        wanted.offline(),
        program.command_with(&["hub"]),
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
    fn a_short_name_keeps_its_revision() {
        let wanted = Wanted {
            option: "--data",
            kind: Kind::Dataset,
            bundled: Some("datasets/film-notes"),
            holds: "train.tsv and dev.tsv",
            downloads: Vec::new(),
            short_names: &[("sst2", "nyu-mll/glue")],
        };
        for (name, full) in [
            ("sst2", "nyu-mll/glue"),
            ("sst2@v2", "nyu-mll/glue@v2"),
            ("sst2/x", "sst2/x"),
            ("a/sst2@v2", "a/sst2@v2"),
        ] {
            assert_eq!(wanted.full_name(name), full);
        }
    }

    #[test]
    fn the_repository_is_found_from_any_directory() {
        assert!(repository().is_absolute());
        assert!(repository().join("datasets/film-notes/dev.tsv").is_file());
    }
}
