//! Text, vocabulary and progress of a run: `pretrain`.

use std::path::Path;

use pretrain::{Checkpoint, Corpus, Documents, Exclusion, Recipe, Vocabulary};
use serde_json::{Value, json};

use super::{Target, refused, target, write};
use crate::mutation::Form;

const BERT: &[u8] = include_bytes!("../../corpus/config/bert.json");
const TOKENIZER: &[u8] = include_bytes!("../../corpus/tokenizer/bert.json");
const CUT: &[u8] = include_bytes!("../../corpus/tokenizer/cut-in-the-decoder.json");

/// What is pretrained on, and what must not be.
pub(super) const TEXT: Target = target(
    "text",
    Form::Lines,
    |_| {},
    |folder, bytes| text(folder, "text.txt", bytes),
);

/// Packed a thousand times at most by gzip's own rules.
pub(super) const TEXT_GZIP: Target = Target {
    per_byte: 8_000,
    ..target(
        "text-gzip",
        Form::Bytes,
        |_| {},
        |folder, bytes| text(folder, "text.txt.gz", bytes),
    )
};

/// `tokenizer.json` of a run that is continued.
pub(super) const VOCABULARY: Target = Target {
    made: || {
        vec![
            ("made whole".to_owned(), TOKENIZER.to_vec()),
            ("made cut".to_owned(), CUT.to_vec()),
        ]
    },
    ..target(
        "pretraining-vocabulary",
        Form::Json,
        |_| {},
        |folder, bytes| {
            let mut messages = Vec::new();
            write(folder, "tokenizer.json", bytes);
            let vocabulary = Vocabulary::load(folder.join("tokenizer.json"));
            if let Some(vocabulary) = refused(&mut messages, vocabulary) {
                let texts = vec!["a fine film", "", "films that are bad"];
                if let Some(ids) = refused(&mut messages, vocabulary.encode(texts)) {
                    for id in ids.into_iter().flatten() {
                        let _ = vocabulary.continues(id);
                    }
                }
                refused(&mut messages, vocabulary.to_json());
            }
            messages
        },
    )
};

/// `progress.json` of a checkpoint.
pub(super) const PROGRESS: Target = Target {
    made: || {
        let bert: Value = serde_json::from_slice(BERT).expect("a configuration");
        let progress = json!({
            "step": 3, "tokens": 700, "masked": 90, "seconds": 1.5, "data_sha256": "00",
            "encoder": bert, "recipe": Recipe::default(),
        });
        vec![(
            "made progress".to_owned(),
            progress.to_string().into_bytes(),
        )]
    },
    ..target(
        "pretraining-progress",
        Form::Json,
        |_| {},
        |folder, bytes| {
            let mut messages = Vec::new();
            write(folder, "checkpoints/00000003/progress.json", bytes);
            let latest = refused(&mut messages, Checkpoint::latest(folder)).flatten();
            if let Some(latest) = latest {
                refused(&mut messages, latest.state.recipe.validate());
                refused(&mut messages, latest.check(&latest.state));
            }
            messages
        },
    )
};

fn text(folder: &Path, name: &str, bytes: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    write(folder, name, bytes);
    let paths = [folder.join(name)];
    for separated in [Documents::Lines, Documents::Paragraphs] {
        refused(&mut messages, Corpus::read(&paths, separated));
    }
    if let Some(exclusion) = refused(&mut messages, Exclusion::read(&paths)) {
        let _ = exclusion.contains("a sentence of eight words that nobody wrote before");
    }
    messages
}
