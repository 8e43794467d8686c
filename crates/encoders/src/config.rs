//! Hugging Face's `config.json`, read as it is.

use std::path::Path;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::error::EncoderError;
pub use crate::family::EncoderConfig;
use crate::family::either;
use crate::reading;

/// Settings of single layers, with which transformers overrides those of all layers.
const PER_LAYER: &str = "per_layer_config";

/// What the message begins with where the family is not named.
pub(crate) const NO_MODEL_TYPE: &str = "model_type is absent";

impl EncoderConfig {
    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// [`EncoderError::Read`] if the file cannot be read, [`EncoderError::Config`] if it is not the
    /// configuration of an encoder that this crate can run.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, EncoderError> {
        let path = path.as_ref();
        let wrong = |reason: String| EncoderError::Config {
            path: path.to_path_buf(),
            reason,
        };
        let text =
            String::from_utf8(reading::text(path)?).map_err(|e| wrong(format!("not JSON: {e}")))?;
        // The family is checked before the fields: another family's config need not have them.
        let value: Value =
            serde_json::from_str(&text).map_err(|e| wrong(format!("not JSON: {e}")))?;
        let model_type = model_type(&value).map_err(wrong)?;
        // From the text, not from the value: the message then says the line.
        if let Some(layers) = value.get(PER_LAYER).filter(|layers| !is_empty(layers)) {
            return Err(wrong(format!("{PER_LAYER} is {layers}, accepted is null")));
        }
        let config = Self::of_family(model_type, &mut serde_json::Deserializer::from_str(&text))
            .ok_or_else(|| wrong(unknown(model_type)))?
            .map_err(|e| wrong(named(&value, model_type, &e)))?;
        config.family().validate().map_err(wrong)?;
        check_architectures(&config, &value).map_err(wrong)?;
        Ok(config)
    }

    /// Rows of the token embedding.
    pub fn vocab_size(&self) -> usize {
        self.family().outline().vocab_size
    }

    /// Width of every hidden state.
    pub fn hidden_size(&self) -> usize {
        self.family().outline().hidden_size
    }

    /// Number of layers.
    pub fn num_hidden_layers(&self) -> usize {
        self.family().outline().num_hidden_layers
    }

    /// The longest sequence, in tokens.
    pub fn max_length(&self) -> usize {
        self.family().outline().max_length
    }

    /// The token that pads a batch to its longest sequence.
    pub fn pad_token_id(&self) -> u32 {
        self.family().outline().pad_token_id
    }

    /// What a user of transformers does with a saved classifier of this configuration, if transformers has no class for it:
    /// a paragraph of Markdown.
    pub fn without_class(&self) -> Option<&'static str> {
        self.family().without_class()
    }

    /// Parameters of the encoder, its pooler included and without a head.
    pub fn num_params(&self) -> usize {
        self.family().num_params()
    }

    /// Floating-point operations of the matrix products in a classifier's forward pass over a sequence of
    /// `length` tokens; a training step does three times as many.
    pub fn matrix_flops(&self, length: usize) -> f64 {
        self.family().matrix_flops(length)
    }
}

impl<'de> Deserialize<'de> for EncoderConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let model_type = model_type(&value).map_err(D::Error::custom)?;
        Self::of_family(model_type, &value)
            .ok_or_else(|| D::Error::custom(unknown(model_type)))?
            .map_err(D::Error::custom)
    }
}

/// Refuses a classifier that transformers has no class for under the name of a class of transformers'. That is what transformers
/// makes of one that it loaded: it keeps the fields that it ignores.
fn check_architectures(config: &EncoderConfig, fields: &Value) -> Result<(), String> {
    let own = config.family().outline().architecture;
    let named = fields.get("architectures").and_then(Value::as_array);
    let mut named = named.into_iter().flatten().filter_map(Value::as_str);
    let is_classifier = |name: &&str| name.ends_with("ForSequenceClassification");
    match (config.without_class(), named.find(is_classifier)) {
        (Some(_), Some(class)) => Err(format!(
            "architectures names `{class}`, accepted is `{own}` where classifier_pooling is `mean`: that class reads the first token"
        )),
        _ => Ok(()),
    }
}

/// The message of a serde error, with the name of the field that serde leaves out.
fn named(config: &Value, model_type: &str, error: &serde_json::Error) -> String {
    let mut fields = config.as_object().into_iter().flatten();
    // All fields but the family have defaults, so a wrong field is still wrong on its own.
    let is_wrong = |name: &str, value: &Value| {
        let alone = json!({ "model_type": model_type, name: value });
        EncoderConfig::of_family(model_type, alone).is_none_or(|config| config.is_err())
    };
    match fields.find(|(name, value)| is_wrong(name, value)) {
        None => error.to_string(),
        Some((name, _)) => format!("{name}: {error}"),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn model_type(config: &Value) -> Result<&str, String> {
    let model_type = config.get("model_type").and_then(Value::as_str);
    model_type.ok_or_else(|| format!("{NO_MODEL_TYPE}, accepted is {}", accepted()))
}

fn unknown(model_type: &str) -> String {
    format!("model_type is `{model_type}`, accepted is {}", accepted())
}

fn accepted() -> String {
    either(EncoderConfig::model_types())
}
