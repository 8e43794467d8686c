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
    /// Its columns.
    pub columns: TsvColumns,
    /// Path of the Parquet file in the hub's repository.
    pub hub: &'static str,
}

impl GlueTask {
    /// Describes the task for files in `folder`.
    ///
    /// The folder holds the official TSV files or the hub's Parquet files. If it has both for a
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

    /// Returns the hub's files that have labels: those for training and evaluation.
    pub fn hub_files(&self) -> Vec<&'static str> {
        std::iter::once(&self.train)
            .chain(self.evaluation_sets.iter().map(|(_, file)| file))
            .filter(|file| file.columns.label.is_some())
            .map(|file| file.hub)
            .collect()
    }

    fn source(&self, file: &GlueFile, folder: &Path) -> Source {
        let (tsv, hub) = (folder.join(file.tsv), folder.join(file.hub));
        if tsv.exists() || !hub.is_file() {
            return Source {
                path: tsv,
                format: Format::Tsv(file.columns.clone()),
            };
        }
        let mut columns = self.hub_columns.clone();
        if file.columns.label.is_none() {
            columns.label = None;
        }
        Source {
            path: hub,
            format: Format::Parquet(columns),
        }
    }
}
