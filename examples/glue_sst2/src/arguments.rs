//! The command line.

use clap::Parser;
use program::source::Source;
use study_program::StudyArguments;

/// Finetunes an encoder on SST-2 with and without NoisyTune and compares the two.
///
/// Every pair of runs shares the head's initial values, the order of the data and the dropout masks;
/// the noise is the only difference. Runs are recorded one by one: the same command continues where
/// it was stopped.
#[derive(Debug, Parser)]
#[command(name = "glue_sst2", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Sentences: `bundled`, hf:sst2 from the hub, or a folder with SST-2's train.tsv and dev.tsv
    #[arg(long, value_name = "SOURCE", alias = "data_dir")]
    pub(crate) data: Option<Source>,
    /// The only task, as run_glue.py names it
    #[arg(long = "task_name", hide = true, value_parser = task_name)]
    task_name: Option<()>,
    #[command(flatten)]
    pub(crate) study: StudyArguments,
}

fn task_name(text: &str) -> Result<(), String> {
    match text.eq_ignore_ascii_case("sst2") {
        true => Ok(()),
        false => {
            Err("expected sst2, the only task here; for others, use --example glue".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_glues_name_of_the_task_is_accepted_and_no_other() {
        let parse = |name| Arguments::try_parse_from(["glue_sst2", "--task_name", name]);
        assert!(parse("SST2").is_ok());
        let error = parse("mnli").expect_err("another task").to_string();
        assert!(
            error.contains("expected sst2, the only task here"),
            "{error}"
        );
    }
}
