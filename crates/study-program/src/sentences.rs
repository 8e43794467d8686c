//! What a program trains on.

use std::path::{Path, PathBuf};

use program::source::Source;
use program::{Failure, Program};
use tasks::glue::GlueTask;
use tasks::{OwnFiles, Task, TaskError};

use crate::wanted;

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
        quiet: bool,
    ) -> Result<Subject, Failure> {
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
                let found = source.find(&wanted::data(task), program, quiet)?;
                let within =
                    folder_of(task, &found.folder).filter(|folder| *folder != found.folder);
                let name = match &within {
                    Some(_) => format!("{}/{}", found.name, task.folder),
                    None => found.name,
                };
                let folder = within.unwrap_or(found.folder);
                Ok(Subject {
                    task: task.in_folder(&folder).map_err(Failure::world)?,
                    name,
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

/// Where the task's files are in a folder of several tasks: in the folder that GLUE's archive has for the task, or where
/// the hub's repository has them.
pub(crate) fn folder_within(task: &GlueTask, folder: &Path) -> Option<PathBuf> {
    let inner = folder.join(task.folder);
    if holds_train(task, &inner) {
        return Some(inner);
    }
    (folder.join(task.train.hub).is_file()).then(|| folder.to_owned())
}

fn holds_train(task: &GlueTask, folder: &Path) -> bool {
    let hub = Path::new(task.train.hub).file_name().unwrap_or_default();
    [Path::new(task.train.tsv), Path::new(hub)]
        .iter()
        .any(|name| folder.join(name).exists())
}
