//! The command line; the names of transformers' `run_glue.py` are accepted beside ours.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, ValueEnum};
use finetune::{Arm, Batching, Recipe, StudyConfig};

use crate::device::DeviceName;
use crate::source::Source;

/// Finetunes a BERT on SST-2 with and without NoisyTune and compares the two.
///
/// Every pair of runs shares the head's initial values, the order of the data and the dropout masks;
/// the noise is the only difference. Runs are recorded one by one: the same command continues where
/// it was stopped.
#[derive(Debug, Parser)]
#[command(name = "glue_sst2", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Pretrained BERT: `bundled`, hf:OWNER/NAME[@REVISION] from the Hugging Face hub, or a folder with
    /// config.json, model.safetensors and tokenizer.json
    #[arg(long, value_name = "SOURCE", alias = "model_name_or_path")]
    model: Option<Source>,
    /// Sentences: `bundled`, hf:sst2 from the hub, or a folder with SST-2's train.tsv and dev.tsv
    #[arg(long, value_name = "SOURCE", alias = "data_dir")]
    data: Option<Source>,
    /// What to compare, in this order
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "baseline,noisytune",
        value_parser = arm_names(),
        value_name = "ARM,..."
    )]
    arms: Vec<Arm>,
    /// Noise intensity λ: U(-λ/2, λ/2) times each parameter's standard deviation
    #[arg(long, default_value_t = 0.15, allow_negative_numbers = true)]
    lambda: f64,
    /// Runs of each arm, one a seed
    #[arg(long, default_value_t = 5)]
    seeds: usize,
    /// The first seed
    #[arg(long, default_value_t = 0, alias = "seed")]
    first_seed: u64,
    /// Passes over the training sentences
    #[arg(long, default_value_t = Recipe::default().epochs, alias = "num_train_epochs")]
    epochs: usize,
    /// Sentences in an optimizer step
    #[arg(long, default_value_t = Recipe::default().batch_size, alias = "per_device_train_batch_size")]
    batch_size: usize,
    /// Learning rate after the warm-up
    #[arg(long, default_value_t = Recipe::default().learning_rate, alias = "learning_rate", allow_negative_numbers = true)]
    learning_rate: f64,
    /// Weight decay, on everything but biases and LayerNorm
    #[arg(long, default_value_t = Recipe::default().weight_decay, alias = "weight_decay", allow_negative_numbers = true)]
    weight_decay: f64,
    /// Share of the steps over which the learning rate rises
    #[arg(long, default_value_t = Recipe::default().warmup_ratio, alias = "warmup_ratio", allow_negative_numbers = true)]
    warmup_ratio: f64,
    /// Tokens at which a sentence is cut
    #[arg(long, default_value_t = Recipe::default().max_length, alias = "max_seq_length")]
    max_length: usize,
    /// Global norm at which gradients are clipped
    #[arg(long, default_value_t = Recipe::default().max_gradient_norm, alias = "max_grad_norm", allow_negative_numbers = true)]
    max_gradient_norm: f64,
    /// Training rows to use, from the first on [default: all]
    #[arg(long, value_name = "N", alias = "max_train_samples")]
    max_train_samples: Option<usize>,
    /// Dev rows to use, from the first on [default: all]
    #[arg(long, value_name = "N", alias = "max_eval_samples")]
    max_eval_samples: Option<usize>,
    /// How sentences come together in batches
    #[arg(long, value_enum, default_value_t = BatchingName::Shuffled)]
    batching: BatchingName,
    /// Pad every batch to --max-length instead of to its longest sentence
    #[arg(long, alias = "pad_to_max_length")]
    pad_to_max_length: bool,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = DeviceName::DEFAULT)]
    pub(crate) device: DeviceName,
    /// Folder for runs.jsonl, summary.json and the report
    #[arg(
        long,
        value_name = "DIR",
        default_value = "out/glue_sst2",
        alias = "output_dir"
    )]
    pub(crate) out: PathBuf,
    /// Only time N training steps after 3 of warm-up, and print one JSON line
    #[arg(long, value_name = "N")]
    pub(crate) bench_steps: Option<usize>,
}

/// [`Batching`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum BatchingName {
    /// In a random order, each batch padded to its longest sentence
    Shuffled,
    /// Sentences of similar length together: less padding
    Bucketed,
}

impl Arguments {
    /// Where to read from, or what to pass.
    pub(crate) fn model_and_data(&self) -> Result<(&Source, &Source), String> {
        match (&self.model, &self.data) {
            (Some(model), Some(data)) => Ok((model, data)),
            _ => Err(
                "pass --model bundled, or --model DIR, a folder with config.json, model.safetensors and tokenizer.json of \
                 a BERT, and --data bundled, or --data DIR, a folder with SST-2's train.tsv and dev.tsv"
                    .to_owned(),
            ),
        }
    }

    /// The study the options describe.
    pub(crate) fn study(&self) -> StudyConfig {
        StudyConfig {
            arms: self.arms.clone(),
            seeds: self.seeds,
            first_seed: self.first_seed,
            lambda: self.lambda,
            recipe: Recipe {
                epochs: self.epochs,
                batch_size: self.batch_size,
                learning_rate: self.learning_rate,
                weight_decay: self.weight_decay,
                warmup_ratio: self.warmup_ratio,
                max_length: self.max_length,
                max_gradient_norm: self.max_gradient_norm,
                batching: match self.batching {
                    BatchingName::Shuffled => Batching::Shuffled,
                    BatchingName::Bucketed => Batching::Bucketed,
                },
                pad_to_max_length: self.pad_to_max_length,
                ..Recipe::default()
            },
            max_train_samples: self.max_train_samples,
            max_eval_samples: self.max_eval_samples,
            ..StudyConfig::default()
        }
    }
}

/// The registry's arms, with what they do for `--help` and the nearest one for a wrong name.
fn arm_names() -> impl TypedValueParser<Value = Arm> {
    let names = Arm::ALL
        .iter()
        .map(|arm| PossibleValue::new(arm.name()).help(arm.about()));
    PossibleValuesParser::new(names)
        .map(|name| Arm::named(&name).expect("the parser accepts the registry's names alone"))
}
