//! A task's training file and evaluation sets, tokenized once for all runs.

use std::borrow::Cow;

use encoders::{Encodings, Tokenizer};
use study::StudyError;
use study::record::Provenance;
use tasks::{Outputs, Split, Targets, Task};

use crate::error::FinetuneError;

/// Tokenized examples with their labels.
#[derive(Clone, Debug)]
pub struct Examples {
    /// One for each sentence or pair.
    pub encodings: Encodings,
    /// Their labels, as many as `encodings`.
    pub targets: Targets,
    /// The rows of the file that they come from.
    pub provenance: Provenance,
}

/// A task with its training file and the evaluation sets that can be scored.
#[derive(Clone, Debug)]
pub struct TaskData {
    /// The task.
    pub task: Task,
    /// The training examples.
    pub train: Examples,
    /// The labelled evaluation sets with their names, in the task's order; at least one.
    pub evaluation_sets: Vec<(String, Examples)>,
    /// Anything suspicious about the files, one line each.
    pub notes: Vec<String>,
    /// The tokenizer's pad token.
    pub pad_token_id: u32,
}

impl TaskData {
    /// Reads the task's training file and its labelled evaluation sets, and tokenizes them.
    ///
    /// A maximum takes the first rows of a file, the same in every run of a study, as transformers'
    /// `--max_train_samples` does.
    ///
    /// # Errors
    /// [`FinetuneError::Task`] if a file cannot be used, [`FinetuneError::Encoder`] if a sentence
    /// cannot be tokenized, [`StudyError::Setting`] for a maximum of 0.
    pub fn read(
        task: Task,
        tokenizer: &Tokenizer,
        pad_token_id: u32,
        max_train: Option<usize>,
        max_eval: Option<usize>,
    ) -> Result<Self, FinetuneError> {
        for (name, max) in [
            ("max train samples", max_train),
            ("max eval samples", max_eval),
        ] {
            if max == Some(0) {
                return Err(StudyError::setting(name, 0, "at least 1").into());
            }
        }
        let mut notes = Vec::new();
        let mut examples = |mut split: Split, max| {
            notes.append(&mut split.notes);
            Examples::tokenized(split, tokenizer, max)
        };
        let train = examples(task.read_train()?, max_train)?;
        let mut evaluation_sets = Vec::new();
        for set in task.labelled_sets() {
            let read = task.read_evaluation_set(&set.name)?;
            evaluation_sets.push((set.name.clone(), examples(read, max_eval)?));
        }
        if let (Targets::Classes(classes), Outputs::Classes(names)) =
            (&train.targets, task.outputs())
            && let Some((first, rest)) = classes.split_first()
            && rest.iter().all(|class| class == first)
        {
            notes.push(format!(
                "every training example has the label {}: there is nothing to tell apart",
                names[*first]
            ));
        }
        Ok(Self {
            task,
            train,
            evaluation_sets,
            notes,
            pad_token_id,
        })
    }

    /// The first evaluation set, which gives a run its headline score.
    pub fn dev(&self) -> &Examples {
        let (_, examples) = &self.evaluation_sets[0];
        examples
    }
}

impl Examples {
    /// Tokenizes a labelled file, or its first `max` rows.
    fn tokenized(
        split: Split,
        tokenizer: &Tokenizer,
        max: Option<usize>,
    ) -> Result<Self, FinetuneError> {
        let used = max.unwrap_or(split.count).min(split.count);
        let encodings = tokenizer.encode_flat(
            split.examples[..used]
                .iter()
                .map(|example| (example.sentence.as_str(), example.sentence2.as_deref())),
        )?;
        let mut targets = split
            .targets
            .expect("a task trains on and scores only labelled files");
        targets.truncate(used);
        Ok(Self {
            encodings,
            targets,
            provenance: Provenance {
                rows: split.count,
                used,
                sha256: split.sha256,
            },
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.encodings.len()
    }

    /// The first `count` examples, or all if there are fewer.
    pub fn first(&self, count: usize) -> Cow<'_, Self> {
        if count >= self.len() {
            return Cow::Borrowed(self);
        }
        let mut targets = self.targets.clone();
        targets.truncate(count);
        Cow::Owned(Self {
            encodings: self.encodings.first(count),
            targets,
            provenance: Provenance {
                used: count,
                ..self.provenance.clone()
            },
        })
    }

    /// The tokens of each example, special tokens included.
    pub fn lengths(&self) -> Vec<usize> {
        (0..self.len()).map(|i| self.encodings.length(i)).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.encodings.is_empty()
    }
}
