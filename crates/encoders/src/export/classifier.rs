//! Writing a finetuned classifier, for this crate, for transformers and for Burn.

use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor};
use burn_store::{BurnpackStore, FloatCastAdapter, ModuleSnapshot};
use files::NewFolder;
use serde_json::{Map, Value};

use super::{config, not_replaced, replace, safetensors, unwritten};
use crate::classifier::Classifier;
use crate::error::EncoderError;
use crate::reading;
use crate::snapshot::Snapshot;
use crate::tokenizer::{TOKENIZER_CONFIG, TOKENIZER_FILES};

/// What a classifier predicts: `problem_type` of transformers' `config.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemType {
    /// One of these labels, in the order of the outputs.
    SingleLabelClassification(Vec<String>),
    /// A score.
    Regression,
}

/// The type that the weights have in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveDtype {
    /// As they were trained.
    #[default]
    F32,
    /// Half precision: numbers up to 65,504.
    F16,
    /// The range of f32 in two bytes.
    Bf16,
}

/// The file that the weights are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveFormat {
    /// `model.safetensors`, with transformers' names and layouts.
    #[default]
    Safetensors,
    /// `model.bpk`, with the module's own paths and Burn's layouts.
    Burnpack,
}

/// How a classifier is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveOptions {
    /// What it predicts.
    pub problem: ProblemType,
    /// The type of the weights.
    pub dtype: SaveDtype,
    /// The file of the weights.
    pub format: SaveFormat,
    /// The model card: what `README.md` says.
    pub card: String,
    /// The longest sequence that it was trained on, in tokens: that of `tokenizer_config.json`, at which both read texts.
    pub max_length: usize,
}

impl ProblemType {
    /// Its name in `config.json`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SingleLabelClassification(_) => "single_label_classification",
            Self::Regression => "regression",
        }
    }

    /// The labels of `id2label`; transformers gives a score one too.
    pub(super) fn labels(&self) -> Vec<String> {
        match self {
            Self::SingleLabelClassification(labels) => labels.clone(),
            Self::Regression => vec!["LABEL_0".to_owned()],
        }
    }
}

impl SaveDtype {
    /// PyTorch's name for it, as `config.json` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }

    fn burn(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }

    /// The least magnitude that rounds to infinity.
    fn overflow(self) -> f32 {
        match self {
            Self::F32 => f32::INFINITY,
            Self::F16 => 65_520.0,
            // Halfway from the greatest to the next number that there would be.
            Self::Bf16 => f32::from_bits(0x7f7f_8000),
        }
    }
}

impl SaveFormat {
    /// The name of the weights' file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Safetensors => "model.safetensors",
            Self::Burnpack => "model.bpk",
        }
    }
}

impl Snapshot {
    /// Saves a classifier made from this snapshot as a snapshot of its own: the weights, `config.json`, the tokenizer's
    /// files, and `README.md`.
    ///
    /// [`Snapshot::open`] reads it, and so does transformers' `AutoModelForSequenceClassification` if the weights are
    /// [`SaveFormat::Safetensors`], unless it is a BERT with the mean of all tokens, which transformers has no class for and
    /// which names itself a `BertModel`. [`Classifier::blank`] says how to read a [`SaveFormat::Burnpack`]. The
    /// folder is written beside `folder` and replaces what is there once it is complete.
    ///
    /// # Errors
    /// [`EncoderError::Write`], also for a weight that `dtype` cannot hold, and [`EncoderError::Read`] for a file of this
    /// snapshot that is gone; what was at `folder` then stays.
    pub fn save_classifier(
        &self,
        model: &Classifier,
        folder: impl AsRef<Path>,
        options: &SaveOptions,
    ) -> Result<(), EncoderError> {
        let folder = folder.as_ref();
        check_range(model, options.dtype).map_err(|reason| unwritten(folder, reason))?;
        let new = NewFolder::begin(folder).map_err(|error| not_replaced(folder, error))?;
        self.fill(model, new.path(), options)
            .map_err(|error| match error {
                EncoderError::Write { path, reason } => EncoderError::Write {
                    // The place that the caller knows, not the temporary one.
                    path: (path.strip_prefix(new.path()).map(|file| folder.join(file)))
                        .unwrap_or(path),
                    reason,
                },
                other => other,
            })?;
        new.put().map_err(|error| not_replaced(folder, error))
    }

    fn fill(
        &self,
        model: &Classifier,
        folder: &Path,
        options: &SaveOptions,
    ) -> Result<(), EncoderError> {
        let fields = self.config_fields()?;
        let architecture = self.config().family().outline().architecture;
        let mut fields =
            config::of_classifier(fields, architecture, &options.problem, options.dtype);
        if let Some(pooling) = self.pooling {
            fields.insert("classifier_pooling".to_owned(), pooling.name().into());
        }
        let text = serde_json::to_string_pretty(&fields).expect("JSON is plain data");
        replace(&folder.join("config.json"), (text + "\n").as_bytes())?;
        for name in TOKENIZER_FILES {
            if let Some(bytes) = reading::if_there(reading::bytes(&self.folder().join(name)))? {
                replace(&folder.join(name), &bytes)?;
            }
        }
        let path = folder.join(TOKENIZER_CONFIG);
        let fields = with_length(&path, options.max_length)?;
        let text = serde_json::to_string_pretty(&fields).expect("JSON is plain data");
        replace(&path, (text + "\n").as_bytes())?;
        let path = folder.join(options.format.file_name());
        match options.format {
            SaveFormat::Safetensors => {
                let bytes = safetensors(model, &model.0.names(), options.dtype.burn())
                    .map_err(|reason| unwritten(&path, reason))?;
                replace(&path, &bytes)?;
            }
            SaveFormat::Burnpack => {
                let cast = FloatCastAdapter::to(options.dtype.burn());
                let mut store = BurnpackStore::from_bytes(None).with_to_adapter(cast);
                let bytes = model
                    .save_into(&mut store)
                    .and_then(|()| store.get_bytes())
                    .map_err(|error| unwritten(&path, error))?;
                replace(&path, &bytes)?;
            }
        }
        replace(&folder.join("README.md"), options.card.as_bytes())
    }

    /// This snapshot's `config.json`, unknown fields included.
    fn config_fields(&self) -> Result<Map<String, Value>, EncoderError> {
        fields(self.folder().join("config.json"))
    }
}

fn fields(path: PathBuf) -> Result<Map<String, Value>, EncoderError> {
    serde_json::from_slice(&reading::text(&path)?).map_err(|error| EncoderError::Config {
        path,
        reason: format!("not JSON: {error}"),
    })
}

/// The fields of a `tokenizer_config.json`, which need not be there, with another length.
fn with_length(path: &Path, length: usize) -> Result<Map<String, Value>, EncoderError> {
    let mut fields = reading::if_there(fields(path.to_owned()))?.unwrap_or_default();
    fields.insert("model_max_length".to_owned(), length.into());
    Ok(fields)
}

/// Refuses a weight that would become infinite.
fn check_range(model: &Classifier, dtype: SaveDtype) -> Result<(), String> {
    let mut visitor = Greatest {
        overflow: dtype.overflow(),
        path: Vec::new(),
        found: None,
    };
    model.visit(&mut visitor);
    match visitor.found {
        None => Ok(()),
        Some((path, value)) => Err(format!(
            "`{path}` has the weight {value:e}, which {} cannot hold; accepted here is float32",
            dtype.name()
        )),
    }
}

/// Finds the first parameter with a weight beyond a type's range, and that weight.
struct Greatest {
    overflow: f32,
    path: Vec<String>,
    found: Option<(String, f32)>,
}

impl ModuleVisitor for Greatest {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.found.is_some() || self.overflow.is_infinite() {
            return;
        }
        let values = param.val().cast(DType::F32);
        let greatest: f32 = values.abs().max().into_scalar();
        if greatest >= self.overflow {
            self.found = Some((self.path.join("."), greatest));
        }
    }
}
