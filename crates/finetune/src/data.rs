//! A task's splits, tokenized once for all runs.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use encoders::{EncoderInput, Encoding, Tokenizer};
use serde::{Deserialize, Serialize};
use tasks::{SplitName, TaskSpec};

use burn::tensor::{Device, Int, Tensor, TensorData};
use sha2::{Digest, Sha256};

use crate::error::FinetuneError;

/// Tokenized examples with their labels.
#[derive(Clone, Debug)]
pub struct Examples {
    /// One a sentence or pair.
    pub encodings: Vec<Encoding>,
    /// The class of each, as long as `encodings`.
    pub labels: Vec<usize>,
    /// Where they come from.
    pub provenance: Provenance,
}

/// Which rows of which file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Rows of the file.
    pub rows: usize,
    /// Rows used, from the first on.
    pub used: usize,
    /// Of the file's bytes.
    pub sha256: String,
}

/// Both splits of a task.
#[derive(Clone, Debug)]
pub struct TaskData {
    /// The task.
    pub task: &'static TaskSpec,
    /// Trained on.
    pub train: Examples,
    /// Scored on.
    pub dev: Examples,
    /// The tokenizer's padding.
    pub pad_token_id: u32,
}

impl TaskData {
    /// Reads the train and dev split of a task's folder and tokenizes them.
    ///
    /// A maximum takes the first rows of the file, as transformers' `--max_train_samples` does: the
    /// same rows in every run of a study.
    ///
    /// # Errors
    /// [`FinetuneError::Task`] if a file cannot be used, [`FinetuneError::Encoder`] if a sentence
    /// cannot be tokenized, [`FinetuneError::Setting`] for a maximum of 0.
    pub fn read(
        task: &'static TaskSpec,
        folder: &Path,
        tokenizer: &Tokenizer,
        pad_token_id: u32,
        max_train: Option<usize>,
        max_dev: Option<usize>,
    ) -> Result<Self, FinetuneError> {
        for (name, max) in [
            ("max train samples", max_train),
            ("max eval samples", max_dev),
        ] {
            if let Some(max) = max {
                crate::recipe::at_least_one(name, max)?;
            }
        }
        Ok(Self {
            task,
            train: Examples::read(task, folder, SplitName::Train, tokenizer, max_train)?,
            dev: Examples::read(task, folder, SplitName::Dev, tokenizer, max_dev)?,
            pad_token_id,
        })
    }
}

impl Examples {
    fn read(
        task: &TaskSpec,
        folder: &Path,
        split: SplitName,
        tokenizer: &Tokenizer,
        max: Option<usize>,
    ) -> Result<Self, FinetuneError> {
        let read = task.read(folder, split)?;
        let used = max.unwrap_or(read.count).min(read.count);
        let examples = &read.examples[..used];
        let labels = examples
            .iter()
            .enumerate()
            .map(|(index, example)| {
                example.label.and_then(tasks::Label::class).ok_or_else(|| {
                    FinetuneError::Unlabelled {
                        split: split.to_string(),
                        index,
                    }
                })
            })
            .collect::<Result<_, _>>()?;
        let encodings = tokenizer.encode(
            examples
                .iter()
                .map(|example| (example.sentence.as_str(), example.sentence2.as_deref())),
        )?;
        Ok(Self {
            encodings,
            labels,
            provenance: Provenance {
                rows: read.count,
                used,
                sha256: read.sha256,
            },
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.encodings.len()
    }

    /// The first `count` of them, or all.
    pub fn first(&self, count: usize) -> Cow<'_, Self> {
        if count >= self.len() {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            encodings: self.encodings[..count].to_vec(),
            labels: self.labels[..count].to_vec(),
            provenance: Provenance {
                used: count,
                ..self.provenance.clone()
            },
        })
    }

    /// Tokens of each, special tokens included.
    pub fn lengths(&self) -> Vec<usize> {
        self.encodings.iter().map(|e| e.ids.len()).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.encodings.is_empty()
    }

    /// Puts the examples at these positions into a batch on the device.
    pub fn batch(&self, positions: &[usize], filling: Filling, device: &Device) -> Batch {
        let labels: Vec<i64> = positions.iter().map(|&i| self.labels[i] as i64).collect();
        let encodings = positions.iter().map(|&i| &self.encodings[i]);
        Batch {
            input: match filling {
                Filling::Padded { token, least } => {
                    EncoderInput::padded(encodings, token, least, device)
                }
                Filling::Packed => EncoderInput::packed(encodings, device),
            },
            labels: Tensor::from_data(TensorData::new(labels, [positions.len()]), device),
            tokens: positions.iter().map(|&i| self.encodings[i].ids.len()).sum(),
        }
    }
}

/// How sentences of different lengths become one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// Each is filled up to the longest.
    Padded {
        /// The tokenizer's pad token.
        token: u32,
        /// Least length of a batch, in tokens; 0 for that of the longest sentence.
        least: usize,
    },
    /// They are laid end to end.
    Packed,
}

/// Sentences with their labels, on a device.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The tokens.
    pub input: EncoderInput,
    /// `[batch]`.
    pub labels: Tensor<1, Int>,
    /// Real tokens, padding not counted.
    pub tokens: usize,
}

impl Batch {
    /// Sentences, or pairs of them.
    pub fn examples(&self) -> usize {
        let [examples] = self.labels.dims();
        examples
    }
}

/// SHA-256 of a file, in lower-case hex.
///
/// # Errors
/// [`FinetuneError::File`].
pub fn sha256_of(path: &Path) -> Result<String, FinetuneError> {
    let mut file = File::open(path).map_err(|e| FinetuneError::file(path, e))?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => hasher.update(&chunk[..read]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(FinetuneError::file(path, e)),
        }
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
