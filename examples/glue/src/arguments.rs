//! The command line.

use clap::Parser;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use program::source::Source;
use study_program::StudyArguments;
use tasks::glue::{self, GlueTask};

/// Finetunes an encoder on a task of GLUE with and without NoisyTune and compares the two.
///
/// Every pair of runs shares the head's initial values, the order of the data and the dropout masks;
/// the noise is the only difference. Runs are recorded one by one: the same command continues where
/// it was stopped.
#[derive(Debug, Parser)]
#[command(name = "glue", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The task
    #[arg(long, alias = "task_name", value_parser = task_names(), ignore_case = true, required_unless_present = "list_devices")]
    pub(crate) task: Option<Tasks>,
    /// Sentences: hf:glue from the Hugging Face hub, or a folder with the task's official TSV files or the hub's
    /// Parquet files; for --task all, a folder of such folders
    #[arg(long, value_name = "SOURCE", alias = "data_dir")]
    pub(crate) data: Option<Source>,
    #[command(flatten)]
    pub(crate) study: StudyArguments,
}

/// A value of `--task`.
#[derive(Clone, Debug)]
pub(crate) enum Tasks {
    /// Every task that the data has.
    All,
    One(GlueTask),
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
        one.map_or(Tasks::All, Tasks::One)
    })
}
