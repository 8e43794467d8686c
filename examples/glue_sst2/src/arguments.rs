//! The command line. Names of options from transformers' `run_glue.py` are accepted too.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, ValueEnum};
use program::DeviceOptions;
use program::preset::{self, Preset};
use program::source::Source;
use study::{Arm, Batching, Precision, StudyConfig, StudyKind};

use crate::preset::{Options, PRESETS, suited_to};

/// Finetunes a BERT on SST-2 with and without NoisyTune and compares the two.
///
/// Every pair of runs shares the head's initial values, the order of the data and the dropout masks;
/// the noise is the only difference. Runs are recorded one by one: the same command continues where
/// it was stopped.
#[derive(Debug, Parser)]
#[command(name = "glue_sst2", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// A set of options to start from; other options override it [default: quick, or standard with a --model other
    /// than the bundled one]
    #[arg(long, value_parser = preset::parser(&PRESETS))]
    preset: Option<&'static Preset>,
    /// Studies to run, in this order: `compare` is the comparison, `all` runs every study
    #[arg(long, value_delimiter = ',', value_parser = study_names(), value_name = "STUDY,...")]
    study: Option<Vec<Studies>>,
    /// Pretrained BERT: `bundled`, hf:OWNER/NAME[@REVISION] from the Hugging Face hub, or a folder with
    /// config.json, model.safetensors and tokenizer.json
    #[arg(long, value_name = "SOURCE", alias = "model_name_or_path")]
    model: Option<Source>,
    /// Sentences: `bundled`, hf:sst2 from the hub, or a folder with SST-2's train.tsv and dev.tsv
    #[arg(long, value_name = "SOURCE", alias = "data_dir")]
    data: Option<Source>,
    /// Arms that `--study compare` compares, in this order
    #[arg(long, value_delimiter = ',', value_parser = arm_names(), value_name = "ARM,...")]
    arms: Option<Vec<Arm>>,
    /// Noise intensity λ: U(-λ/2, λ/2) times each parameter's standard deviation
    #[arg(long, allow_negative_numbers = true)]
    lambda: Option<f64>,
    /// Intensities that `--study lambda` sweeps
    #[arg(
        long,
        value_delimiter = ',',
        allow_negative_numbers = true,
        value_name = "LAMBDA,..."
    )]
    lambdas: Option<Vec<f64>>,
    /// Fractions of the training rows that `--study data-size` uses
    #[arg(
        long,
        value_delimiter = ',',
        allow_negative_numbers = true,
        value_name = "FRACTION,..."
    )]
    fractions: Option<Vec<f64>>,
    /// Runs per arm, one per seed
    #[arg(long)]
    seeds: Option<usize>,
    /// Runs per arm for the studies other than `compare` and `l1-change`
    #[arg(long, value_name = "SEEDS")]
    side_seeds: Option<usize>,
    /// The first seed
    #[arg(long, alias = "seed")]
    first_seed: Option<u64>,
    /// Set a hyperparameter of an arm, such as mixout.probability=0.9; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    set: Vec<(String, f64)>,
    /// Passes over the training sentences
    #[arg(long, alias = "num_train_epochs", value_name = "N", value_parser = whole_number)]
    epochs: Option<usize>,
    /// Sentences per batch
    #[arg(long, alias = "per_device_train_batch_size")]
    batch_size: Option<usize>,
    /// Batches per optimizer step
    #[arg(long, value_name = "N", alias = "gradient_accumulation_steps")]
    grad_accumulation: Option<usize>,
    /// Learning rate after the warm-up
    #[arg(long, alias = "learning_rate", allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// Weight decay, on everything but biases and LayerNorm
    #[arg(long, alias = "weight_decay", allow_negative_numbers = true)]
    weight_decay: Option<f64>,
    /// Fraction of the steps over which the learning rate warms up
    #[arg(long, alias = "warmup_ratio", allow_negative_numbers = true)]
    warmup_ratio: Option<f64>,
    /// Maximum length of a sentence in tokens; longer ones are cut
    #[arg(long, alias = "max_seq_length")]
    max_length: Option<usize>,
    /// Clip gradients at this global norm
    #[arg(long, alias = "max_grad_norm", allow_negative_numbers = true)]
    max_gradient_norm: Option<f64>,
    /// Use only the first N training rows
    #[arg(long, value_name = "N", alias = "max_train_samples")]
    max_train_samples: Option<usize>,
    /// Use only the first N dev rows
    #[arg(long, value_name = "N", alias = "max_eval_samples")]
    max_eval_samples: Option<usize>,
    /// How sentences are put into batches
    #[arg(long, value_enum)]
    batching: Option<BatchingName>,
    /// `--batching bucketed`, under the name of run_glue.py
    #[arg(long = "group_by_length", hide = true, conflicts_with = "batching")]
    group_by_length: bool,
    /// Pad every batch to --max-length instead of to its longest sentence; implies --batching shuffled unless
    /// another is given
    #[arg(long, alias = "pad_to_max_length")]
    pad_to_max_length: bool,
    /// Precision of the linear layers, if the device has it; parameters and optimizer stay f32
    #[arg(long, value_enum)]
    precision: Option<PrecisionName>,
    /// `--precision f16`, under the name of run_glue.py
    #[arg(long = "fp16", hide = true, conflicts_with_all = ["precision", "bf16"])]
    fp16: bool,
    /// `--precision bf16`, under the name of run_glue.py
    #[arg(long = "bf16", hide = true, conflicts_with = "precision")]
    bf16: bool,
    /// The only task, as run_glue.py names it
    #[arg(long = "task_name", hide = true, value_parser = task_name)]
    task_name: Option<()>,
    /// Accepted because run_glue.py needs it; this program always trains
    #[arg(long = "do_train", hide = true)]
    do_train: bool,
    /// Accepted because run_glue.py needs it; this program always evaluates
    #[arg(long = "do_eval", hide = true)]
    do_eval: bool,
    /// Recompute each layer's activations in the backward pass: less memory, more time
    #[arg(long, alias = "gradient_checkpointing")]
    gradient_checkpointing: bool,
    #[command(flatten)]
    pub(crate) devices: DeviceOptions,
    /// Runs to train at the same time, each with its share of the threads; results do not depend on it [default:
    /// one per thread on the CPU as long as they need little memory, 1 elsewhere]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Folder for runs.jsonl, summary.json and the report
    #[arg(
        long,
        value_name = "DIR",
        default_value = "out/glue_sst2",
        alias = "output_dir"
    )]
    pub(crate) out: PathBuf,
    /// Print only the result, no progress
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Print summary.json instead of the tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Only time N training steps, after 3 to warm up, and print one line of JSON
    #[arg(long, value_name = "N")]
    pub(crate) bench_steps: Option<usize>,
    /// With --bench-steps, also time one large matrix product: the ceiling of this machine
    #[arg(long, requires = "bench_steps")]
    pub(crate) bench_ceiling: bool,
    /// Only time N passes of noise over 335 million parameters, after one to warm up, and print one line of JSON
    #[arg(long, value_name = "N", conflicts_with = "bench_steps")]
    pub(crate) bench_noise: Option<usize>,
}

/// [`Batching`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum BatchingName {
    /// Random order, each batch padded to its longest sentence
    Shuffled,
    /// Sentences of similar length together, which needs less padding
    Bucketed,
    /// Random order, sentences laid end to end without padding
    Packed,
}

/// [`Precision`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PrecisionName {
    /// Single precision
    F32,
    /// The range of f32 in two bytes
    Bf16,
    /// Half precision, with the loss scaled
    F16,
}

/// A value of `--study`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Studies {
    All,
    One(StudyKind),
}

/// The options, with the preset's values for those not given.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The preset that the other options override.
    pub(crate) preset: &'static Preset,
    /// Where the pretrained model comes from.
    pub(crate) model: Source,
    /// Where the sentences come from.
    pub(crate) data: Source,
    /// Everything else.
    pub(crate) study: StudyConfig,
}

impl Arguments {
    /// Overrides the preset with the options.
    pub(crate) fn resolve(&self) -> Resolved {
        let preset = self
            .preset
            .unwrap_or_else(|| suited_to(self.model.as_ref()));
        let Options {
            model,
            data,
            mut study,
        } = preset.read();
        let or = |option: &Option<Source>, preset: String| {
            let option = option.clone();
            option.unwrap_or_else(|| Source::from(OsString::from(preset)))
        };
        if let Some(asked) = &self.study {
            study.studies = asked
                .iter()
                .flat_map(|studies| match studies {
                    Studies::All => StudyKind::ALL.to_vec(),
                    Studies::One(study) => vec![*study],
                })
                .collect();
        }
        put(&mut study.arms, &self.arms);
        put(&mut study.lambda, &self.lambda);
        put(&mut study.lambdas, &self.lambdas);
        put(&mut study.fractions, &self.fractions);
        put(&mut study.seeds, &self.seeds);
        put(&mut study.first_seed, &self.first_seed);
        study.hyperparameters.extend(self.set.iter().cloned());
        study.max_train_samples = self.max_train_samples.or(study.max_train_samples);
        study.max_eval_samples = self.max_eval_samples.or(study.max_eval_samples);
        // A preset's side seeds are capped at the number of seeds.
        let seeds = study.seeds;
        study.side_seeds = self
            .side_seeds
            .or(study.side_seeds.map(|side| side.min(seeds)));
        let recipe = &mut study.recipe;
        put(&mut recipe.epochs, &self.epochs);
        put(&mut recipe.batch_size, &self.batch_size);
        put(&mut recipe.gradient_accumulation, &self.grad_accumulation);
        put(&mut recipe.learning_rate, &self.learning_rate);
        put(&mut recipe.weight_decay, &self.weight_decay);
        put(&mut recipe.warmup_ratio, &self.warmup_ratio);
        put(&mut recipe.max_length, &self.max_length);
        put(&mut recipe.max_gradient_norm, &self.max_gradient_norm);
        if self.pad_to_max_length {
            recipe.pad_to_max_length = true;
            // Packed batches have no padding, so this overrides a preset's packing; asking for both is an error.
            recipe.batching = Batching::Shuffled;
        }
        let bucketed = self.group_by_length.then_some(BatchingName::Bucketed);
        if let Some(batching) = self.batching.or(bucketed) {
            recipe.batching = match batching {
                BatchingName::Shuffled => Batching::Shuffled,
                BatchingName::Bucketed => Batching::Bucketed,
                BatchingName::Packed => Batching::Packed,
            };
        }
        recipe.gradient_checkpointing |= self.gradient_checkpointing;
        let fp16 = self.fp16.then_some(PrecisionName::F16);
        let bf16 = self.bf16.then_some(PrecisionName::Bf16);
        if let Some(precision) = self.precision.or(fp16).or(bf16) {
            recipe.precision = match precision {
                PrecisionName::F32 => Precision::F32,
                PrecisionName::Bf16 => Precision::Bf16,
                PrecisionName::F16 => Precision::F16,
            };
        }
        Resolved {
            preset,
            model: or(&self.model, model),
            data: or(&self.data, data),
            study,
        }
    }
}

/// Overrides the preset's value with an option, if given.
fn put<T: Clone>(value: &mut T, option: &Option<T>) {
    if let Some(option) = option {
        value.clone_from(option);
    }
}

/// Parses an arm of the registry; `--help` says what each does, and a wrong name is answered with the nearest one.
fn arm_names() -> impl TypedValueParser<Value = Arm> {
    let names = Arm::ALL
        .iter()
        .map(|arm| PossibleValue::new(arm.name()).help(arm.about()));
    PossibleValuesParser::new(names)
        .map(|name| Arm::named(&name).expect("the parser accepts only the registry's names"))
}

fn study_names() -> impl TypedValueParser<Value = Studies> {
    let all = PossibleValue::new("all").help("every study");
    let names = StudyKind::ALL
        .iter()
        .map(|study| PossibleValue::new(study.name()).help(study.about()));
    PossibleValuesParser::new(names.chain([all])).map(|name| {
        let one = StudyKind::ALL
            .into_iter()
            .find(|study| study.name() == name);
        one.map_or(Studies::All, Studies::One)
    })
}

/// Reads `3`, and also `3.0`, as run_glue.py does.
fn whole_number(text: &str) -> Result<usize, String> {
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => {
            digits
        }
        _ => text,
    };
    digits
        .parse()
        .map_err(|_| "expected a whole number, such as 3 or 3.0".to_owned())
}

fn task_name(text: &str) -> Result<(), String> {
    match text.eq_ignore_ascii_case("sst2") {
        true => Ok(()),
        false => Err("expected sst2, the only task here".to_owned()),
    }
}

fn name_and_value(text: &str) -> Result<(String, f64), String> {
    let parsed = text
        .split_once('=')
        .and_then(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
    parsed.ok_or_else(|| "expected NAME=NUMBER".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(arguments: &[&str]) -> Resolved {
        let arguments = [&["glue_sst2"], arguments].concat();
        Arguments::try_parse_from(arguments)
            .expect("they parse")
            .resolve()
    }

    #[test]
    fn without_options_the_quick_preset_is_run_as_it_is() {
        let quick: Options = PRESETS[0].read();
        let resolved = resolved(&[]);
        assert_eq!(resolved.study, quick.study);
        assert_eq!(resolved.model, Source::Bundled);
        assert_eq!(resolved.data, Source::Bundled);
    }

    #[test]
    fn other_data_keeps_the_preset_and_another_model_takes_one_that_suits_it() {
        let preset = |arguments: &[&str]| resolved(arguments).preset.name;
        assert_eq!(preset(&["--data=here"]), "quick");
        assert_eq!(preset(&["--model=bundled"]), "quick");
        assert_eq!(preset(&["--model=here"]), "standard");
        assert_eq!(preset(&["--model=hf:a/b"]), "standard");
        let asked = preset(&["--model=here", "--preset=quick"]);
        assert_eq!(asked, "quick");
    }

    #[test]
    fn options_override_the_preset() {
        let resolved = resolved(&[
            "--preset=paper",
            "--data=here",
            "--study=lambda,all",
            "--arms=mixout",
            "--seeds=2",
            "--set=mixout.probability=0.9",
            "--epochs=1",
        ]);
        assert_eq!(
            resolved.model,
            Source::Hub("google-bert/bert-base-uncased".to_owned())
        );
        assert_eq!(resolved.data, Source::Folder("here".into()));
        assert_eq!(resolved.study.studies.len(), 1 + StudyKind::ALL.len());
        assert_eq!(resolved.study.arms.len(), 1);
        assert_eq!(resolved.study.seeds, 2);
        assert_eq!(resolved.study.hyperparameters["mixout.probability"], 0.9);
        assert_eq!(resolved.study.recipe.epochs, 1);
        assert_eq!(resolved.study.recipe.batch_size, 32);
    }

    #[test]
    fn padding_replaces_a_presets_packing() {
        let recipe = |arguments: &[&str]| resolved(arguments).study.recipe;
        let padded = recipe(&["--pad_to_max_length"]);
        assert_eq!(
            (padded.batching, padded.pad_to_max_length),
            (Batching::Shuffled, true)
        );
        let bucketed = recipe(&["--pad-to-max-length", "--batching=bucketed"]);
        assert_eq!(bucketed.batching, Batching::Bucketed);
        let both = recipe(&["--pad-to-max-length", "--batching=packed"]);
        assert!(both.validate().is_err());
    }

    #[test]
    fn run_glues_own_options_mean_the_same_here() {
        let recipe = |arguments: &[&str]| resolved(arguments).study.recipe;
        assert_eq!(recipe(&["--num_train_epochs", "4.0"]).epochs, 4);
        assert_eq!(recipe(&["--fp16"]).precision, Precision::F16);
        assert_eq!(recipe(&["--bf16"]).precision, Precision::Bf16);
        let grouped = recipe(&["--group_by_length"]);
        assert_eq!(grouped.batching, Batching::Bucketed);
        let nothing_new = resolved(&["--task_name=SST2", "--do_train", "--do_eval"]);
        assert_eq!(nothing_new.study, resolved(&[]).study);
    }

    #[test]
    fn run_glues_options_with_other_values_are_refused() {
        for (arguments, part) in [
            (
                &["--num_train_epochs", "2.5"][..],
                "expected a whole number",
            ),
            (&["--epochs", "3."], "expected a whole number"),
            (&["--epochs", ".0"], "expected a whole number"),
            (
                &["--task_name", "mnli"],
                "expected sst2, the only task here",
            ),
            (&["--fp16", "--bf16"], "cannot be used with"),
            (&["--fp16", "--precision=f32"], "cannot be used with"),
            (
                &["--group_by_length", "--batching=packed"],
                "cannot be used with",
            ),
        ] {
            let error = Arguments::try_parse_from([&["glue_sst2"], arguments].concat());
            let error = error.expect_err("it is refused").to_string();
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn side_seeds_of_a_preset_are_capped_at_the_number_of_seeds() {
        assert_eq!(resolved(&["--seeds=1"]).study.side_seeds, Some(1));
        assert_eq!(
            resolved(&["--seeds=9", "--side-seeds=4"]).study.side_seeds,
            Some(4)
        );
    }
}
