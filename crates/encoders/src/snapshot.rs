//! A Hugging Face snapshot folder.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::Device;
use serde_json::Value;

use crate::check::{self, Checked, Head, Held};
use crate::classifier::Classifier;
use crate::config::{self, EncoderConfig};
use crate::error::EncoderError;
use crate::family::AnyFamily;
use crate::family::bert::BertForMaskedLM;
use crate::names::Names;
use crate::pooling::ClassifierPooling;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;
use crate::{folder, reading};

/// A folder with `config.json`, the weights and the tokenizer.
///
/// The weights are `model.safetensors`, or the files that `model.safetensors.index.json` names; the tokenizer is
/// `tokenizer.json`, or the vocabulary's files of BERT's or RoBERTa's classes, with `tokenizer_config.json` where it is
/// there.
#[derive(Clone, Debug)]
pub struct Snapshot {
    folder: PathBuf,
    config: EncoderConfig,
    labels: Vec<String>,
    head: Head,
    /// In the place of what `config.json` says.
    pub(crate) pooling: Option<ClassifierPooling>,
}

/// A classifier, and what of it does not come from the checkpoint.
#[derive(Clone, Debug)]
pub struct LoadedClassifier {
    /// The model, on the device it was loaded to.
    pub model: Classifier,
    /// Module paths of the layers that were drawn afresh: not pretrained.
    pub fresh: Vec<String>,
    /// A head of the checkpoint that was left aside.
    pub head_left_aside: Option<CheckpointHead>,
    /// What a user should know about the weights, one line each; a head that was left aside is among them.
    pub notes: Vec<String>,
}

/// A checkpoint's own head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointHead {
    /// Its tensors by their names, each with its shape.
    pub tensors: Vec<(String, Vec<usize>)>,
    /// The labels of its outputs, if `config.json` names them.
    pub labels: Vec<String>,
}

impl fmt::Display for CheckpointHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, shape)) in self.tensors.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}`{name}` {shape:?}")?;
        }
        match self.labels.is_empty() {
            true => Ok(()),
            false => write!(f, " for the labels {}", self.labels.join(", ")),
        }
    }
}

impl LoadedClassifier {
    /// Module paths of the layers that are not pretrained: the fresh ones, and the head even if it was loaded.
    pub fn not_pretrained(&self) -> Vec<String> {
        let mut layers = self.fresh.clone();
        for head in self.model.heads() {
            if !layers.iter().any(|layer| layer == head) {
                layers.push((*head).to_owned());
            }
        }
        layers
    }
}

impl Snapshot {
    /// Opens a snapshot and checks its configuration; the weights are not read yet.
    ///
    /// # Errors
    /// [`EncoderError::NoFolder`], [`EncoderError::NoSnapshot`], [`EncoderError::Read`],
    /// [`EncoderError::LfsPointer`] or [`EncoderError::Config`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, EncoderError> {
        let folder = folder.as_ref().to_path_buf();
        if !folder.is_dir() {
            return Err(EncoderError::NoFolder { path: folder });
        }
        let path = folder.join("config.json");
        let config = EncoderConfig::load(&path).map_err(|error| no_snapshot(&folder, error))?;
        let labels = labels(&path)?;
        Ok(Self {
            folder,
            config,
            labels,
            head: Head::Fresh,
            pooling: None,
        })
    }

    /// Lets a classifier read other tokens than `config.json` says, under a fresh head.
    ///
    /// BERT and ModernBERT have a choice. BERT's mean over all tokens is what many sentence encoders are trained with; it goes to
    /// the head without a pooler, and what the checkpoint holds of one is left aside. transformers has no class for it.
    ///
    /// # Errors
    /// [`EncoderError::NoPooling`] if the family has no choice, [`EncoderError::NoPooler`] if a [fresh
    /// pooler](Self::with_fresh_pooler) was asked for that there is then not.
    pub fn with_classifier_pooling(
        mut self,
        pooling: ClassifierPooling,
    ) -> Result<Self, EncoderError> {
        if self.config.family().pooling().is_none() {
            return Err(EncoderError::NoPooling {
                path: self.folder,
                pooling: pooling.name(),
                model_type: self.config.model_type().to_owned(),
            });
        }
        self.config.family_mut().set_pooling(pooling);
        self.pooling = Some(pooling);
        match self.head {
            Head::FreshWithPooler => self.with_fresh_pooler(),
            _ => Ok(self),
        }
    }

    /// Lets [`classifier`](Self::classifier) draw the pooler from the seed too, as if the checkpoint had none.
    ///
    /// The pooler is the layer between the encoder and the head: `pooler.dense` of BERT and DeBERTa, ModernBERT's
    /// prediction head. What other families have there belongs to the head, and is drawn in any case.
    ///
    /// # Errors
    /// [`EncoderError::NoPooler`] if the family has none, or BERT with the mean of all tokens.
    pub fn with_fresh_pooler(mut self) -> Result<Self, EncoderError> {
        let has_optional = self.config.family().has_optional();
        if self.config.names().optional.is_empty() || !has_optional {
            return Err(EncoderError::NoPooler {
                path: self.folder,
                model_type: self.config.model_type().to_owned(),
                pooling: if has_optional {
                    ""
                } else {
                    " and classifier_pooling `mean`"
                },
            });
        }
        self.head = Head::FreshWithPooler;
        Ok(self)
    }

    /// The encoder's configuration.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The labels of the checkpoint's head, in the order of their numbers, for people; none if `config.json` names none.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The SHA-256 of the weights, in hexadecimal.
    ///
    /// For one file it is the file's own. For several it is that of the lines `sha256sum` prints for them, sorted by
    /// name: `sha256sum model-*.safetensors | sha256sum` in the snapshot's folder.
    ///
    /// # Errors
    /// [`EncoderError::Read`], [`EncoderError::Index`] or [`EncoderError::Pickle`].
    pub fn weights_sha256(&self) -> Result<String, EncoderError> {
        Weights::sha256(&self.folder)
    }

    /// The SHA-256 of the file that has the vocabulary, in hexadecimal: `tokenizer.json`, or `vocab.txt`, or `vocab.json` with
    /// `merges.txt`, of which it is that of the lines that `sha256sum` prints.
    ///
    /// # Errors
    /// [`EncoderError::Read`].
    pub fn tokenizer_sha256(&self) -> Result<String, EncoderError> {
        let digest = |name: &str| {
            let bytes = reading::bytes(&self.folder.join(name));
            Ok(reading::if_there(bytes)?.map(|bytes| files::sha256_of(&bytes)))
        };
        for name in ["tokenizer.json", "vocab.txt"] {
            if let Some(digest) = digest(name)? {
                return Ok(digest);
            }
        }
        let mut lines = String::new();
        for name in ["merges.txt", "vocab.json"] {
            if let Some(digest) = digest(name)? {
                lines += &format!("{digest}  {name}\n");
            }
        }
        Ok(files::sha256_of(lines.as_bytes()))
    }

    /// Reads the tokenizer from `tokenizer.json`, or where that is missing from `vocab.txt` for BERT's classes, and from
    /// `vocab.json` and `merges.txt` for RoBERTa's; it cuts sequences at `max_length` tokens, or at `model_max_length` of
    /// `tokenizer_config.json` if that is less.
    ///
    /// # Errors
    /// [`EncoderError::MaxLength`] if the model has no such positions, [`EncoderError::Read`] or
    /// [`EncoderError::Tokenizer`] if the file cannot be used or does not fit the embeddings.
    pub fn tokenizer(&self, max_length: usize) -> Result<Tokenizer, EncoderError> {
        Tokenizer::load(&self.folder, &self.config, max_length)
    }

    /// Loads the encoder with a fresh head of `labels` outputs.
    ///
    /// The head, and the pooler where the checkpoint has none or [a fresh one](Self::with_fresh_pooler) is asked for, are
    /// drawn from N(0, `initializer_range`) by `head_seed`; every other tensor must be there. A head in the checkpoint is
    /// left aside.
    ///
    /// # Errors
    /// [`EncoderError::Read`], [`EncoderError::Pickle`], [`EncoderError::Index`], [`EncoderError::Safetensors`], or
    /// [`EncoderError::Tensors`] with every missing, unexpected or misshaped tensor.
    pub fn classifier(
        &self,
        labels: usize,
        head_seed: u64,
        device: &Device,
    ) -> Result<LoadedClassifier, EncoderError> {
        let (mut model, checked, mut notes) = self.load_classifier(labels, self.head, device)?;
        let names = model.0.names();
        let drawn = names.optional.iter().chain(names.head_layers);
        for (stream, path) in drawn.enumerate() {
            if names.optional.contains(path) && !checked.fresh.contains(path) {
                continue;
            }
            // The upper end of the streams: the lower ones belong to other draws of the same seed.
            let stream = u64::MAX - stream as u64;
            let initial = self.config.family().initial(path);
            if let Some(layer) = model.0.fresh_layer(path) {
                *layer = layer.clone().freshly_drawn(initial, head_seed, stream);
            }
        }
        notes.extend(pooler_left_aside(&checked));
        let head_left_aside = self.head_left_aside(checked.head_left_aside);
        notes.extend(head_left_aside.as_ref().map(left_aside));
        Ok(LoadedClassifier {
            model,
            fresh: checked.fresh.into_iter().map(str::to_owned).collect(),
            head_left_aside,
            notes,
        })
    }

    /// Loads the encoder with the checkpoint's own head, which must have `labels` outputs.
    ///
    /// # Errors
    /// [`EncoderError::Read`], [`EncoderError::Pickle`], [`EncoderError::Index`], [`EncoderError::Safetensors`],
    /// [`EncoderError::Tensors`] with every missing, unexpected or misshaped tensor, those of the head among them, or
    /// [`EncoderError::Head`] if the head is to read [other tokens](Self::with_classifier_pooling) than it was trained on.
    pub fn finetuned_classifier(
        &self,
        labels: usize,
        device: &Device,
    ) -> Result<LoadedClassifier, EncoderError> {
        self.check_pooling()?;
        let (model, _, notes) = self.load_classifier(labels, Head::Checkpoint, device)?;
        Ok(LoadedClassifier {
            model,
            fresh: Vec::new(),
            head_left_aside: None,
            notes,
        })
    }

    /// Checks the weights for [`classifier`](Self::classifier) without loading them, and returns its notes. One more says
    /// so if the checkpoint's pooler looks untrained.
    ///
    /// # Errors
    /// Those of [`classifier`](Self::classifier).
    pub fn classifier_notes(
        &self,
        labels: usize,
        device: &Device,
    ) -> Result<Vec<String>, EncoderError> {
        let model = Classifier(AnyFamily::new(&self.config, labels, device));
        let names = model.0.names();
        let (weights, checked) = self.check(&model, &names, self.head)?;
        let untrained = self.untrained_pooler(&weights, &checked, &names)?;
        let pooler = pooler_left_aside(&checked);
        let head = self.head_left_aside(checked.head_left_aside);
        let notes = weights.notes.into_iter().chain(untrained).chain(pooler);
        Ok(notes.chain(head.as_ref().map(left_aside)).collect())
    }

    /// Says that a pooler whose biases are all exactly 0 looks untrained. Training moves them, and sentence encoders that take
    /// the mean over all tokens never train theirs.
    fn untrained_pooler(
        &self,
        weights: &Weights,
        checked: &Checked,
        names: &Names,
    ) -> Result<Option<String>, EncoderError> {
        let is_bias = |held: &&Held| {
            let mut layers = names.optional.iter();
            layers.any(|layer| held.path.strip_prefix(layer) == Some(".bias"))
        };
        let mean = match self.config.family().pooling() {
            Some(ClassifierPooling::Cls) => {
                "; `--classifier-pooling mean` would read the mean of all tokens"
            }
            Some(ClassifierPooling::Mean) | None => "",
        };
        for held in checked.held.iter().filter(is_bias) {
            if weights.is_zero(held)? {
                return Ok(Some(format!(
                    "the checkpoint's pooler looks untrained: `{}` is exactly 0; a fresh one (`--fresh pooler`) would be drawn from the seed, like the head, and not perturbed{mean}",
                    held.name
                )));
            }
        }
        Ok(None)
    }

    fn head_left_aside(&self, tensors: Vec<(String, Vec<usize>)>) -> Option<CheckpointHead> {
        let labels = self.labels.clone();
        (!tensors.is_empty()).then_some(CheckpointHead { tensors, labels })
    }

    /// Refuses other tokens for the checkpoint's own head.
    pub(crate) fn check_pooling(&self) -> Result<(), EncoderError> {
        match self.pooling {
            None => Ok(()),
            Some(pooling) => Err(EncoderError::Head {
                path: self.folder.clone(),
                reason: format!(
                    "classifier_pooling is `{}`, but the checkpoint's own head reads what its config.json says",
                    pooling.name()
                ),
            }),
        }
    }

    fn load_classifier(
        &self,
        labels: usize,
        head: Head,
        device: &Device,
    ) -> Result<(Classifier, Checked, Vec<String>), EncoderError> {
        let mut model = Classifier(AnyFamily::new(&self.config, labels, device));
        let names = model.0.names();
        let (checked, notes) = self.load(&mut model, &names, head)?;
        Ok((model, checked, notes))
    }

    /// Loads the encoder with its decoder of masked words.
    ///
    /// # Errors
    /// [`EncoderError::Setting`] for another family than BERT, [`EncoderError::Read`],
    /// [`EncoderError::Safetensors`], or [`EncoderError::Tensors`] with every missing, unexpected or misshaped
    /// tensor.
    pub fn masked_lm(&self, device: &Device) -> Result<BertForMaskedLM, EncoderError> {
        let mut model = BertForMaskedLM::new((&self.config).try_into()?, device);
        self.load(&mut model, &BertForMaskedLM::NAMES, Head::Checkpoint)?;
        Ok(model)
    }

    /// Checks the weights and loads those the module needs; the second value is the notes.
    fn load<M: Module>(
        &self,
        model: &mut M,
        names: &Names,
        head: Head,
    ) -> Result<(Checked, Vec<String>), EncoderError> {
        let (weights, checked) = self.check(model, names, head)?;
        weights.load(model, names, &checked.held)?;
        Ok((checked, weights.notes))
    }

    /// Compares the weights with what the module needs: names, shapes and types, and whether all values are finite.
    pub(crate) fn check<M: Module>(
        &self,
        model: &M,
        names: &Names,
        head: Head,
    ) -> Result<(Weights, Checked), EncoderError> {
        let weights = Weights::open(&self.folder)?;
        let needed = names.needed(model);
        let checked = check::check(&weights.tensors, &needed, names, head);
        let wrong = |problems| EncoderError::Tensors {
            path: weights.path.clone(),
            problems,
        };
        let checked = checked.map_err(wrong)?;
        let not_finite = weights.not_finite(&checked.held)?;
        match not_finite.is_empty() {
            true => Ok((weights, checked)),
            false => Err(wrong(not_finite)),
        }
    }
}

fn left_aside(head: &CheckpointHead) -> String {
    files::one_line(&format!("the checkpoint's head is left aside: {head}"))
}

fn pooler_left_aside(checked: &Checked) -> Option<String> {
    let names: Vec<String> = checked
        .pooler_left_aside
        .iter()
        .map(|n| format!("`{n}`"))
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "the checkpoint's pooler is left aside: {}",
            names.join(", ")
        )
    })
}

/// The error for a folder whose `config.json` is missing or another program's, by what else is there.
fn no_snapshot(folder: &Path, error: EncoderError) -> EncoderError {
    let is_missing = match &error {
        EncoderError::Read { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
        EncoderError::Config { reason, .. } => reason.starts_with(config::NO_MODEL_TYPE),
        _ => false,
    };
    match folder::without_config(folder).filter(|_| is_missing) {
        None => error,
        Some(reason) => EncoderError::NoSnapshot {
            path: folder.to_path_buf(),
            reason,
        },
    }
}

/// The labels in a `config.json`, in the order of their numbers, for people; none if it names none.
fn labels(config: &Path) -> Result<Vec<String>, EncoderError> {
    let config: Value = serde_json::from_slice(&reading::text(config)?).unwrap_or_default();
    let labels = config.get("id2label").and_then(Value::as_object);
    let labels = labels.into_iter().flatten().filter_map(|(number, label)| {
        let label = label.as_str()?.to_owned();
        Some((number.parse::<usize>().ok()?, label))
    });
    let labels: BTreeMap<usize, String> = labels.collect();
    Ok(labels.into_values().collect())
}
