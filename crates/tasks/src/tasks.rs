//! The table of tasks.

use std::fmt;

use crate::metrics::Metric;

/// Describes one GLUE task: where its sentences and labels stand, and how it is scored.
///
/// A new task is a new constant of this type in [`TASKS`]. MNLI, which has two dev sets, is two
/// constants (matched and mismatched) that share a folder and a train file.
///
/// Source: Wang et al., "GLUE: A Multi-Task Benchmark and Analysis Platform for Natural Language
/// Understanding", ICLR 2019, arXiv:1804.07461, table 1; the layout is that of the official
/// archives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskSpec {
    /// Short name, as `run_glue.py --task_name` takes it.
    pub name: &'static str,
    /// Name of the task's folder in the official archive.
    pub folder: &'static str,
    /// The task's metrics; the first is the one to report when only one is wanted.
    pub metrics: &'static [Metric],
    /// What a label may be.
    pub labels: Labels,
    /// The files, at most one for each [`SplitName`].
    pub splits: &'static [SplitSpec],
    /// What the columns of the hub's Parquet files are called.
    pub parquet: ParquetColumns,
}

/// Describes one file of a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitSpec {
    /// Which split the file holds.
    pub name: SplitName,
    /// File name inside the task's folder.
    pub file: &'static str,
    /// What the file's columns are.
    pub columns: Columns,
    /// The same split in the repository `nyu-mll/glue` of the Hugging Face hub, a Parquet file.
    pub parquet: &'static str,
}

/// Says what the columns of a file are. Columns are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    /// The first line, which must match exactly; `None` for a file that starts with its first
    /// example.
    pub header: Option<&'static [&'static str]>,
    /// Number of columns of every row.
    pub count: usize,
    /// Column of the sentence, or of the first of two.
    pub sentence: usize,
    /// Column of the second sentence, for a task on pairs.
    pub sentence2: Option<usize>,
    /// Column of the label; `None` for a test split, whose labels GLUE keeps.
    pub label: Option<usize>,
}

/// Names the columns of the hub's Parquet files, which are the same in every split.
///
/// Labels are numbers there: the position of the class (int64), or the score (float). Those of a test
/// split are placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParquetColumns {
    /// Column of the sentence, or of the first of two.
    pub sentence: &'static str,
    /// Column of the second sentence, for a task on pairs.
    pub sentence2: Option<&'static str>,
    /// Column of the label.
    pub label: &'static str,
}

/// Says what a label may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Labels {
    /// One of these names. A label is the position of its name.
    Classes(&'static [&'static str]),
    /// A number in this range, both ends included.
    Score {
        /// Lowest score.
        min: f32,
        /// Highest score.
        max: f32,
    },
}

impl Labels {
    /// Returns how many outputs a model's head needs: one for each class, or one for a score.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Classes(names) => names.len(),
            Self::Score { .. } => 1,
        }
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classes(names) => write!(f, "one of {}", names.join(", ")),
            Self::Score { min, max } => write!(f, "a number from {min} to {max}"),
        }
    }
}

/// Names a split of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SplitName {
    /// Examples to train on.
    Train,
    /// Labelled examples to evaluate on.
    Dev,
    /// Examples whose labels GLUE's server keeps.
    Test,
}

impl fmt::Display for SplitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        })
    }
}

/// Every task this crate reads.
pub const TASKS: &[TaskSpec] = &[SST2];

/// The Stanford Sentiment Treebank, two classes: is a phrase of a film review negative (0) or
/// positive (1)?
///
/// 67,349 train, 872 dev and 1,821 test examples.
pub const SST2: TaskSpec = {
    let labelled = Columns {
        header: Some(&["sentence", "label"]),
        count: 2,
        sentence: 0,
        sentence2: None,
        label: Some(1),
    };
    let unlabelled = Columns {
        header: Some(&["index", "sentence"]),
        count: 2,
        sentence: 1,
        sentence2: None,
        label: None,
    };
    TaskSpec {
        name: "sst2",
        folder: "SST-2",
        metrics: &[Metric::Accuracy],
        labels: Labels::Classes(&["0", "1"]),
        splits: &[
            SplitSpec {
                name: SplitName::Train,
                file: "train.tsv",
                columns: labelled,
                parquet: "sst2/train-00000-of-00001.parquet",
            },
            SplitSpec {
                name: SplitName::Dev,
                file: "dev.tsv",
                columns: labelled,
                parquet: "sst2/validation-00000-of-00001.parquet",
            },
            SplitSpec {
                name: SplitName::Test,
                file: "test.tsv",
                columns: unlabelled,
                parquet: "sst2/test-00000-of-00001.parquet",
            },
        ],
        parquet: ParquetColumns {
            sentence: "sentence",
            sentence2: None,
            label: "label",
        },
    }
};
