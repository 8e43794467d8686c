//! Options of transformers' `run_glue.py` that a program does not have. Each is refused with what to use instead.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command, Parser};

use crate::failure::Failure;

/// Names of options, and what to do instead.
const INSTEAD: &[(&[&str], &str)] = &[
    (
        &["max_predict_samples"],
        "leave it out; every row is predicted",
    ),
    (
        &["overwrite_output_dir"],
        "choose another --output_dir, or remove the folder: recorded runs are never overwritten",
    ),
    (
        &["resume_from_checkpoint"],
        "leave it out; the same command continues where it was stopped",
    ),
    (
        &[
            "save_steps",
            "save_strategy",
            "save_total_limit",
            "save_safetensors",
            "load_best_model_at_end",
            "metric_for_best_model",
            "greater_is_better",
        ],
        "use --save-model best or --save-model all; runs continue from checkpoints of their own (--checkpoint-minutes)",
    ),
    (
        &["push_to_hub", "hub_model_id", "hub_token"],
        "leave it out; --save-model writes folders that `hf upload` takes",
    ),
    (
        &[
            "logging_steps",
            "logging_strategy",
            "logging_dir",
            "logging_first_step",
            "report_to",
            "run_name",
            "log_level",
            "disable_tqdm",
        ],
        "leave it out; progress is shown as it comes (--quiet shows none), and the report draws each run's curve",
    ),
    (
        &["eval_strategy", "evaluation_strategy", "eval_steps"],
        "leave it out; the whole dev set is scored after every epoch",
    ),
    (
        &[
            "per_device_eval_batch_size",
            "per_gpu_eval_batch_size",
            "eval_accumulation_steps",
        ],
        "leave it out; scores do not depend on how evaluation is batched",
    ),
    (
        &["per_gpu_train_batch_size"],
        "use --per_device_train_batch_size",
    ),
    (
        &["train_file", "validation_file", "test_file"],
        "use cargo run --example glue, which has it",
    ),
    (
        &["dataset_name", "dataset_config_name"],
        "use --data hf:glue or --data FOLDER, and --task NAME of cargo run --example glue",
    ),
    (
        &["config_name", "tokenizer_name", "use_fast_tokenizer"],
        "leave it out; config.json and tokenizer.json come from --model",
    ),
    (&["model_revision"], "use --model hf:OWNER/NAME@REVISION"),
    (
        &["cache_dir"],
        "set HF_HOME: downloads go into the cache that Python uses too",
    ),
    (
        &["token", "use_auth_token"],
        "leave it out; the token that `hf auth login` keeps is used",
    ),
    (
        &[
            "overwrite_cache",
            "preprocessing_num_workers",
            "dataloader_num_workers",
        ],
        "leave it out; tokenizing takes seconds and is not cached",
    ),
    (
        &["warmup_steps"],
        "use --warmup_ratio, the share of the steps",
    ),
    (&["max_steps"], "use --epochs and --max_train_samples"),
    (
        &["lr_scheduler_type", "lr_scheduler_kwargs"],
        "leave it out; the learning rate rises and falls linearly",
    ),
    (
        &[
            "optim",
            "adam_beta1",
            "adam_beta2",
            "adam_epsilon",
            "adafactor",
        ],
        "leave it out; the optimizer is AdamW with betas 0.9 and 0.999 and epsilon 1e-8",
    ),
    (
        &["neftune_noise_alpha"],
        "use --arms neftune and --set neftune.alpha=NUMBER",
    ),
    (&["no_cuda", "use_cpu"], "use --device flex"),
    (
        &[
            "local_rank",
            "deepspeed",
            "fsdp",
            "ddp_backend",
            "tpu_num_cores",
        ],
        "use --devices A,B, and --parallel data for one run on all of them",
    ),
    (
        &["data_seed"],
        "use --seed: it decides the order of the data too",
    ),
    (
        &["full_determinism"],
        "leave it out; on the CPU runs repeat to the last bit",
    ),
    (
        &[
            "fp16_opt_level",
            "half_precision_backend",
            "fp16_full_eval",
            "bf16_full_eval",
        ],
        "use --precision f16 or --precision bf16",
    ),
];

/// Parses a program's arguments as [`crate::parse`] does. Flags may be followed by a truth value, as in `run_glue.py`.
///
/// # Errors
/// Those of [`crate::parse`], and [`Failure::Usage`] with what to use instead for options of `run_glue.py` that the program
/// does not have.
pub fn parse<T: Parser>(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Option<T>, Failure> {
    crate::parse(accepted(&T::command(), arguments)?)
}

/// Reads arguments, the first of which is the program's name, as `run_glue.py` does: flags may be followed by a truth
/// value, of which only true is accepted and left out.
///
/// # Errors
/// [`Failure::Usage`], in one line with what to use instead, for options of `run_glue.py` that the program's own command
/// line does not have, and for false.
fn accepted(
    program: &Command,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Vec<OsString>, Failure> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    check(program, arguments.iter().skip(1).cloned())?;
    let mut left = arguments.into_iter().peekable();
    let mut kept = Vec::new();
    while let Some(argument) = left.next() {
        let text = argument.to_str().unwrap_or_default();
        if text == "--" {
            kept.push(argument);
            kept.extend(left);
            break;
        }
        let option = text.strip_prefix("--").unwrap_or_default();
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, truth(value)),
            None => (option, None),
        };
        if !is_flag(program, name) {
            kept.push(argument);
            continue;
        }
        let next = left.peek().and_then(|next| truth(next.to_str()?));
        let value = match option.contains('=') {
            true => value,
            false => left.next_if(|_| next.is_some()).and(next),
        };
        match value {
            Some(true) => kept.push(format!("--{name}").into()),
            Some(false) => {
                let instead = match name {
                    "do_train" => {
                        "every run is trained; with the --out of recorded runs, the same command only reports them"
                    }
                    "do_eval" => "every run is scored; leave it out",
                    _ => "leave it out",
                };
                return Err(Failure::Usage(format!(
                    "--{name} is on if it is there, and false is not accepted: {instead}"
                )));
            }
            // Anything else is for the program's parser to judge.
            None => kept.push(argument),
        }
    }
    Ok(kept)
}

/// What transformers' parser of arguments takes for a truth value.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "t" | "y" | "1" => Some(true),
        "no" | "false" | "f" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// Whether the program has an option of this name that takes no value.
fn is_flag(program: &Command, option: &str) -> bool {
    let mut named = program.get_arguments().filter(|own| is_named(own, option));
    named.any(|own| matches!(own.get_action(), ArgAction::SetTrue))
}

/// Refuses the first option of `run_glue.py` that the program's own command line does not have.
fn check(program: &Command, arguments: impl IntoIterator<Item = OsString>) -> Result<(), Failure> {
    let arguments = arguments.into_iter();
    let options = arguments.filter_map(|argument| {
        let option = argument.to_str()?.strip_prefix("--")?;
        Some(option.split('=').next().unwrap_or(option).to_owned())
    });
    for option in options.take_while(|option| !option.is_empty()) {
        let name = option.replace('-', "_");
        let known = INSTEAD
            .iter()
            .find(|(names, _)| names.contains(&name.as_str()));
        if let Some((_, instead)) = known.filter(|_| !has(program, &option)) {
            return Err(Failure::Usage(format!(
                "--{option} of run_glue.py is not an option here: {instead}"
            )));
        }
    }
    Ok(())
}

fn has(program: &Command, option: &str) -> bool {
    program.get_arguments().any(|own| is_named(own, option))
}

fn is_named(own: &Arg, option: &str) -> bool {
    let aliases = own.get_all_aliases().unwrap_or_default();
    own.get_long() == Some(option) || aliases.contains(&option)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str]) -> Option<String> {
        let own = Arg::new("lr").long("lr").alias("optim");
        let program = Command::new("p").arg(own);
        let arguments = arguments.iter().map(OsString::from);
        check(&program, arguments)
            .err()
            .map(|failure| failure.to_string())
    }

    #[test]
    fn an_option_without_meaning_here_is_refused_with_what_to_use() {
        let expected = "error: --max_steps of run_glue.py is not an option here: use --epochs and --max_train_samples";
        assert_eq!(
            refusal(&["p", "--max_steps", "5"]).as_deref(),
            Some(expected)
        );
        assert_eq!(refusal(&["p", "--max_steps=5"]).as_deref(), Some(expected));
        let dashes = refusal(&["p", "--max-steps", "5"]);
        assert!(dashes.is_some_and(|line| line.starts_with("error: --max-steps of")));
    }

    #[test]
    fn known_and_unknown_options_are_left_to_the_programs_parser() {
        for arguments in [
            &["p", "--optim"][..],
            &["p", "--nonsense"],
            &["p", "--", "--max_steps"],
            &["p"],
        ] {
            assert_eq!(refusal(arguments), None, "{arguments:?}");
        }
    }

    /// What is left of arguments for a program with flags, one of which has an alias, and an option.
    fn left(arguments: &[&str]) -> Result<Vec<String>, String> {
        let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        let program = Command::new("p")
            .args([flag("do_train"), flag("do_eval")])
            .arg(flag("pad-it").alias("pad_it"))
            .arg(Arg::new("seed").long("seed"));
        let arguments = ["p"].iter().chain(arguments).map(OsString::from);
        let kept = accepted(&program, arguments).map_err(|failure| failure.to_string())?;
        let kept = kept.into_iter().skip(1);
        Ok(kept
            .map(|argument| argument.into_string().expect("text"))
            .collect())
    }

    #[test]
    fn a_flag_may_be_followed_by_true() {
        let kept = ["--do_train", "--pad_it", "--seed", "1"].map(str::to_owned);
        for arguments in [
            &["--do_train", "True", "--pad_it=true", "--seed", "1"][..],
            &["--do_train=1", "--pad_it", "yes", "--seed", "1"],
            &["--do_train", "--pad_it", "--seed", "1"],
        ] {
            assert_eq!(left(arguments).as_deref(), Ok(&kept[..]), "{arguments:?}");
        }
        // What is no truth value, or not of a flag, stays.
        for arguments in [
            &["--do_train=maybe"][..],
            &["--seed=1", "true"],
            &["--", "--do_train", "False"],
        ] {
            let kept = arguments.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(left(arguments), Ok(kept));
        }
    }

    #[test]
    fn a_flag_followed_by_false_is_refused_with_what_to_do() {
        for (arguments, instead) in [
            (&["--do_train", "False"][..], "the --out of recorded runs"),
            (&["--do_eval=false"], "every run is scored; leave it out"),
            (&["--pad_it", "0"], "not accepted: leave it out"),
        ] {
            let line = left(arguments).expect_err("it is refused");
            assert!(line.contains(instead), "{line}");
            assert_eq!(line.lines().count(), 1);
        }
    }

    #[test]
    fn no_name_has_two_answers() {
        let mut names: Vec<&str> = INSTEAD
            .iter()
            .flat_map(|(names, _)| *names)
            .copied()
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
