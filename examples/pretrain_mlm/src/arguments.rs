//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use encoders::{BertConfig, ClassifierPooling, HiddenAct};
use pretrain::{Documents, Recipe, RunConfig};
use program::DeviceOptions;

/// Pretrains a BERT on plain text by masked language modelling.
///
/// The same command continues where it was stopped, bit for bit. Progress goes to log.jsonl, the
/// snapshot of the latest checkpoint to snapshot/, both in the folder of the run.
#[derive(Debug, Parser)]
#[command(name = "pretrain_mlm", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Text files, .gz files of text, or folders of them
    #[arg(required_unless_present = "list_devices", value_name = "TEXT")]
    texts: Vec<PathBuf>,
    /// Folder of the run
    #[arg(long, value_name = "DIR", default_value = "out/pretrain_mlm")]
    out: PathBuf,
    /// How documents are separated within a file
    #[arg(long, value_enum, default_value_t = DocumentsName::Lines)]
    documents: DocumentsName,
    /// Files whose texts (lines, or tab-separated fields) are kept out of the corpus
    #[arg(long, value_name = "FILE", num_args = 1..)]
    exclude: Vec<PathBuf>,
    /// Maximum size of the vocabulary
    #[arg(long, default_value_t = 8_192)]
    vocabulary: usize,
    /// Layers of the encoder
    #[arg(long, default_value_t = 3)]
    layers: usize,
    /// Width of its hidden states
    #[arg(long, default_value_t = 192)]
    hidden: usize,
    /// Attention heads per layer
    #[arg(long, default_value_t = 6)]
    heads: usize,
    /// Width of the feed-forward block
    #[arg(long, default_value_t = 512)]
    intermediate: usize,
    /// Longest sequence the encoder takes, in tokens
    #[arg(long, default_value_t = 128)]
    positions: usize,
    /// Longest sequence it is trained on, in tokens
    #[arg(long, default_value_t = Recipe::default().length)]
    length: usize,
    /// Fraction of sequences that end after one sentence
    #[arg(long, default_value_t = Recipe::default().short_share)]
    short_share: f64,
    /// Fraction of tokens to predict
    #[arg(long, default_value_t = Recipe::default().masked_share)]
    masked_share: f64,
    /// Mask single word pieces instead of whole words
    #[arg(long)]
    single_pieces: bool,
    /// Optimizer steps; may change when a run is continued
    #[arg(long, default_value_t = Recipe::default().steps)]
    steps: usize,
    /// Steps over which the learning rate warms up
    #[arg(long, default_value_t = Recipe::default().warmup_steps)]
    warmup_steps: usize,
    /// Final steps, over which the learning rate falls to 0; may change when a run is continued [default: a fifth of
    /// --steps]
    #[arg(long)]
    decay_steps: Option<usize>,
    /// Learning rate between warm-up and decay
    #[arg(long, default_value_t = Recipe::default().learning_rate, allow_negative_numbers = true)]
    learning_rate: f64,
    /// Sequences per optimizer step
    #[arg(long, default_value_t = Recipe::default().batch_size)]
    batch_size: usize,
    /// Dropout while pretraining
    #[arg(long, default_value_t = Recipe::default().dropout, allow_negative_numbers = true)]
    dropout: f64,
    /// Weight decay, on everything but biases and LayerNorm
    #[arg(long, default_value_t = Recipe::default().weight_decay, allow_negative_numbers = true)]
    weight_decay: f64,
    /// Hold out every N-th document
    #[arg(long, value_name = "N", default_value_t = Recipe::default().held_out_every)]
    held_out_every: usize,
    /// Seed of all random choices
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Steps between lines of the log
    #[arg(long, value_name = "STEPS", default_value_t = 50)]
    log_every: usize,
    /// Steps between evaluations on the held-out documents
    #[arg(long, value_name = "STEPS", default_value_t = 500)]
    evaluate_every: usize,
    /// Seconds between checkpoints
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    checkpoint_every: u64,
    #[command(flatten)]
    pub(crate) devices: DeviceOptions,
}

/// [`Documents`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum DocumentsName {
    /// Each line is a document
    Lines,
    /// Blank lines separate documents
    Paragraphs,
}

impl Arguments {
    /// The run described by the options.
    pub(crate) fn run(&self) -> RunConfig {
        RunConfig {
            texts: self.texts.clone(),
            documents: match self.documents {
                DocumentsName::Lines => Documents::Lines,
                DocumentsName::Paragraphs => Documents::Paragraphs,
            },
            exclude: self.exclude.clone(),
            encoder: BertConfig {
                model_type: "bert".to_owned(),
                vocab_size: self.vocabulary,
                hidden_size: self.hidden,
                num_hidden_layers: self.layers,
                num_attention_heads: self.heads,
                intermediate_size: self.intermediate,
                hidden_act: HiddenAct::Gelu,
                hidden_dropout_prob: 0.1,
                attention_probs_dropout_prob: 0.1,
                classifier_dropout: None,
                max_position_embeddings: self.positions,
                type_vocab_size: 2,
                initializer_range: 0.02,
                layer_norm_eps: 1e-12,
                pad_token_id: Some(0),
                position_embedding_type: "absolute".to_owned(),
                classifier_pooling: ClassifierPooling::Cls,
                is_decoder: false,
            },
            recipe: Recipe {
                seed: self.seed,
                steps: self.steps,
                decay_steps: self.decay_steps.unwrap_or(self.steps / 5),
                warmup_steps: self.warmup_steps,
                learning_rate: self.learning_rate,
                batch_size: self.batch_size,
                length: self.length,
                short_share: self.short_share,
                masked_share: self.masked_share,
                whole_words: !self.single_pieces,
                dropout: self.dropout,
                weight_decay: self.weight_decay,
                held_out_every: self.held_out_every,
                ..Recipe::default()
            },
            out: self.out.clone(),
            checkpoint_every: Duration::from_secs(self.checkpoint_every),
            log_every: self.log_every,
            evaluate_every: self.evaluate_every,
        }
    }
}
