//! What can be wrong with a snapshot or an input, one line each.

use std::path::{Path, PathBuf};

use files::one_line;
use thiserror::Error;

/// Converts the `pytorch_model*.bin` of a folder to `model.safetensors`; with `weights_only` PyTorch reads nothing but
/// tensors.
const CONVERT: &str = "import sys, glob, torch, safetensors.torch as s; d = sys.argv[1]; \
    w = [torch.load(f, map_location='cpu', weights_only=True) for f in glob.glob(d + '/pytorch_model*.bin')]; \
    s.save_file({k: v.clone().contiguous() for p in w for k, v in p.items()}, d + '/model.safetensors', {'format': 'pt'})";

/// How many of a file's problems a message lists.
const LISTED: usize = 3;

/// The first problems, and how many more there are.
fn first_of(problems: &[TensorProblem]) -> String {
    let listed = problems.iter().take(LISTED).map(ToString::to_string);
    let mut text = listed.collect::<Vec<_>>().join("; ");
    if let Some(more) = problems.len().checked_sub(LISTED).filter(|more| *more > 0) {
        text += &format!("; and {more} more");
    }
    text
}

/// An error of this crate: one line with the place, the value and what is accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// The snapshot folder is not there.
    #[error(
        "{}: no such folder, expected a Hugging Face snapshot with config.json, model.safetensors and tokenizer.json",
        path.display()
    )]
    NoFolder {
        /// The folder asked for.
        path: PathBuf,
    },
    /// The folder holds something else than a snapshot.
    #[error("{}: {}", path.display(), one_line(reason))]
    NoSnapshot {
        /// The folder.
        path: PathBuf,
        /// What it holds, and the way to a snapshot.
        reason: String,
    },
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `config.json` is not the configuration of an encoder this crate can run.
    #[error("{}: {}", path.display(), one_line(reason))]
    Config {
        /// The configuration file.
        path: PathBuf,
        /// The field, its value and what is accepted.
        reason: String,
    },
    /// A configuration that was not read from a file is not one this crate can run.
    #[error("{0}")]
    Setting(String),
    /// The weight file is not a readable safetensors file.
    #[error("{}: not a complete safetensors file: {}", path.display(), one_line(reason))]
    Safetensors {
        /// The weight file.
        path: PathBuf,
        /// What the format check found.
        reason: String,
    },
    /// `model.safetensors.index.json` cannot be used, or does not describe its files.
    #[error("{}: {}", path.display(), one_line(reason))]
    Index {
        /// The index.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The folder holds the weights only as a pickle.
    #[error(
        "{}: a pickle can run any program and is not read; convert it to model.safetensors with: python -c \"{CONVERT}\" '{}'",
        path.display(),
        path.with_file_name("").display()
    )]
    Pickle {
        /// The pickle.
        path: PathBuf,
    },
    /// A file is not the one that git-LFS holds, but the pointer to it.
    #[error(
        "{}: a git-LFS pointer, not the file itself; fetch it with: git -C '{}' lfs pull",
        path.display(),
        path.with_file_name("").display()
    )]
    LfsPointer {
        /// The file.
        path: PathBuf,
    },
    /// The weight file does not hold the tensors that `config.json` announces.
    #[error("{}: {}", path.display(), one_line(&first_of(problems)))]
    Tensors {
        /// The weight file.
        path: PathBuf,
        /// Every tensor that does not fit, in the checkpoint's order.
        problems: Vec<TensorProblem>,
    },
    /// The checkpoint's own head cannot serve a task.
    #[error("{}: {}; accepted here is a fresh head", path.display(), one_line(reason))]
    Head {
        /// The snapshot's folder.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The model has no pooler that could be drawn.
    #[error("{}: a model of type `{model_type}`{pooling} has no pooler apart from its head, which is drawn in any case", path.display())]
    NoPooler {
        /// The snapshot's folder.
        path: PathBuf,
        /// The family.
        model_type: String,
        /// What the classifier reads, if that is why.
        pooling: &'static str,
    },
    /// The family's classifier reads what it reads.
    #[error("{}: classifier_pooling is `{pooling}`, accepted for a model of type `{model_type}` is none; only `bert` and `modernbert` have a choice", path.display())]
    NoPooling {
        /// The snapshot's folder.
        path: PathBuf,
        /// What was asked for.
        pooling: &'static str,
        /// The family.
        model_type: String,
    },
    /// The checkpoint has no head to predict with.
    #[error("{}: a checkpoint without a head predicts nothing: finetune it first", path.display())]
    NoHead {
        /// The snapshot's folder.
        path: PathBuf,
    },
    /// A model has no parameter of the selected roles.
    #[error("the model has no {what}")]
    NoParameters {
        /// The selection, in words.
        what: &'static str,
    },
    /// A snapshot cannot be written.
    #[error("{}: cannot be written: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file of the tokenizer cannot be used.
    #[error("{}: {}", path.display(), one_line(reason))]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What the tokenizers library said, or what does not fit.
        reason: String,
    },
    /// A text cannot be encoded.
    #[error("cannot tokenize: {}", one_line(.0))]
    Encode(String),
    /// A sequence is longer than the position embedding, or the longest allowed length is too short.
    #[error("max length is {max_length} tokens, accepted is {least} to {most}")]
    MaxLength {
        /// The length asked for.
        max_length: usize,
        /// Room for the special tokens of a pair.
        least: usize,
        /// The most positions that the model tells apart.
        most: usize,
    },
}

impl EncoderError {
    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// A tensor of a checkpoint that does not fit the module, named as the checkpoint names it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TensorProblem {
    /// The module needs a tensor that the file does not hold.
    #[error("missing tensor `{name}` of shape {expected:?}")]
    Missing {
        /// Name in the checkpoint, or the path in the module where the file is of this project.
        name: String,
        /// Shape by `config.json`.
        expected: Vec<usize>,
    },
    /// The file holds a tensor that the module has no place for.
    #[error("unexpected tensor `{name}` of shape {found:?}")]
    Unexpected {
        /// Name in the checkpoint.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// The shapes differ.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// Name in the checkpoint.
        name: String,
        /// Shape by `config.json`.
        expected: Vec<usize>,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// The element type is not a float.
    #[error("tensor `{name}` has dtype {found}, accepted are F64, F32, F16 and BF16")]
    DType {
        /// Name in the checkpoint.
        name: String,
        /// Type in the file.
        found: String,
    },
    /// Some values are no numbers to compute with.
    #[error("tensor `{name}` has {count} NaN or infinite values, the first at {first:?}")]
    NotFinite {
        /// Name in the checkpoint.
        name: String,
        /// How many there are.
        count: usize,
        /// Index of the first along each dimension.
        first: Vec<usize>,
    },
    /// Two names of the file mean the same parameter.
    #[error("tensors `{first}` and `{second}` are the same parameter")]
    Duplicate {
        /// One name.
        first: String,
        /// The other.
        second: String,
    },
}
