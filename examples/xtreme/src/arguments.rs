//! The command line.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Parser, ValueEnum};
use program::Failure;
use program::source::Source;
use study_program::StudyArguments;
use tasks::xtreme::{self, LanguageSets, XtremeTask};

/// Finetunes an encoder on a task of XTREME in English, with and without NoisyTune, and compares the two in every language.
///
/// Every pair of runs shares the head's initial values, the order of the data and the dropout masks;
/// the noise is the only difference. Runs are recorded one by one: the same command continues where
/// it was stopped.
#[derive(Debug, Parser)]
#[command(name = "xtreme", version, max_term_width = 100)]
#[command(group = ArgGroup::new("sentences").args(["task", "list_devices", "bench_noise"]).required(true).multiple(true))]
pub(crate) struct Arguments {
    /// The task
    #[arg(long, alias = "task_name", value_parser = task_names(), ignore_case = true)]
    task: Option<XtremeTask>,
    /// Sentences: a folder with the files of XNLI's or PAWS-X's archives, of XTREME's download or of the hub, or
    /// hf:OWNER/NAME from the Hugging Face hub [default: hf:facebook/xnli or hf:google-research-datasets/paws-x]
    #[arg(long, value_name = "SOURCE", alias = "data_dir")]
    pub(crate) data: Option<Source>,
    /// Languages to score, such as de,zh; where dev sets are scored, English is always one [default: all that the task has]
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "LANGUAGE,...",
        alias = "predict_languages"
    )]
    languages: Option<Vec<String>>,
    /// On which sets languages are scored; XTREME's download has no labels for the test sets
    #[arg(long, value_enum, default_value = "test")]
    scored: ScoredName,
    #[command(flatten)]
    pub(crate) study: StudyArguments,
}

/// [`LanguageSets`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScoredName {
    /// The test sets
    Test,
    /// The dev sets
    Dev,
}

impl Arguments {
    /// The task; the first one for an option that reads no sentences.
    pub(crate) fn task(&self) -> XtremeTask {
        self.task.clone().unwrap_or_else(xtreme::xnli)
    }

    /// The languages to score, which are the task's.
    pub(crate) fn languages(&self, task: &XtremeTask) -> Result<Vec<String>, Failure> {
        let all = || task.languages.iter().map(|&language| language.to_owned());
        let asked = self.languages.clone().unwrap_or_else(|| all().collect());
        for (at, language) in asked.iter().enumerate() {
            if !task.languages.contains(&language.as_str()) {
                return Err(Failure::usage(format!(
                    "--languages {language:?}: not a language of {}; expected some of {}",
                    task.name,
                    task.languages.join(",")
                )));
            }
            if asked[..at].contains(language) {
                return Err(Failure::usage(format!("--languages has {language} twice")));
            }
        }
        Ok(asked)
    }

    /// Which sets are scored.
    pub(crate) fn sets(&self) -> LanguageSets {
        match self.scored {
            ScoredName::Test => LanguageSets::Test,
            ScoredName::Dev => LanguageSets::Dev,
        }
    }
}

fn task_names() -> impl TypedValueParser<Value = XtremeTask> {
    let names = xtreme::all()
        .into_iter()
        .map(|task| PossibleValue::new(task.name).help(task.title));
    PossibleValuesParser::new(names).try_map(|name| {
        let mut tasks = xtreme::all().into_iter();
        let found = tasks.find(|task| task.name.eq_ignore_ascii_case(&name));
        found.ok_or("no such task")
    })
}
