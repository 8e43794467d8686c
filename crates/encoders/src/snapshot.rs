//! A Hugging Face snapshot folder.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::Device;

use crate::classifier::BertForSequenceClassification;
use crate::config::BertConfig;
use crate::error::EncoderError;
use crate::linear::Linear;
use crate::manifest::{self, Head};
use crate::masked_lm::BertForMaskedLM;
use crate::tokenizer::Tokenizer;
use crate::weights;

/// A folder with `config.json`, `model.safetensors` and `tokenizer.json`.
#[derive(Clone, Debug)]
pub struct Snapshot {
    folder: PathBuf,
    config: BertConfig,
}

/// A classifier and which of its layers the checkpoint did not hold.
#[derive(Clone, Debug)]
pub struct LoadedClassifier {
    /// The model, on the device it was loaded to.
    pub model: BertForSequenceClassification,
    /// Module paths of the layers that were initialised afresh: not pretrained.
    pub fresh: Vec<String>,
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
        let config = BertConfig::load(folder.join("config.json"))?;
        Ok(Self { folder, config })
    }

    /// The encoder's configuration.
    pub fn config(&self) -> &BertConfig {
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

    /// Loads a classifier with `labels` outputs.
    ///
    /// The head, and the pooler where the checkpoint has none, are drawn from
    /// N(0, `initializer_range`) by `head_seed`; every other tensor must be there.
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
        let head = Head::Classifier(labels);
        let mut model = BertForSequenceClassification::new(&self.config, labels, device);
        let fresh = self.load(head, &mut model)?;

        let range = self.config.initializer_range;
        for (stream, layer) in head.optional().iter().enumerate() {
            if !fresh.contains(layer) {
                continue;
            }
            // The upper end of the streams: the lower ones belong to other draws of the same seed.
            let stream = u64::MAX - stream as u64;
            let draw = |linear: Linear| linear.freshly_drawn(range, head_seed, stream);
            match *layer {
                "classifier" => model.classifier = draw(model.classifier),
                _ => model.bert.pooler.dense = draw(model.bert.pooler.dense),
            }
        }
        Ok(LoadedClassifier {
            model,
            fresh: fresh.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Loads the encoder with its decoder of masked words.
    ///
    /// # Errors
    /// [`EncoderError::Read`], [`EncoderError::Safetensors`], or [`EncoderError::Tensors`] with
    /// every missing, unexpected or misshaped tensor.
    pub fn masked_lm(&self, device: &Device) -> Result<BertForMaskedLM, EncoderError> {
        let mut model = BertForMaskedLM::new(&self.config, device);
        self.load(Head::MaskedLm, &mut model)?;
        Ok(model)
    }

    /// Checks and loads the weight file; returns the layers it may leave out and does.
    fn load<M: Module>(
        &self,
        head: Head,
        model: &mut M,
    ) -> Result<Vec<&'static str>, EncoderError> {
        let path = self.weights();
        let header = weights::read_header(&path)?;
        let fresh = manifest::check(&header, &self.config, head).map_err(|problems| {
            EncoderError::Tensors {
                path: path.clone(),
                problems,
            }
        })?;
        weights::load(&path, model, &fresh)?;
        Ok(fresh)
    }
}
