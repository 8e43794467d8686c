//! The files of a model, whichever of its forms a repository has.

use std::collections::{BTreeMap, BTreeSet};

use files::FileError;
use serde::Deserialize;

use crate::checkout::Checkout;
use crate::download::{Hub, Snapshot};
use crate::error::HubError;
use crate::progress::Progress;
use crate::repository::{Repository, is_part};

/// The weights in one file.
const WHOLE: &str = "model.safetensors";
/// Which file holds which tensor, for weights in several.
const INDEX: &str = "model.safetensors.index.json";
/// The weights as PyTorch pickles them, in one file or several.
const PICKLES: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];
/// The tokenizer in one file.
const TOKENIZER: &str = "tokenizer.json";
/// The vocabularies of which a tokenizer is built where it is not in one file; a class needs those of one line.
const VOCABULARIES: [&[&str]; 2] = [&["vocab.txt"], &["vocab.json", "merges.txt"]];
/// Vocabularies of which none is built.
const OTHER_VOCABULARIES: [&str; 5] = [
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
    "bpe.codes",
];
/// Files that change the tokens that a text has.
const SETTINGS: [&str; 3] = [
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
];

impl Hub {
    /// Downloads what is not in the cache yet of a model: `config.json`, the weights, and the tokenizer with its
    /// settings.
    ///
    /// The weights are `model.safetensors`, or the files that `model.safetensors.index.json` names. The tokenizer is
    /// `tokenizer.json`, or the vocabulary of which one is built: `vocab.txt`, or `vocab.json` and `merges.txt`.
    ///
    /// # Errors
    /// [`HubError::Unreadable`] if there are pickles only, or a vocabulary of which no tokenizer is built;
    /// [`HubError::Index`] if the index names anything but files beside it; those of
    /// [`snapshot`](Self::snapshot).
    pub fn model(
        &self,
        repository: &Repository,
        progress: &mut dyn Progress,
    ) -> Result<Snapshot, HubError> {
        let checkout = self.checkout(repository)?;
        checkout.need("config.json", progress)?;
        // Before the weights, which are large.
        for file in SETTINGS {
            checkout.want(file, progress)?;
        }
        checkout.tokenizer(progress)?;
        checkout.weights(progress)?;
        Ok(checkout.into_snapshot())
    }
}

impl Checkout<'_> {
    fn tokenizer(&self, progress: &mut dyn Progress) -> Result<(), HubError> {
        if self.want(TOKENIZER, progress)? {
            return Ok(());
        }
        let mut is_whole = false;
        for files in VOCABULARIES {
            let mut has_all = true;
            for file in files {
                has_all &= self.want(file, progress)?;
            }
            is_whole |= has_all;
        }
        match is_whole {
            true => Ok(()),
            false => Err(self.without(TOKENIZER, &OTHER_VOCABULARIES, |file| {
                format!("no {TOKENIZER}, and none is built of {file} here")
            })),
        }
    }

    fn weights(&self, progress: &mut dyn Progress) -> Result<(), HubError> {
        if self.want(WHOLE, progress)? {
            return Ok(());
        }
        if !self.want(INDEX, progress)? {
            return Err(self.without(WHOLE, &PICKLES, |file| {
                format!(
                    "no {WHOLE}, and {file} is a pickle, which can run any program and is not read"
                )
            }));
        }
        for file in self.shards()? {
            self.need(&file, progress)?;
        }
        Ok(())
    }

    /// The files that the index names; their names come from the repository, and none may lead out of the folder.
    fn shards(&self) -> Result<BTreeSet<String>, HubError> {
        #[derive(Deserialize)]
        struct Index {
            weight_map: BTreeMap<String, String>,
        }
        let path = self.folder.join(INDEX);
        let text = std::fs::read(&path).map_err(|e| FileError::io(&path, e))?;
        let wrong = |reason: String| HubError::Index {
            repository: self.repository.to_string(),
            file: INDEX.to_owned(),
            reason,
        };
        let index: Index = serde_json::from_slice(&text).map_err(|e| wrong(e.to_string()))?;
        if index.weight_map.is_empty() {
            return Err(wrong("weight_map is empty".to_owned()));
        }
        for (tensor, file) in &index.weight_map {
            if !is_part(file) || !file.ends_with(".safetensors") {
                return Err(wrong(format!(
                    "weight_map puts {tensor:?} into {file:?}, accepted is a .safetensors file of the same folder"
                )));
            }
        }
        Ok(index.weight_map.into_values().collect())
    }

    /// The error for a part of the model that is missing, by what the repository has in its place.
    fn without(&self, file: &str, others: &[&str], reason: impl Fn(&str) -> String) -> HubError {
        let names = match self.names() {
            Ok(names) => names,
            Err(error) => return error,
        };
        match others
            .iter()
            .find(|other| names.iter().any(|name| name == *other))
        {
            None => self.no_file(file),
            Some(other) => {
                let name = self.repository.name();
                HubError::Unreadable {
                    repository: self.repository.to_string(),
                    reason: reason(other),
                    name: name.to_owned(),
                    revision: self.repository.revision().to_owned(),
                    folder: name.rsplit('/').next().unwrap_or(name).to_owned(),
                }
            }
        }
    }
}
