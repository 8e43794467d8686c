//! Options of transformers' `run_glue.py` that a program does not have. Each is refused with what to use instead.

use std::ffi::OsString;

use clap::Command;

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
            "push_to_hub",
            "hub_model_id",
            "hub_token",
        ],
        "leave it out; scores are kept, finetuned models are not",
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
        "leave it out; a run uses one device; --jobs trains several runs at a time",
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

/// Refuses the first option of `run_glue.py` that the program's own command line does not have.
///
/// # Errors
/// [`Failure::Usage`], in one line with what to use instead.
pub fn check(
    program: &Command,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<(), Failure> {
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
    program.get_arguments().any(|argument| {
        let aliases = argument.get_all_aliases().unwrap_or_default();
        argument.get_long() == Some(option) || aliases.contains(&option)
    })
}

#[cfg(test)]
mod tests {
    use clap::Arg;

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
