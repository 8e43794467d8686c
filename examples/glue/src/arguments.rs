//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser};
use program::source::Source;
use study_program::StudyArguments;
use tasks::OwnFiles;
use tasks::glue::{self, GlueTask};

/// Finetunes an encoder on a task of GLUE, or on your own sentences, with and without NoisyTune and compares the two.
///
/// Every pair of runs shares the head's initial values, the order of the data and the dropout masks;
/// the noise is the only difference. Runs are recorded one by one: the same command continues where
/// it was stopped.
#[derive(Debug, Parser)]
#[command(name = "glue", version, max_term_width = 100)]
#[command(group = ArgGroup::new("sentences").args(["task", "train_file", "list_devices", "bench_noise"]).required(true).multiple(true))]
pub(crate) struct Arguments {
    /// The task
    #[arg(long, alias = "task_name", value_parser = task_names(), ignore_case = true, conflicts_with = "train_file")]
    pub(crate) task: Option<Tasks>,
    /// Sentences: hf:glue from the Hugging Face hub, or a folder with the task's official TSV files or the hub's
    /// Parquet files; for --task all, a folder of such folders
    #[arg(
        long,
        value_name = "SOURCE",
        alias = "data_dir",
        conflicts_with = "train_file"
    )]
    pub(crate) data: Option<Source>,
    #[command(flatten)]
    pub(crate) own: OwnArguments,
    #[command(flatten)]
    pub(crate) study: StudyArguments,
}

/// Sentences of one's own.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Your own sentences")]
pub(crate) struct OwnArguments {
    /// The file to train on: .csv, .tsv, .jsonl or .parquet, text also as .gz
    #[arg(long, value_name = "FILE", alias = "train_file")]
    train_file: Option<PathBuf>,
    /// The file to evaluate on
    #[arg(
        long,
        value_name = "FILE",
        alias = "validation_file",
        requires = "train_file",
        conflicts_with_all = ["task", "validation_split"]
    )]
    validation_file: Option<PathBuf>,
    /// Without such a file: the share of the training file to hold out, drawn by --split-seed, of each class alike
    #[arg(
        long,
        value_name = "SHARE",
        alias = "validation_split",
        requires = "train_file",
        conflicts_with = "task",
        allow_negative_numbers = true
    )]
    validation_split: Option<f64>,
    /// Draws the share [default: 0]
    #[arg(
        long,
        value_name = "SEED",
        requires = "validation_split",
        conflicts_with_all = ["task", "validation_file"]
    )]
    split_seed: Option<u64>,
    /// A file to predict: implies --predict test
    #[arg(
        long,
        value_name = "FILE",
        alias = "test_file",
        requires = "train_file",
        conflicts_with = "task"
    )]
    test_file: Option<PathBuf>,
    /// The column of the sentence, or of the first of a pair [default: guessed as run_glue.py does]
    #[arg(
        long,
        value_name = "NAME",
        alias = "text_column",
        requires = "train_file",
        conflicts_with = "task"
    )]
    text_column: Option<String>,
    /// The column of the second sentence of a pair
    #[arg(
        long,
        value_name = "NAME",
        alias = "text_pair_column",
        requires = "text_column",
        conflicts_with = "task"
    )]
    text_pair_column: Option<String>,
    /// The column of the label [default: label]
    #[arg(
        long,
        value_name = "NAME",
        alias = "label_column",
        requires = "train_file",
        conflicts_with = "task"
    )]
    label_column: Option<String>,
    /// Labels are numbers to predict, not classes
    #[arg(long, requires = "train_file", conflicts_with = "task")]
    regression: bool,
}

impl OwnArguments {
    /// Whether there is a file to predict.
    pub(crate) fn has_test_file(&self) -> bool {
        self.test_file.is_some()
    }

    /// The files.
    pub(crate) fn files(self) -> OwnFiles {
        OwnFiles {
            validation: self.validation_file,
            test: self.test_file,
            validation_split: self.validation_split,
            split_seed: self.split_seed.unwrap_or(0),
            text_column: self.text_column,
            text_pair_column: self.text_pair_column,
            label_column: self.label_column,
            regression: self.regression,
            // Without one, an option asks for something that reads no sentences.
            train: self.train_file.unwrap_or_default(),
        }
    }
}

/// A value of `--task`.
#[derive(Clone, Debug)]
pub(crate) enum Tasks {
    /// Every task that the data has.
    All,
    One(Box<GlueTask>),
}

fn task_names() -> impl TypedValueParser<Value = Tasks> {
    let names = glue::all()
        .into_iter()
        .map(|task| PossibleValue::new(task.name));
    let all = PossibleValue::new("all")
        .help("every task that the data has, and the paper's Table 1 beside the results");
    PossibleValuesParser::new(names.chain([all])).map(|name| {
        let mut tasks = glue::all().into_iter();
        let one = tasks.find(|task| task.name.eq_ignore_ascii_case(&name));
        one.map_or(Tasks::All, |task| Tasks::One(Box::new(task)))
    })
}
