//! What a program trains on.

use std::path::{Path, PathBuf};

use program::source::Source;
use program::{Failure, Program};
use tasks::glue::GlueTask;
use tasks::xtreme::{LanguageSets, XtremeTask};
use tasks::{OwnFiles, Task, TaskError};

use crate::arguments::StudyArguments;
use crate::{submission, wanted};

/// Where a study's sentences come from.
#[derive(Clone, Debug)]
pub enum Sentences {
    /// A task of GLUE.
    Glue {
        /// The task.
        task: Box<GlueTask>,
        /// The value of `--data`; `None` for the preset's.
        data: Option<Source>,
    },
    /// A task of XTREME, trained on English and scored in several languages.
    Xtreme {
        /// The task.
        task: Box<XtremeTask>,
        /// The languages to score; at least one.
        languages: Vec<String>,
        /// On which sets.
        sets: LanguageSets,
        /// The value of `--data`; `None` for the task's repository on the hub.
        data: Option<Source>,
    },
    /// Files of one's own.
    Own(OwnFiles),
}

/// A task whose files have been found.
pub(crate) struct Subject {
    pub(crate) task: Task,
    /// The name of the data, for people.
    pub(crate) name: String,
    /// How the files were understood, if that was not clear beforehand.
    pub(crate) notes: Vec<String>,
}

impl Sentences {
    /// Finds the files, downloading them if need be; `preset` is the preset's value of `--data`.
    pub(crate) fn find(
        &self,
        preset: &Source,
        program: &Program,
        arguments: &StudyArguments,
    ) -> Result<Subject, Failure> {
        let quiet = arguments.quiet;
        match self {
            Self::Glue { task, data } => {
                let bundled = task.name == wanted::BUNDLED;
                let source = match (data, preset) {
                    (Some(data), _) => data.clone(),
                    (None, preset) if bundled => preset.clone(),
                    (None, _) => Source::Hub("glue".to_owned()),
                };
                if source == Source::Bundled && !bundled {
                    return Err(Failure::usage(format!(
                        "--data bundled has sentences for {} alone; for {}, use a folder or hf:glue",
                        wanted::BUNDLED,
                        task.name
                    )));
                }
                let found = source.find(
                    &wanted::data(task, submission::is_asked(arguments)),
                    program,
                    quiet,
                )?;
                let within =
                    folder_of(task, &found.folder).filter(|folder| *folder != found.folder);
                let inner = within.as_ref().and_then(|folder| folder.file_name());
                let name = match inner {
                    Some(inner) => format!("{}/{}", found.name, inner.display()),
                    None => found.name,
                };
                let folder = within.unwrap_or(found.folder);
                Ok(Subject {
                    task: task.in_folder(&folder).map_err(Failure::world)?,
                    name,
                    notes: Vec::new(),
                })
            }
            Self::Xtreme {
                task,
                languages,
                sets,
                data,
            } => {
                let hub = Source::Hub(task.repository.to_owned());
                let source = data.as_ref().unwrap_or(&hub);
                if *source == Source::Bundled {
                    return Err(Failure::usage(format!(
                        "--data bundled has sentences for {} alone; for {}, use a folder or {hub}",
                        wanted::BUNDLED,
                        task.name
                    )));
                }
                let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
                let wanted = wanted::languages(task, &languages, *sets);
                let found = source.find(&wanted, program, quiet)?;
                let described = task.in_folder(&found.folder, &languages, *sets);
                Ok(Subject {
                    task: described.map_err(Failure::world)?,
                    name: format!("{} in {}", task.title, found.name),
                    notes: Vec::new(),
                })
            }
            Self::Own(files) => {
                let own = files.task().map_err(|error| match error {
                    TaskError::Description { .. } => Failure::usage(error),
                    other => Failure::world(other),
                })?;
                let name = files.train.file_name().unwrap_or_default();
                Ok(Subject {
                    task: own.task,
                    name: name.to_string_lossy().into_owned(),
                    notes: vec![own.statement],
                })
            }
        }
    }
}

/// Where the task's files are: in the folder itself, or [within](folder_within) it; `None` if neither has its training
/// file.
fn folder_of(task: &GlueTask, folder: &Path) -> Option<PathBuf> {
    let itself = || holds_train(task, folder).then(|| folder.to_owned());
    folder_within(task, folder).or_else(itself)
}

/// Where the task's files are in a folder of several tasks: where the hub's repository has them, or in a folder with the
/// name that GLUE's archive or the hub has for the task, in capitals or not.
pub(crate) fn folder_within(task: &GlueTask, folder: &Path) -> Option<PathBuf> {
    let inner = folder.join(task.folder);
    if holds_train(task, &inner) {
        return Some(inner);
    }
    if folder.join(task.train.hub).is_file() {
        return Some(folder.to_owned());
    }
    let entries = folder.read_dir().ok()?.filter_map(Result::ok);
    let mut named: Vec<PathBuf> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            is(task.folder) || is(task.name)
        })
        .map(|entry| entry.path())
        .filter(|inner| holds_train(task, inner))
        .collect();
    // Where `RTE` and `rte` are two folders, the same one every time.
    named.sort();
    named.into_iter().next()
}

fn holds_train(task: &GlueTask, folder: &Path) -> bool {
    let hub = Path::new(task.train.hub).file_name().unwrap_or_default();
    [Path::new(task.train.tsv), Path::new(hub)]
        .iter()
        .any(|name| folder.join(name).exists())
}

#[cfg(test)]
mod tests {
    use tasks::glue;

    use super::*;

    #[test]
    fn a_tasks_folder_is_found_in_capitals_or_not_and_by_the_hubs_name() {
        for (task, name) in [
            (glue::rte(), "RTE"),
            (glue::rte(), "rte"),
            (glue::stsb(), "STS-B"),
            (glue::stsb(), "sts-b"),
            (glue::stsb(), "stsb"),
            (glue::sst2(), "SST2"),
            (glue::cola(), "cola"),
        ] {
            for file in ["train.tsv", "train-00000-of-00001.parquet"] {
                let root = tempfile::tempdir().expect("a folder");
                let inner = root.path().join(name);
                std::fs::create_dir(&inner).expect("a folder");
                assert_eq!(folder_within(&task, root.path()), None, "{name} is empty");
                std::fs::write(inner.join(file), "").expect("a file");
                let found = folder_within(&task, root.path());
                let found = found.unwrap_or_else(|| panic!("{name}/{file} is there"));
                // The hub's own layout is found as the folder around it.
                let is_in = |folder: &Path| folder.join(file).exists();
                assert!(is_in(&found) || is_in(&found.join(name)), "{name}");
                assert_eq!(folder_within(&glue::mnli(), root.path()), None);
            }
        }
    }
}
