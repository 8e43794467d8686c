//! The command line.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use devices::Backend;
use predict::{Batching, Format, Input, Lines, PredictError, Settings, Text};
use program::source::{Source, Wanted};
use program::{DeviceOptions, Failure};
use tasks::TextTable;

/// Predicts texts with a finetuned encoder.
///
/// Texts are arguments, or come from a file, or are the lines of standard input. They are taken as they are; only the
/// end of a line (LF or CRLF) is removed. Predictions are in the order of the texts.
#[derive(Debug, Parser)]
#[command(name = "predict", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The texts; with --pair, the two texts of each pair, one after the other
    #[arg(value_name = "TEXT", conflicts_with = "input")]
    texts: Vec<String>,
    /// A finetuned model: a folder with config.json, model.safetensors and a tokenizer, or hf:OWNER/NAME[@REVISION]
    #[arg(long, value_name = "SOURCE", required_unless_present = "list_devices")]
    model: Option<Source>,
    /// A file of texts: .csv, .tsv or .jsonl, also as .gz, or .parquet, with named columns; any other has a text per line
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Lines hold two texts, separated by a tab, whatever the file's ending is
    #[arg(long)]
    pair: bool,
    /// The column of the text, or of the first of a pair [default: guessed as for training]
    #[arg(
        long,
        value_name = "NAME",
        alias = "text_column",
        requires = "input",
        conflicts_with = "pair"
    )]
    text_column: Option<String>,
    /// The column of the second text of a pair
    #[arg(
        long,
        value_name = "NAME",
        alias = "text_pair_column",
        requires = "text_column"
    )]
    text_pair_column: Option<String>,
    /// How to write predictions [default: table on a terminal, otherwise jsonl]
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// The file for the predictions, which the same command continues after an interruption [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Count rows that cannot be read instead of ending with the first
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Cut texts at this many tokens [default: model_max_length of tokenizer_config.json, else the model's positions]
    #[arg(long, value_name = "TOKENS", alias = "max_length")]
    max_length: Option<usize>,
    /// Most texts of a batch; predictions depend on it by rounding at most [default: what suits the device]
    #[arg(long, value_name = "TEXTS")]
    batch_size: Option<usize>,
    /// Show no progress and no notes
    #[arg(long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) devices: DeviceOptions,
}

/// [`Format`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// Label, score and text, to look at
    Table,
    /// An object per line: text, text_pair, label, score, logits
    Jsonl,
    /// The same as columns separated by tabs, below a header; tabs and line ends of a text are \t, \n and \r
    Tsv,
}

/// What messages call the stream.
pub(crate) const STANDARD_INPUT: &str = "standard input";

impl Arguments {
    /// The model's source, and what to look for there.
    pub(crate) fn model(&self) -> Option<(&Source, Wanted)> {
        // The bundled encoder was pretrained only: it has no head to predict with.
        let wanted = Wanted {
            bundled: None,
            ..Wanted::model()
        };
        self.model.as_ref().map(|model| (model, wanted))
    }

    /// How to predict.
    pub(crate) fn settings(&self) -> Settings {
        let batching = match self.devices.device.backend {
            Backend::Flex => Batching::Packed {
                tokens: Batching::TOKENS,
                texts: self.batch_size.unwrap_or(usize::MAX),
            },
            _ => Batching::Padded {
                texts: self.batch_size.unwrap_or(Batching::TEXTS),
            },
        };
        Settings {
            max_length: self.max_length,
            batching,
        }
    }

    /// The format of the predictions.
    pub(crate) fn format(&self) -> Result<Format, Failure> {
        let is_shown = self.output.is_none() && std::io::stdout().is_terminal();
        match (self.format, &self.output) {
            (Some(FormatName::Table), Some(_)) => Err(Failure::usage(
                "--format table with --output; accepted for a file are jsonl and tsv, which can be continued",
            )),
            (Some(FormatName::Table), None) => Ok(Format::Table),
            (Some(FormatName::Jsonl), _) => Ok(Format::JsonLines),
            (Some(FormatName::Tsv), _) => Ok(Format::Tsv),
            (None, _) if is_shown => Ok(Format::Table),
            (None, _) => Ok(Format::JsonLines),
        }
    }

    /// Whether texts come from standard input.
    pub(crate) fn reads_standard_input(&self) -> bool {
        self.texts.is_empty() && self.input.is_none()
    }

    /// Whether texts come from a pipe or a device, by its path.
    pub(crate) fn reads_a_pipe(&self) -> bool {
        let metadata = self.input.as_ref().map(std::fs::metadata);
        metadata.is_some_and(|metadata| metadata.is_ok_and(|metadata| !metadata.is_file()))
    }

    /// Opens what has the texts.
    pub(crate) fn input(&self) -> Result<Input, Failure> {
        let Some(path) = &self.input else {
            return match self.texts.is_empty() {
                true => Ok(Input::Lines(Lines::new(
                    STANDARD_INPUT,
                    std::io::stdin(),
                    self.pair,
                ))),
                false => self.given().map(Input::Given),
            };
        };
        if self.pair || !TextTable::is_at(path) {
            if let Some(column) = &self.text_column {
                return Err(no_columns(path, column));
            }
            let lines = Lines::open(path, self.pair).map_err(Failure::world)?;
            return Ok(Input::Lines(lines));
        }
        let [first, second] = [&self.text_column, &self.text_pair_column].map(Option::as_deref);
        Input::table(path, first, second, self.skip_bad).map_err(Failure::world)
    }

    /// The texts among the arguments.
    fn given(&self) -> Result<Vec<Text>, Failure> {
        if !self.pair {
            let texts = self.texts.iter().map(|text| Text {
                text: text.clone(),
                text_pair: None,
            });
            return Ok(texts.collect());
        }
        let (pairs, rest) = self.texts.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(Failure::usage(format_args!(
                "{} texts with --pair; accepted is an even number",
                self.texts.len()
            )));
        }
        let pairs = pairs.iter().map(|[first, second]| Text {
            text: first.clone(),
            text_pair: Some(second.clone()),
        });
        Ok(pairs.collect())
    }
}

fn no_columns(path: &Path, column: &str) -> Failure {
    Failure::usage(format_args!(
        "--text-column {column} with {}, a file of lines; accepted is a file whose name ends in .csv, .tsv, .jsonl or .parquet",
        path.display()
    ))
}

/// Classifies an error before the first text: an option out of range is the fault of the arguments.
pub(crate) fn not_opened(error: PredictError) -> Failure {
    match error {
        PredictError::Setting { .. }
        | PredictError::Encoder(encoders::EncoderError::MaxLength { .. }) => Failure::usage(error),
        other => Failure::world(other),
    }
}
