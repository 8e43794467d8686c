//! A task's splits, tokenized once for all runs.

use std::borrow::Cow;
use std::path::Path;

use encoders::{Encoding, Tokenizer};
use study::StudyError;
use study::record::Provenance;
use tasks::{SplitName, TaskSpec};

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
    /// cannot be tokenized, [`StudyError::Setting`] for a maximum of 0.
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
            if max == Some(0) {
                return Err(StudyError::setting(name, 0, "at least 1").into());
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
}
