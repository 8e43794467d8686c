//! Text, a vocabulary and a run that takes seconds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use encoders::{BertConfig, ClassifierPooling, HiddenAct};
use pretrain::{DataSummary, Documents, HeldOut, Observer, Recipe, RunConfig, Step, Vocabulary};

const WORDS: [&str; 24] = [
    "harbour",
    "lantern",
    "winter",
    "unwatchable",
    "quietly",
    "the",
    "a",
    "of",
    "film",
    "plays",
    "watching",
    "rewatched",
    "storm",
    "under",
    "glass",
    "mirrors",
    "and",
    "or",
    "never",
    "again",
    "slow",
    "slower",
    "slowest",
    "it's",
];

/// A document with this many sentences; different numbers give different documents.
pub(crate) fn document(number: usize, sentences: usize) -> String {
    let mut state = number as u64 + 1;
    let mut word = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        WORDS[(state >> 40) as usize % WORDS.len()]
    };
    let mut sentence = |length: usize| {
        let words: Vec<&str> = (0..length).map(|_| word()).collect();
        format!("Then {}.", words.join(" "))
    };
    let sentences: Vec<String> = (0..sentences)
        .map(|i| sentence(4 + (number + i) % 9))
        .collect();
    sentences.join(" ")
}

pub(crate) fn documents(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| document(number, 3 + number % 5))
        .collect()
}

pub(crate) fn vocabulary() -> Vocabulary {
    Vocabulary::train(&documents(50), 90).expect("enough text")
}

pub(crate) fn recipe() -> Recipe {
    Recipe {
        seed: 1,
        steps: 8,
        decay_steps: 0,
        warmup_steps: 2,
        batch_size: 4,
        length: 24,
        dropout: 0.1,
        held_out_every: 10,
        ..Recipe::default()
    }
}

pub(crate) fn encoder() -> BertConfig {
    BertConfig {
        model_type: "bert".to_owned(),
        vocab_size: 90,
        hidden_size: 16,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 24,
        hidden_act: HiddenAct::Gelu,
        hidden_dropout_prob: 0.1,
        attention_probs_dropout_prob: 0.1,
        classifier_dropout: None,
        max_position_embeddings: 32,
        type_vocab_size: 2,
        initializer_range: 0.02,
        layer_norm_eps: 1e-12,
        pad_token_id: Some(0),
        position_embedding_type: "absolute".to_owned(),
        classifier_pooling: ClassifierPooling::Cls,
        is_decoder: false,
    }
}

/// A run on a text file that is written here.
pub(crate) fn run_in(folder: &Path) -> RunConfig {
    let text = folder.join("text.txt");
    std::fs::write(&text, documents(60).join("\n")).expect("a file");
    RunConfig {
        texts: vec![text],
        documents: Documents::Lines,
        exclude: Vec::new(),
        encoder: encoder(),
        recipe: recipe(),
        out: folder.join("out"),
        checkpoint_every: Duration::from_secs(600),
        log_every: 2,
        evaluate_every: 3,
    }
}

/// Files and folders, removed with the value.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn with(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        path
    }
}

/// Remembers the losses.
#[derive(Default)]
pub(crate) struct Losses {
    pub(crate) losses: Vec<f64>,
    pub(crate) held_out: Vec<(usize, HeldOut)>,
    pub(crate) first: usize,
    pub(crate) torn: Option<usize>,
}

impl Observer for Losses {
    fn torn_line(&mut self, path: &Path, line: usize) {
        assert!(path.ends_with("log.jsonl"), "{}", path.display());
        self.torn = Some(line);
    }

    fn prepared(&mut self, _data: &DataSummary, step: usize, _steps: usize) {
        self.first = step;
    }

    fn step(&mut self, step: &Step) {
        self.losses.push(step.loss);
    }

    fn held_out(&mut self, step: usize, scores: &HeldOut) {
        self.held_out.push((step, *scores));
    }
}
