//! The options of every program that runs studies. Names of options from transformers' `run_glue.py` are accepted too.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use devices::DeviceName;
use program::DeviceOptions;
use program::preset::{self, Preset};
use program::source::Source;
use study::{Arm, Draw, Shard};

use crate::preset::{PRESETS, XTREME};
use crate::values::{
    BatchingName, FreshName, HeadName, NoiseSelectionName, ParallelName, PoolingName,
    PrecisionName, SaveDtypeName, SaveFormatName, SaveModelName, Studies, Submitted, arm_names,
    draw_names, method_names, minutes, name_and_value, study_names, submitted, whole_number,
};

/// What to run, on which model, by which recipe; to be flattened into a program's arguments.
#[derive(Clone, Debug, Args)]
pub struct StudyArguments {
    /// A set of options to start from; other options override it [default: quick, or standard with a --model other
    /// than the bundled one; for XNLI and PAWS-X, xtreme]
    #[arg(long, value_parser = preset::parser(&PRESETS))]
    pub(crate) preset: Option<&'static Preset>,
    /// Studies to run, in this order: `compare` is the comparison, `all` runs every study by one
    /// recipe
    #[arg(long, value_delimiter = ',', value_parser = study_names(), value_name = "STUDY,...")]
    pub(crate) study: Option<Vec<Studies>>,
    /// Pretrained encoder: `bundled`, hf:OWNER/NAME[@REVISION] from the Hugging Face hub, or a folder with
    /// config.json, model.safetensors and tokenizer.json
    #[arg(long, value_name = "SOURCE", alias = "model_name_or_path")]
    pub(crate) model: Option<Source>,
    /// Where the classification head comes from: drawn from each seed, or the model's own, which must have the task's
    /// outputs [default: fresh]
    #[arg(long, value_enum)]
    pub(crate) head: Option<HeadName>,
    /// Which tokens of BERT or ModernBERT the head reads; many sentence encoders are trained on the mean [default: what
    /// the model's config.json says]
    #[arg(long, value_enum, value_name = "POOLING")]
    pub(crate) classifier_pooling: Option<PoolingName>,
    /// What else is drawn from each seed and left without noise, though the model has it
    #[arg(long, value_enum)]
    pub(crate) fresh: Option<FreshName>,
    /// Arms that `--study compare` compares and `--study baseline` tunes, in this order
    #[arg(long, value_delimiter = ',', value_parser = arm_names(), value_name = "ARM,...")]
    pub(crate) arms: Option<Vec<Arm>>,
    /// Methods that `--study companions` asks about, each with and without noise [default: mixout,recadam,neftune]
    #[arg(long, value_delimiter = ',', value_parser = method_names(), value_name = "METHOD,...")]
    pub(crate) companions: Option<Vec<Arm>>,
    /// Noise intensity λ: U(-λ/2, λ/2) times each parameter's standard deviation
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) lambda: Option<f64>,
    /// Pretrained parameters that take the noise
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(crate) noise_selection: Option<NoiseSelectionName>,
    /// Intensities that `--study lambda` sweeps
    #[arg(
        long,
        value_delimiter = ',',
        allow_negative_numbers = true,
        value_name = "LAMBDA,..."
    )]
    pub(crate) lambdas: Option<Vec<f64>>,
    /// Fractions of the training rows that `--study data-size` uses
    #[arg(
        long,
        value_delimiter = ',',
        allow_negative_numbers = true,
        value_name = "FRACTION,..."
    )]
    pub(crate) fractions: Option<Vec<f64>>,
    /// Learning rates of the grid of `--study baseline` [default: 2e-5,3e-5,5e-5,1e-4]
    #[arg(
        long,
        value_delimiter = ',',
        allow_negative_numbers = true,
        value_name = "RATE,..."
    )]
    pub(crate) learning_rates: Option<Vec<f64>>,
    /// Numbers of epochs of the grid of `--study baseline` [default: 1,2,3]
    #[arg(long, value_delimiter = ',', value_name = "N,...", value_parser = whole_number)]
    pub(crate) epochs_grid: Option<Vec<usize>>,
    /// Runs per arm at each point of the grid of `--study baseline` [default: 3]
    #[arg(long, value_name = "SEEDS")]
    pub(crate) tuning_seeds: Option<usize>,
    /// Fraction of the training rows that `--study baseline` holds out to choose recipes by, at most 1,000 rows
    /// [default: 0.1]
    #[arg(long, allow_negative_numbers = true, value_name = "FRACTION")]
    pub(crate) tuning_fraction: Option<f64>,
    /// Runs per arm, one per seed
    #[arg(long)]
    pub(crate) seeds: Option<usize>,
    /// Runs per arm for the studies other than `compare`, `l1-change` and `baseline`
    #[arg(long, value_name = "SEEDS")]
    pub(crate) side_seeds: Option<usize>,
    /// The first seed
    #[arg(long, alias = "seed")]
    pub(crate) first_seed: Option<u64>,
    /// What the seeds decide; everything else is drawn by the first seed in every run [default: all but subset, and
    /// with `--study data-size` subset too]
    #[arg(long, value_delimiter = ',', value_parser = draw_names(), value_name = "DRAW,...")]
    pub(crate) vary: Option<Vec<Draw>>,
    /// Set a hyperparameter of an arm, such as mixout.probability=0.9; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) set: Vec<(String, f64)>,
    /// Passes over the training sentences
    #[arg(long, alias = "num_train_epochs", value_name = "N", value_parser = whole_number)]
    pub(crate) epochs: Option<usize>,
    /// Sentences per batch
    #[arg(long, alias = "per_device_train_batch_size")]
    pub(crate) batch_size: Option<usize>,
    /// Batches per optimizer step
    #[arg(long, value_name = "N", alias = "gradient_accumulation_steps")]
    pub(crate) grad_accumulation: Option<usize>,
    /// Learning rate after the warm-up
    #[arg(long, alias = "learning_rate", allow_negative_numbers = true)]
    pub(crate) learning_rate: Option<f64>,
    /// Weight decay, on everything but biases and LayerNorm
    #[arg(long, alias = "weight_decay", allow_negative_numbers = true)]
    pub(crate) weight_decay: Option<f64>,
    /// Fraction of the steps over which the learning rate warms up
    #[arg(long, alias = "warmup_ratio", allow_negative_numbers = true)]
    pub(crate) warmup_ratio: Option<f64>,
    /// Maximum length of a sentence in tokens; longer ones are cut
    #[arg(long, alias = "max_seq_length")]
    pub(crate) max_length: Option<usize>,
    /// Clip gradients at this global norm
    #[arg(long, alias = "max_grad_norm", allow_negative_numbers = true)]
    pub(crate) max_gradient_norm: Option<f64>,
    /// Use only the first N training rows
    #[arg(long, value_name = "N", alias = "max_train_samples")]
    pub(crate) max_train_samples: Option<usize>,
    /// Use only the first N dev rows
    #[arg(long, value_name = "N", alias = "max_eval_samples")]
    pub(crate) max_eval_samples: Option<usize>,
    /// Predict sets without labels too, after the last epoch of every run: `test` for all that the task has, or names of
    /// sets
    #[arg(long, value_delimiter = ',', value_name = "SET,...")]
    pub(crate) predict: Option<Vec<String>>,
    /// `--predict test`, under the name of run_glue.py
    #[arg(long = "do_predict", hide = true)]
    pub(crate) do_predict: bool,
    /// Write the files that GLUE's server takes into this folder; implies --predict test
    #[arg(long, value_name = "DIR")]
    pub(crate) submission: Option<PathBuf>,
    /// The run whose predictions are submitted [default: the last arm's run with the best dev score]
    #[arg(long, value_name = "ARM[:SEED]", value_parser = submitted, requires = "submission")]
    pub(crate) submit: Option<Submitted>,
    /// How sentences are put into batches
    #[arg(long, value_enum)]
    pub(crate) batching: Option<BatchingName>,
    /// `--batching bucketed`, under the name of run_glue.py
    #[arg(long = "group_by_length", hide = true, conflicts_with = "batching")]
    pub(crate) group_by_length: bool,
    /// Pad every batch to --max-length instead of to its longest sentence; implies --batching shuffled unless
    /// another is given
    #[arg(long, alias = "pad_to_max_length")]
    pub(crate) pad_to_max_length: bool,
    /// Precision of the linear layers, if the device has it; parameters and optimizer stay f32
    #[arg(long, value_enum)]
    pub(crate) precision: Option<PrecisionName>,
    /// `--precision f16`, under the name of run_glue.py
    #[arg(long = "fp16", hide = true, conflicts_with_all = ["precision", "bf16"])]
    pub(crate) fp16: bool,
    /// `--precision bf16`, under the name of run_glue.py
    #[arg(long = "bf16", hide = true, conflicts_with = "precision")]
    pub(crate) bf16: bool,
    /// Accepted because run_glue.py needs it; this program always trains
    #[arg(long = "do_train", hide = true)]
    pub(crate) do_train: bool,
    /// Accepted because run_glue.py needs it; this program always evaluates
    #[arg(long = "do_eval", hide = true)]
    pub(crate) do_eval: bool,
    /// Recompute each layer's activations in the backward pass: less memory, more time
    #[arg(long, alias = "gradient_checkpointing")]
    pub(crate) gradient_checkpointing: bool,
    #[command(flatten)]
    pub(crate) devices: DeviceOptions,
    /// Devices of one kind to train on in place of --device, such as cuda:0,cuda:1
    #[arg(
        long = "devices",
        value_delimiter = ',',
        value_name = "DEVICE,...",
        conflicts_with_all = ["device", "jobs"]
    )]
    pub(crate) several_devices: Option<Vec<DeviceName>>,
    /// How they share the work: each with runs of its own, or all with a share of each batch [default: runs]
    #[arg(long, value_enum, requires = "several_devices", value_name = "WHAT")]
    pub(crate) parallel: Option<ParallelName>,
    /// Runs to train at the same time, each with its share of the threads; results do not depend on it [default:
    /// one per thread on the CPU as long as they need little memory, 1 elsewhere]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Train only every Nth pair of runs from the Ith, counted from 1, and record it in runs.I-of-N.jsonl of --out. All arms
    /// of a seed are in one share. Processes of different shares may run at the same time, on several machines that share
    /// the folder, with the same other options; then --merge, or the command without --shard, makes one study of them
    #[arg(long, value_name = "I/N", conflicts_with_all = ["merge", "bench_steps", "bench_noise"])]
    pub(crate) shard: Option<Shard>,
    /// Train nothing: make one study of what --shard has recorded, with its summary and report; runs that are missing are named
    #[arg(long, conflicts_with_all = ["bench_steps", "bench_noise"])]
    pub(crate) merge: bool,
    /// Let runs on different kinds of devices be one study, whose report says which run is on which; runs on cuda:0 and
    /// cuda:1 are one study anyway
    #[arg(long)]
    pub(crate) mixed_devices: bool,
    /// Folder for runs.jsonl, summary.json and the report [default: a folder under out/, named after the program]
    #[arg(long, value_name = "DIR", alias = "output_dir")]
    pub(crate) out: Option<PathBuf>,
    /// Minutes between checkpoints of a run in progress, such as 2.5; 0 for the ends of epochs alone. With a checkpoint, the
    /// same command continues within the run, bit for bit. One is also written when the program is asked to stop, and
    /// at the end of an epoch if a tenth of the time has passed
    #[arg(long, value_name = "MINUTES", default_value = "10", value_parser = minutes, allow_negative_numbers = true)]
    pub(crate) checkpoint_minutes: Duration,
    /// Write no checkpoints: a run that is interrupted starts again from its beginning, or from a checkpoint that is there
    #[arg(long, conflicts_with = "checkpoint_minutes")]
    pub(crate) no_checkpoints: bool,
    /// Finetuned models to save, each as a Hugging Face snapshot in models/ARM-seedN of --out [default: none]
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(crate) save_model: Option<SaveModelName>,
    /// Type of the saved weights [default: f32]
    #[arg(long, value_enum, requires = "save_model", value_name = "DTYPE")]
    pub(crate) save_dtype: Option<SaveDtypeName>,
    /// File of the saved weights [default: safetensors]
    #[arg(long, value_enum, requires = "save_model", value_name = "FORMAT")]
    pub(crate) save_format: Option<SaveFormatName>,
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

impl StudyArguments {
    /// Starts from the preset for XTREME's tasks, unless `--preset` names another.
    #[must_use]
    pub fn for_xtreme(mut self) -> Self {
        self.preset = self.preset.or(Some(&XTREME));
        self
    }
}
