//! A task's training file and evaluation sets, tokenized once for all runs.

use std::borrow::Cow;

use encoders::{Encodings, Tokenizer};
use rayon::prelude::*;
use study::data::FileSummary;
use study::record::Provenance;
use study::{DataSummary, StudyError};
use tasks::{Example, Source, Split, SplitFacts, Targets, Task, counted};

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
    /// The sets to predict that cannot be scored, with their names and sentences; see [`read_unlabelled`
    /// ](Self::read_unlabelled).
    pub unlabelled_sets: Vec<(String, Encodings)>,
    /// What is worth knowing about the files.
    pub summary: DataSummary,
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
        let train = shortened(task.read_train()?, max_train);
        let mut sets = Vec::new();
        for set in task.labelled_sets() {
            let read = task.read_evaluation_set(&set.name)?;
            sets.push((set, shortened(read, max_eval)));
        }
        let file = |set: &str, source: &Source, split: &Split, shared_with_train| FileSummary {
            set: set.to_owned(),
            file: source.path.display().to_string(),
            facts: SplitFacts::of(split, task.outputs()),
            shared_with_train,
            rows: split.rows.clone(),
        };
        let trained = FileSummary {
            // All but those of the other part.
            rows: None,
            ..file("train", task.train(), &train, 0)
        };
        let mut summary = DataSummary {
            files: vec![trained],
        };
        let mut notes = train.notes.clone();
        for (set, split) in &sets {
            notes.extend(split.notes.iter().cloned());
            notes.extend(equal_scores(&set.name, split));
            let shared = split.shared_with(&train);
            let files = &mut summary.files;
            files.push(file(&set.name, &set.source, split, shared));
        }
        notes.extend(summary.warnings());
        let mut examples = |set: &str, split| -> Result<Examples, FinetuneError> {
            let (examples, cut) = Examples::tokenized(split, tokenizer)?;
            notes.extend(said_of_cuts(set, cut, examples.len(), tokenizer));
            Ok(examples)
        };
        let train = examples("train", train)?;
        let sets = sets
            .into_iter()
            .map(|(set, split)| Ok((set.name.clone(), examples(&set.name, split)?)));
        let evaluation_sets = sets.collect::<Result<_, FinetuneError>>()?;
        Ok(Self {
            task,
            train,
            evaluation_sets,
            unlabelled_sets: Vec::new(),
            summary,
            notes,
            pad_token_id,
        })
    }

    /// Reads and tokenizes sets without labels, so that runs predict them too.
    ///
    /// # Errors
    /// [`FinetuneError::Task`] if a file cannot be used, [`FinetuneError::Encoder`] if a sentence cannot be
    /// tokenized.
    pub fn read_unlabelled(
        &mut self,
        tokenizer: &Tokenizer,
        sets: &[&str],
    ) -> Result<(), FinetuneError> {
        for &set in sets {
            let split = self.task.read_evaluation_set(set)?;
            self.notes.extend(split.notes.iter().cloned());
            let sets = self.task.evaluation_sets().iter();
            let source = sets
                .filter(|other| other.name == set)
                .map(|set| &set.source);
            self.summary.files.extend(source.map(|source| FileSummary {
                set: set.to_owned(),
                file: source.path.display().to_string(),
                facts: SplitFacts::of(&split, self.task.outputs()),
                shared_with_train: 0,
                rows: split.rows.clone(),
            }));
            let (encodings, cut) = encoded(&split, tokenizer)?;
            let notes = said_of_cuts(set, cut, encodings.len(), tokenizer);
            self.notes.extend(notes);
            self.unlabelled_sets.push((set.to_owned(), encodings));
        }
        Ok(())
    }

    /// The first evaluation set, which gives a run its headline score.
    pub fn dev(&self) -> &Examples {
        let (_, examples) = &self.evaluation_sets[0];
        examples
    }
}

/// The tokens of every text, and how many texts were cut.
fn encoded(split: &Split, tokenizer: &Tokenizer) -> Result<(Encodings, usize), FinetuneError> {
    fn texts(example: &Example) -> (&str, Option<&str>) {
        (example.sentence.as_str(), example.sentence2.as_deref())
    }
    let encodings = tokenizer.encode_flat(split.examples.iter().map(texts))?;
    let longest = tokenizer.max_length();
    let cuts = split.examples.par_iter().enumerate().map(|(at, example)| {
        // A text that ends before the longest is whole; others are read to their ends to see.
        Ok(encodings.length(at) >= longest && tokenizer.cuts(texts(example))?)
    });
    let cuts: Vec<bool> = cuts.collect::<Result<_, FinetuneError>>()?;
    Ok((encodings, cuts.into_iter().filter(|is_cut| *is_cut).count()))
}

/// Says so if texts of a set were cut.
fn said_of_cuts(set: &str, cut: usize, texts: usize, tokenizer: &Tokenizer) -> Option<String> {
    (cut > 0).then(|| {
        format!(
            "{set}: {cut} of {} longer than {} tokens, and cut",
            counted(texts, "text"),
            tokenizer.max_length()
        )
    })
}

/// Says so if a set's scores are all equal: no prediction correlates with them.
fn equal_scores(set: &str, split: &Split) -> Option<String> {
    let Some(Targets::Scores(scores)) = &split.targets else {
        return None;
    };
    let (first, rest) = scores.split_first()?;
    rest.iter()
        .all(|score| score == first)
        .then(|| format!("{set}: every label is {first}, so its correlations are undefined"))
}

/// Keeps the first `max` rows.
fn shortened(mut split: Split, max: Option<usize>) -> Split {
    let used = max.unwrap_or(split.count).min(split.count);
    split.examples.truncate(used);
    if let Some(rows) = &mut split.rows {
        rows.truncate(used);
    }
    if let Some(targets) = &mut split.targets {
        targets.truncate(used);
    }
    split
}

impl Examples {
    /// Tokenizes a labelled file; with the number of texts that were cut.
    fn tokenized(split: Split, tokenizer: &Tokenizer) -> Result<(Self, usize), FinetuneError> {
        let (encodings, cut) = encoded(&split, tokenizer)?;
        let examples = Self {
            encodings,
            targets: split
                .targets
                .expect("a task trains on and scores only labelled files"),
            provenance: Provenance {
                rows: split.count,
                used: split.examples.len(),
                sha256: split.sha256,
            },
        };
        Ok((examples, cut))
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

    /// The examples that are wanted, in their order.
    pub(crate) fn select(&self, wanted: &[bool]) -> Self {
        fn of<T: Copy>(all: &[T], wanted: &[bool]) -> Vec<T> {
            let pairs = all.iter().zip(wanted);
            pairs
                .filter(|(_, wanted)| **wanted)
                .map(|(one, _)| *one)
                .collect()
        }
        let targets = match &self.targets {
            Targets::Classes(classes) => Targets::Classes(of(classes, wanted)),
            Targets::Scores(scores) => Targets::Scores(of(scores, wanted)),
        };
        let mut provenance = self.provenance.clone();
        provenance.used = targets.len();
        Self {
            encodings: self.encodings.select(wanted),
            targets,
            provenance,
        }
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
