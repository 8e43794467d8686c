//! A Hugging Face snapshot folder.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::Device;

use crate::check::{self, Checked, Head};
use crate::classifier::Classifier;
use crate::config::EncoderConfig;
use crate::error::EncoderError;
use crate::family::AnyFamily;
use crate::family::bert::BertForMaskedLM;
use crate::names::Names;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;

/// A folder with `config.json`, `model.safetensors` and `tokenizer.json`.
#[derive(Clone, Debug)]
pub struct Snapshot {
    folder: PathBuf,
    config: EncoderConfig,
}

/// A classifier, and what of it does not come from the checkpoint.
#[derive(Clone, Debug)]
pub struct LoadedClassifier {
    /// The model, on the device it was loaded to.
    pub model: Classifier,
    /// Module paths of the layers that were drawn afresh: not pretrained.
    pub fresh: Vec<String>,
    /// Tensors of a head of the checkpoint that was left aside, by their names, with their shapes.
    pub head_left_aside: Vec<(String, Vec<usize>)>,
}

impl LoadedClassifier {
    /// Module paths of the layers that are not pretrained: the fresh ones, and the head wherever it comes from.
    pub fn not_pretrained(&self) -> Vec<String> {
        let head = self.model.head();
        let mut layers = self.fresh.clone();
        if !layers.iter().any(|layer| layer == head) {
            layers.push(head.to_owned());
        }
        layers
    }
}

impl Snapshot {
    /// Opens a snapshot and checks its configuration; the weights are not read yet.
    ///
    /// # Errors
    /// [`EncoderError::NoFolder`], [`EncoderError::Read`] or [`EncoderError::Config`].
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, EncoderError> {
        let folder = folder.as_ref().to_path_buf();
        if !folder.is_dir() {
            return Err(EncoderError::NoFolder { path: folder });
        }
        let config = EncoderConfig::load(folder.join("config.json"))?;
        Ok(Self { folder, config })
    }

    /// The encoder's configuration.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// Path of the weight file.
    pub fn weights(&self) -> PathBuf {
        self.folder.join("model.safetensors")
    }

    /// Reads the tokenizer, which cuts sequences at `max_length` tokens.
    ///
    /// # Errors
    /// [`EncoderError::MaxLength`] if the model has no such positions, [`EncoderError::Read`] or
    /// [`EncoderError::Tokenizer`] if the file cannot be used or does not fit the embeddings.
    pub fn tokenizer(&self, max_length: usize) -> Result<Tokenizer, EncoderError> {
        Tokenizer::load(
            &self.folder.join("tokenizer.json"),
            &self.config,
            max_length,
        )
    }

    /// Loads the encoder with a fresh head of `labels` outputs.
    ///
    /// The head, and the pooler where the checkpoint has none, are drawn from
    /// N(0, `initializer_range`) by `head_seed`; every other tensor must be there. A head that the checkpoint
    /// brings is left aside.
    ///
    /// # Errors
    /// [`EncoderError::Read`], [`EncoderError::Safetensors`], or [`EncoderError::Tensors`] with
    /// every missing, unexpected or misshaped tensor.
    pub fn classifier(
        &self,
        labels: usize,
        head_seed: u64,
        device: &Device,
    ) -> Result<LoadedClassifier, EncoderError> {
        let (mut model, checked) = self.load_classifier(labels, Head::Fresh, device)?;
        let range = self.config.family().initializer_range();
        let names = model.0.names();
        let drawn = names.optional.iter().chain(names.head_layers);
        for (stream, path) in drawn.enumerate() {
            if names.optional.contains(path) && !checked.fresh.contains(path) {
                continue;
            }
            // The upper end of the streams: the lower ones belong to other draws of the same seed.
            let stream = u64::MAX - stream as u64;
            let layer = model.0.fresh_layer(path);
            let layer = layer.expect("a family knows the layers that it may have drawn");
            *layer = layer.clone().freshly_drawn(range, head_seed, stream);
        }
        Ok(LoadedClassifier {
            model,
            fresh: checked.fresh.into_iter().map(str::to_owned).collect(),
            head_left_aside: checked.head_left_aside,
        })
    }

    /// Loads the encoder with the checkpoint's own head, which must have `labels` outputs.
    ///
    /// # Errors
    /// [`EncoderError::Read`], [`EncoderError::Safetensors`], or [`EncoderError::Tensors`] with
    /// every missing, unexpected or misshaped tensor, those of the head among them.
    pub fn finetuned_classifier(
        &self,
        labels: usize,
        device: &Device,
    ) -> Result<LoadedClassifier, EncoderError> {
        let (model, _) = self.load_classifier(labels, Head::Checkpoint, device)?;
        Ok(LoadedClassifier {
            model,
            fresh: Vec::new(),
            head_left_aside: Vec::new(),
        })
    }

    fn load_classifier(
        &self,
        labels: usize,
        head: Head,
        device: &Device,
    ) -> Result<(Classifier, Checked), EncoderError> {
        let mut model = Classifier(AnyFamily::new(&self.config, labels, device));
        let names = model.0.names();
        let checked = self.load(&mut model, &names, head)?;
        Ok((model, checked))
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

    /// Checks the weight file and loads what the module needs of it.
    fn load<M: Module>(
        &self,
        model: &mut M,
        names: &Names,
        head: Head,
    ) -> Result<Checked, EncoderError> {
        let path = self.weights();
        let weights = Weights::open(&path)?;
        let needed = names.needed(model);
        let checked = check::check(&weights.tensors, &needed, names, head);
        let checked = checked.map_err(|problems| EncoderError::Tensors { path, problems })?;
        weights.load(model, names, &checked.held)?;
        Ok(checked)
    }
}
