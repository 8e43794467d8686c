//! A task: what to train on, what to evaluate on, and how it is scored.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::error::{TaskError, excerpt};
use crate::metrics::Metric;
use crate::outputs::Outputs;
use crate::source::{Format, Source};
use crate::split::Split;

/// Longest name of a class, in bytes.
const LONGEST_CLASS: usize = 1000;

/// A set of examples to evaluate a model on.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationSet {
    /// Its name, unique within the task: `dev`, `dev_matched`, `test`.
    pub name: String,
    /// Its file. A set without labels can be predicted but not scored.
    pub source: Source,
}

/// Describes a task: a file to train on, any number of evaluation sets, the outputs of a model's
/// head, and the metrics that score its predictions.
///
/// MNLI is one task with the evaluation sets `dev_matched` and `dev_mismatched`, and unlabelled ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    name: String,
    outputs: Outputs,
    metrics: Vec<Metric>,
    train: Source,
    evaluation_sets: Vec<EvaluationSet>,
}

impl Task {
    /// Describes a task. The first metric is the headline, the one to report when only one is wanted.
    ///
    /// No file is read.
    ///
    /// # Errors
    ///
    /// [`TaskError::Description`] unless
    ///
    /// - there are at least two classes, all different, or the score's range is finite and not empty;
    /// - there is a metric, and every metric takes what the head outputs;
    /// - the training file is labelled, and at least one evaluation set is;
    /// - evaluation sets have different names;
    /// - all files hold single sentences, or all hold pairs;
    /// - every column that is used is one that the file has.
    pub fn new(
        name: impl Into<String>,
        outputs: Outputs,
        metrics: Vec<Metric>,
        train: Source,
        evaluation_sets: Vec<EvaluationSet>,
    ) -> Result<Self, TaskError> {
        let task = Self {
            name: name.into(),
            outputs,
            metrics,
            train,
            evaluation_sets,
        };
        match task.fault() {
            None => Ok(task),
            Some((found, expected)) => Err(TaskError::Description {
                task: task.name,
                found,
                expected,
            }),
        }
    }

    /// Returns the name; for GLUE's tasks, that of `run_glue.py --task_name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the outputs of a model's head.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Returns the metrics, the headline first.
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// Returns the metric to report when only one is wanted.
    pub fn headline(&self) -> Metric {
        self.metrics[0]
    }

    /// Returns the file to train on.
    pub fn train(&self) -> &Source {
        &self.train
    }

    /// Returns the evaluation sets, unlabelled ones included.
    pub fn evaluation_sets(&self) -> &[EvaluationSet] {
        &self.evaluation_sets
    }

    /// Returns the evaluation sets that can be scored; the headline score is that of the first.
    pub fn labelled_sets(&self) -> impl Iterator<Item = &EvaluationSet> {
        let sets = self.evaluation_sets.iter();
        sets.filter(|set| set.source.is_labelled())
    }

    /// Reads the file to train on.
    ///
    /// Sentences are trimmed as Python's `str.strip` does; nothing else about them changes.
    ///
    /// # Errors
    ///
    /// - [`TaskError::Folder`] or [`TaskError::Read`] if the folder or the file cannot be read;
    /// - any other error except [`TaskError::NoEvaluationSet`] if the file does not fit the task's
    ///   description.
    pub fn read_train(&self) -> Result<Split, TaskError> {
        self.read(&self.train)
    }

    /// Reads an evaluation set.
    ///
    /// # Errors
    ///
    /// [`TaskError::NoEvaluationSet`] if the task has none of this name; otherwise the errors of
    /// [`read_train`](Self::read_train).
    pub fn read_evaluation_set(&self, name: &str) -> Result<Split, TaskError> {
        let set = self.evaluation_sets.iter().find(|set| set.name == name);
        let set = set.ok_or_else(|| TaskError::NoEvaluationSet {
            task: self.name.clone(),
            name: name.to_owned(),
            known: listed(self.evaluation_sets.iter().map(|set| set.name.as_str())),
        })?;
        self.read(&set.source)
    }

    fn read(&self, source: &Source) -> Result<Split, TaskError> {
        if let Format::Table(columns) = &source.format {
            return columns.read(&source.path, &self.outputs);
        }
        let unreadable = |error| self.unreadable(&source.path, error);
        let kind = fs::metadata(&source.path).map_err(unreadable)?.file_type();
        if !kind.is_file() && !kind.is_dir() {
            // Reading a pipe would wait for ever.
            return Err(unreadable(io::Error::other(
                "a pipe or a device, not a file",
            )));
        }
        let bytes = fs::read(&source.path).map_err(unreadable)?;
        source.parse(&bytes, &self.outputs)
    }

    fn sources(&self) -> impl Iterator<Item = &Source> {
        let sets = self.evaluation_sets.iter().map(|set| &set.source);
        std::iter::once(&self.train).chain(sets)
    }

    fn unreadable(&self, path: &Path, source: io::Error) -> TaskError {
        let folder = path.parent().unwrap_or(path);
        let names = self.sources().filter_map(|source| source.path.file_name());
        let files = listed(names.map(|name| name.to_string_lossy()));
        let task = self.name.clone();
        match fs::read_dir(folder) {
            Err(source) => TaskError::Folder {
                folder: folder.to_owned(),
                task,
                files,
                source,
            },
            Ok(_) => TaskError::Read {
                path: path.to_owned(),
                task,
                files,
                source,
            },
        }
    }

    /// Returns what is wrong with the description, and what would be right, if anything is.
    fn fault(&self) -> Option<(String, String)> {
        self.outputs_fault()
            .or_else(|| self.metrics_fault())
            .or_else(|| self.sets_fault())
            .or_else(|| self.sources().find_map(Source::fault))
    }

    fn outputs_fault(&self) -> Option<(String, String)> {
        let (found, expected) = match &self.outputs {
            Outputs::Classes(names) => {
                let mut names_with_faults = names
                    .iter()
                    .filter_map(|name| Some((name, class_fault(name)?)));
                if let Some((name, expected)) = names_with_faults.next() {
                    let length = match name.len() > LONGEST_CLASS {
                        true => format!(", of {} bytes", name.len()),
                        false => String::new(),
                    };
                    return Some((
                        format!("a class named {:?}{length}", excerpt(name)),
                        expected,
                    ));
                }
                let different = names.iter().collect::<BTreeSet<_>>().len();
                if different >= 2 && different == names.len() {
                    return None;
                }
                (
                    format!("classes {names:?}"),
                    "at least two, all different".to_owned(),
                )
            }
            Outputs::Score { min, max } => {
                if min.is_finite() && max.is_finite() && min < max {
                    return None;
                }
                (
                    format!("scores from {min} to {max}"),
                    "two finite numbers, the lower one first".to_owned(),
                )
            }
        };
        Some((found, expected))
    }

    fn metrics_fault(&self) -> Option<(String, String)> {
        let kind = self.outputs.kind();
        if self.metrics.is_empty() {
            return Some(("no metric".to_owned(), "at least one".to_owned()));
        }
        if let Some(other) = self.metrics.iter().find(|metric| metric.takes() != kind) {
            return Some((
                format!("{other} takes {}", other.takes()),
                format!("metrics of {kind}, which the head outputs"),
            ));
        }
        let count = self.outputs.count();
        let binary = self.metrics.iter().find(|metric| metric.is_binary());
        let binary = binary.filter(|_| count != 2)?;
        Some((
            format!("{binary} of {count} classes"),
            format!("2 classes for {binary}"),
        ))
    }

    fn sets_fault(&self) -> Option<(String, String)> {
        if !self.train.is_labelled() {
            return Some((
                "a training file without labels".to_owned(),
                "a column of labels".to_owned(),
            ));
        }
        if self.labelled_sets().next().is_none() {
            return Some((
                "no evaluation set with labels".to_owned(),
                "at least one".to_owned(),
            ));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if let Some(set) = (self.evaluation_sets.iter())
            .find(|set| set.name.is_empty() || !set.name.chars().all(is_plain))
        {
            // The name becomes part of a file name.
            return Some((
                format!("an evaluation set named {:?}", set.name),
                "letters, digits, _ and -".to_owned(),
            ));
        }
        let mut names = BTreeSet::new();
        if let Some(set) = self
            .evaluation_sets
            .iter()
            .find(|set| !names.insert(&set.name))
        {
            return Some((
                format!("two evaluation sets {}", set.name),
                "different names".to_owned(),
            ));
        }
        let pairs = self.sources().filter(|source| source.has_pairs()).count();
        match pairs == 0 || pairs == self.sources().count() {
            true => None,
            false => Some((
                format!(
                    "pairs of sentences in {pairs} of {} files",
                    self.sources().count()
                ),
                "pairs in all of them or in none".to_owned(),
            )),
        }
    }
}

/// What a class would have to be named instead, if it cannot be named so: its name is written into a column of a file of
/// predictions, once for each example.
pub(crate) fn class_fault(name: &str) -> Option<String> {
    if name.contains(char::is_control) {
        let expected = "names without tabs, line ends and other control characters";
        return Some(expected.to_owned());
    }
    (name.len() > LONGEST_CLASS).then(|| format!("names of at most {LONGEST_CLASS} bytes"))
}

/// Each name once, in the order of their first places.
fn listed(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut once: Vec<String> = Vec::new();
    for name in names {
        if !once.iter().any(|known| known == name.as_ref()) {
            once.push(name.as_ref().to_owned());
        }
    }
    once.join(", ")
}
