//! Snapshots of models: `encoders`.

use std::path::Path;

use burn::tensor::Device;
use encoders::{ClassifierPooling, EncoderError, Snapshot, Tokenizer};

use super::{Target, refused, target, write};
use crate::mutation::Form;

const BERT: &[u8] = include_bytes!("../../corpus/config/bert.json");
const ROBERTA: &[u8] = include_bytes!("../../corpus/config/xlm-roberta.json");
const TOKENS: &[u8] = include_bytes!("../../corpus/tokenizer/bert.json");
const WEIGHTS: &[u8] = include_bytes!("../../corpus/safetensors/bert.safetensors");

pub(super) const CONFIG: Target = target(
    "config",
    Form::Json,
    files_beside_config,
    |folder, bytes| {
        write(folder, "config.json", bytes);
        read(folder)
    },
);

pub(super) const TOKENIZER: Target = target("tokenizer", Form::Json, bert, |folder, bytes| {
    write(folder, "tokenizer.json", bytes);
    tokenizer(folder)
});

/// Of a family whose tokenizer is what the file says, where BERT's has parts of its own.
pub(super) const TOKENIZER_OF_ITS_OWN: Target = target(
    "tokenizer-of-its-own",
    Form::Json,
    |folder| write(folder, "config.json", ROBERTA),
    |folder, bytes| {
        write(folder, "tokenizer.json", bytes);
        tokenizer(folder)
    },
);

pub(super) const TOKENIZER_CONFIG: Target = target(
    "tokenizer-config",
    Form::Json,
    |folder| {
        bert(folder);
        write(folder, "tokenizer.json", TOKENS);
    },
    |folder, bytes| {
        write(folder, "tokenizer_config.json", bytes);
        tokenizer(folder)
    },
);

/// `vocab.txt`, or after the first empty line what is in `vocab.json` and after the second `merges.txt`.
pub(super) const VOCABULARY: Target = target("vocabulary", Form::Lines, bert, |folder, bytes| {
    write(folder, "vocab.txt", bytes);
    let mut messages = tokenizer(folder);
    let text = String::from_utf8_lossy(bytes);
    let (json, merges) = text.split_once("\n\n").unwrap_or((&text, ""));
    let roberta = folder.join("roberta");
    let config = String::from_utf8_lossy(ROBERTA).replace("xlm-roberta", "roberta");
    write(&roberta, "config.json", config.as_bytes());
    write(&roberta, "vocab.json", json.as_bytes());
    write(&roberta, "merges.txt", merges.as_bytes());
    messages.extend(tokenizer(&roberta));
    messages
});

pub(super) const SAFETENSORS: Target = target(
    "safetensors",
    Form::Safetensors,
    |folder| {
        bert(folder);
        write(folder, "tokenizer.json", TOKENS);
    },
    |folder, bytes| {
        write(folder, "model.safetensors", bytes);
        read(folder)
    },
);

/// The folder holds a part of the tensors, and the file with all of them is outside: whatever the index says, a model that
/// loads was read from outside.
pub(super) const SHARD_INDEX: Target = target(
    "shard-index",
    Form::Json,
    |folder| {
        bert(folder);
        write(folder, "part.safetensors", &WEIGHTS[..WEIGHTS.len() / 2]);
        let outside = std::env::temp_dir().join("fuzz-targets-outside.safetensors");
        std::fs::write(&outside, WEIGHTS).expect("a file outside");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&outside, folder.join("link.safetensors")).expect("a link");
    },
    |folder, bytes| {
        write(folder, "model.safetensors.index.json", bytes);
        let snapshot = Snapshot::open(folder).expect("the configuration is whole");
        let mut messages = Vec::new();
        let device = Device::flex();
        refused(&mut messages, snapshot.weights_sha256());
        let model = refused(&mut messages, snapshot.classifier(2, 0, &device));
        assert!(model.is_none(), "a file outside the folder was read");
        messages
    },
);

fn bert(folder: &Path) {
    write(folder, "config.json", BERT);
}

fn files_beside_config(folder: &Path) {
    write(folder, "tokenizer.json", TOKENS);
    write(folder, "model.safetensors", WEIGHTS);
}

/// Reads a snapshot as a program does that finetunes it or predicts with it.
fn read(folder: &Path) -> Vec<String> {
    let mut messages = Vec::new();
    let Some(snapshot) = refused(&mut messages, Snapshot::open(folder)) else {
        return messages;
    };
    let config = snapshot.config();
    let _ = (
        config.num_params(),
        config.matrix_flops(128),
        snapshot.labels(),
    );
    let device = Device::flex();
    refused(&mut messages, snapshot.weights_sha256());
    refused(&mut messages, snapshot.usual_max_length());
    let outputs = refused(&mut messages, snapshot.head_outputs(&device));
    if let Some(outputs) = outputs {
        let model = snapshot.finetuned_classifier(outputs.width(), &device);
        refused(&mut messages, model);
    }
    let is_line = |note: &String| !note.contains(char::is_control);
    let classes = [vec!["bad".to_owned()], vec!["good".to_owned()]];
    refused(&mut messages, snapshot.own_head(&classes, &device));
    let notes = refused(&mut messages, snapshot.classifier_notes(2, &device));
    assert!(notes.iter().flatten().all(is_line), "{notes:?}");
    let mean = snapshot
        .clone()
        .with_classifier_pooling(ClassifierPooling::Mean);
    if let Some(mean) = refused(&mut messages, mean) {
        refused(&mut messages, mean.classifier(2, 0, &device));
    }
    if let Some(loaded) = refused(&mut messages, snapshot.classifier(2, 0, &device)) {
        assert!(loaded.notes.iter().all(is_line), "{:?}", loaded.notes);
    }
    refused(&mut messages, tokenized(snapshot.tokenizer(8)));
    messages
}

fn tokenizer(folder: &Path) -> Vec<String> {
    let mut messages = Vec::new();
    let snapshot = Snapshot::open(folder).expect("the configuration is whole");
    for length in [8, 32] {
        refused(&mut messages, tokenized(snapshot.tokenizer(length)));
    }
    refused(&mut messages, snapshot.usual_max_length());
    messages
}

/// Tokenizes a few texts and pairs.
fn tokenized(tokenizer: Result<Tokenizer, EncoderError>) -> Result<(), EncoderError> {
    let tokenizer = tokenizer?;
    for (first, second) in [
        ("a fine film", None),
        ("", None),
        ("\u{301}é 漢字\u{0}\n😀 ﬁ", None),
        (
            "a b c d e f g h i j k l m n o p q r s t u v w x y z",
            Some("film"),
        ),
        ("", Some("")),
    ] {
        tokenizer.cuts((first, second))?;
        tokenizer.encode([(first, second)])?;
    }
    Ok(())
}
