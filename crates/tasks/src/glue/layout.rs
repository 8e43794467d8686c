//! How GLUE lays out a task's files.

use std::path::Path;

use crate::error::TaskError;
use crate::metrics::Metric;
use crate::outputs::Outputs;
use crate::source::{Format, ParquetColumns, Source, TsvColumns};
use crate::task::{EvaluationSet, Task};

/// Describes a GLUE task, wherever its files are.
#[derive(Clone, Debug, PartialEq)]
pub struct GlueTask {
    /// Name that `run_glue.py --task_name` takes.
    pub name: &'static str,
    /// Name of the task's folder in the official archive.
    pub folder: &'static str,
    /// The outputs of a model's head. Classes are named as in the TSV files, in the hub's order.
    pub outputs: Outputs,
    /// The hub's names of the classes, in the same order; empty for scores.
    pub hub_classes: &'static [&'static str],
    /// The metrics, the headline first.
    pub metrics: Vec<Metric>,
    /// Columns of the hub's files, which are the same in every split; labels of a test split are
    /// placeholders.
    pub hub_columns: ParquetColumns,
    /// The file to train on.
    pub train: GlueFile,
    /// The names of the evaluation sets and their files.
    pub evaluation_sets: Vec<(&'static str, GlueFile)>,
}

/// One file of a task ("split" in GLUE) in both layouts.
#[derive(Clone, Debug, PartialEq)]
pub struct GlueFile {
    /// Name of the official file in the task's folder.
    pub tsv: &'static str,
    /// Other paths, seen from the task's folder, at which downloaders leave the same file.
    pub elsewhere: &'static [&'static str],
    /// Its columns.
    pub columns: TsvColumns,
    /// Path of the Parquet file in the hub's repository.
    pub hub: &'static str,
    /// Number of examples of the official file.
    pub rows: usize,
    /// Name of the file of predictions that GLUE's server takes; `None` unless it scores this file.
    pub submission: Option<&'static str>,
}

impl GlueFile {
    /// Describes a file that has labels.
    pub(super) fn labelled(
        tsv: &'static str,
        columns: &TsvColumns,
        hub: &'static str,
        rows: usize,
    ) -> Self {
        Self {
            tsv,
            elsewhere: &[],
            columns: columns.clone(),
            hub,
            rows,
            submission: None,
        }
    }

    /// Describes a file whose labels only GLUE's server has; `submission` names the file of
    /// predictions.
    pub(super) fn hidden(
        tsv: &'static str,
        columns: &TsvColumns,
        hub: &'static str,
        rows: usize,
        submission: &'static str,
    ) -> Self {
        Self {
            submission: Some(submission),
            ..Self::labelled(tsv, columns, hub, rows)
        }
    }
}

/// Describes the files of a task that has one of each kind: the one to train on, and the evaluation
/// sets `dev` and `test`. The labels of the last are hidden.
pub(super) fn train_dev_test(
    [train, dev, test]: [&TsvColumns; 3],
    hub: [&'static str; 3],
    rows: [usize; 3],
    submission: &'static str,
) -> (GlueFile, Vec<(&'static str, GlueFile)>) {
    let train = GlueFile::labelled("train.tsv", train, hub[0], rows[0]);
    let dev = GlueFile::labelled("dev.tsv", dev, hub[1], rows[1]);
    let test = GlueFile::hidden("test.tsv", test, hub[2], rows[2], submission);
    (train, vec![("dev", dev), ("test", test)])
}

/// Describes a TSV file by its header and the names of the columns that are used.
pub(crate) fn tsv_columns(header: &str, sentences: &[&str], label: Option<&str>) -> TsvColumns {
    let names: Vec<&str> = header.split('\t').collect();
    // A name that is not there becomes a column that is not there, which `Task::new` refuses.
    let at = |name: &str| {
        let found = names.iter().position(|column| *column == name);
        found.unwrap_or(names.len())
    };
    TsvColumns {
        header: Some(header.to_owned()),
        count: names.len(),
        sentence: sentences.first().map_or(names.len(), |name| at(name)),
        sentence2: sentences.get(1).map(|name| at(name)),
        label: label.map(at),
        ..TsvColumns::default()
    }
}

/// Describes the hub's files of a task by the names of their columns.
pub(crate) fn hub_columns(sentence: &str, sentence2: Option<&str>) -> ParquetColumns {
    ParquetColumns {
        sentence: sentence.to_owned(),
        sentence2: sentence2.map(str::to_owned),
        label: Some("label".to_owned()),
        ..ParquetColumns::default()
    }
}

impl GlueTask {
    /// Describes the task for files in `folder`.
    ///
    /// The folder holds the official TSV files or the hub's Parquet files, the latter also in a folder named as in the
    /// hub's repository. If it has both for a
    /// split, the TSV file is read; they have the same examples.
    ///
    /// # Errors
    ///
    /// [`TaskError::Description`] if the description contradicts itself, which none in
    /// [`all`](super::all) does.
    pub fn in_folder(&self, folder: &Path) -> Result<Task, TaskError> {
        let sets = self.evaluation_sets.iter();
        Task::new(
            self.name,
            self.outputs.clone(),
            self.metrics.clone(),
            self.source(&self.train, folder),
            sets.map(|(name, file)| EvaluationSet {
                name: (*name).to_owned(),
                source: self.source(file, folder),
            })
            .collect(),
        )
    }

    /// Returns all files, the one to train on first.
    pub fn files(&self) -> impl Iterator<Item = &GlueFile> {
        let sets = self.evaluation_sets.iter().map(|(_, file)| file);
        std::iter::once(&self.train).chain(sets)
    }

    fn source(&self, file: &GlueFile, folder: &Path) -> Source {
        // As in the repository, or in a folder that holds one task's files alone.
        let name = Path::new(file.hub).file_name().unwrap_or_default();
        let hubs = [folder.join(file.hub), folder.join(name)];
        let hub = hubs.into_iter().find(|path| path.is_file());
        let mut tsv = std::iter::once(&file.tsv)
            .chain(file.elsewhere)
            .map(|path| folder.join(path));
        let found = tsv.find(|path| path.exists());
        match (found, hub) {
            (None, Some(path)) => {
                let mut columns = self.hub_columns.clone();
                columns.classes = self
                    .hub_classes
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect();
                if file.columns.label.is_none() {
                    columns.label = None;
                }
                Source {
                    path,
                    format: Format::Parquet(columns),
                }
            }
            (found, _) => {
                let mut columns = file.columns.clone();
                columns.other_headers = self.other_headers();
                Source {
                    path: found.unwrap_or_else(|| folder.join(file.tsv)),
                    format: Format::Tsv(columns),
                }
            }
        }
    }

    /// The headers that files of other tasks have and this task's have not, each with the names of
    /// these files.
    fn other_headers(&self) -> Vec<(String, String)> {
        let own: Vec<_> = self.files().map(|file| &file.columns.header).collect();
        let mut others: Vec<(String, String)> = Vec::new();
        for task in super::all() {
            for file in task.files() {
                let Some(header) = &file.columns.header else {
                    continue;
                };
                if own.contains(&&file.columns.header) {
                    continue;
                }
                let name = format!("{}/{}", task.folder, file.tsv);
                match others.iter_mut().find(|(known, _)| known == header) {
                    Some((_, names)) => {
                        names.push_str(", ");
                        names.push_str(&name);
                    }
                    None => others.push((header.clone(), name)),
                }
            }
        }
        others
    }
}
