//! What a finetuned checkpoint says about its own predictions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::Device;
use serde_json::Value;

use crate::error::EncoderError;
use crate::reading;
use crate::snapshot::Snapshot;
use crate::tokenizer::{TOKENIZER_FILES, Tokenizer};

/// Longest label, in bytes.
const LONGEST_LABEL: usize = 1000;

/// What the outputs of a checkpoint's own head mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadOutputs {
    /// One logit for each class, by its label.
    Classes(Vec<String>),
    /// A number.
    Score,
}

impl HeadOutputs {
    /// How many there are.
    pub fn width(&self) -> usize {
        match self {
            Self::Classes(labels) => labels.len(),
            Self::Score => 1,
        }
    }
}

impl Snapshot {
    /// Returns what the outputs of the checkpoint's own head mean, by `id2label` and `problem_type` in `config.json`.
    ///
    /// Where `id2label` is missing, the labels are `LABEL_0`, `LABEL_1`, ..., as in transformers. A single output is a
    /// number.
    ///
    /// # Errors
    /// [`EncoderError::NoHead`]; [`EncoderError::Config`] if labels and outputs do not fit together, or if several
    /// classes may apply at a time; [`EncoderError::Read`], [`EncoderError::Pickle`], [`EncoderError::Index`] or
    /// [`EncoderError::Safetensors`].
    pub fn head_outputs(&self, device: &Device) -> Result<HeadOutputs, EncoderError> {
        let path = self.folder().join("config.json");
        let config: Value = serde_json::from_slice(&reading::text(&path)?).unwrap_or_default();
        let width = self.width_of_head(device)?;
        let width = width.ok_or_else(|| EncoderError::NoHead {
            path: self.folder().to_path_buf(),
        })?;
        outputs(&config, width).map_err(|reason| EncoderError::Config { path, reason })
    }

    /// The labels of the head by the numbers of its outputs; none if `config.json` names none.
    pub(crate) fn labels_of_head(&self) -> Result<Vec<String>, EncoderError> {
        let path = self.folder().join("config.json");
        let config: Value = serde_json::from_slice(&reading::text(&path)?).unwrap_or_default();
        let labels = labels(&config).map_err(|reason| EncoderError::Config { path, reason })?;
        Ok(labels.unwrap_or_default())
    }

    /// The longest sequence that the tokenizer was made for, at most the model's: `model_max_length` of
    /// `tokenizer_config.json` where it is given, else the model's positions.
    ///
    /// # Errors
    /// [`EncoderError::Read`] or [`EncoderError::Tokenizer`] if a file cannot be used.
    pub fn usual_max_length(&self) -> Result<usize, EncoderError> {
        Tokenizer::usual_max_length(self.folder(), self.config())
    }

    /// The files that decide what the checkpoint predicts, of those that may be beside the weights: settings, labels
    /// and the tokenizer.
    pub fn other_files(&self) -> Vec<PathBuf> {
        let names = std::iter::once("config.json").chain(TOKENIZER_FILES);
        let files = names.map(|name| self.folder().join(name));
        files.filter(|file| file.exists()).collect()
    }
}

/// What `width` outputs mean by `config.json`.
fn outputs(config: &Value, width: usize) -> Result<HeadOutputs, String> {
    let problem = config.get("problem_type").and_then(Value::as_str);
    let is_number = match (problem, width) {
        (None, width) => width == 1,
        (Some("regression"), 1) => true,
        (Some("single_label_classification"), 2..) => false,
        (Some(problem), _) => {
            return Err(format!(
                "problem_type is `{problem}` with {width} output(s), accepted is `regression` with one and \
                 `single_label_classification` with at least two"
            ));
        }
    };
    let labels = labels(config)?;
    let counts = [
        (
            "num_labels is",
            config.get("num_labels").and_then(Value::as_u64),
        ),
        (
            "the number of labels in id2label is",
            labels.as_ref().map(|labels| labels.len() as u64),
        ),
    ];
    for (what, count) in counts {
        if let Some(count) = count.filter(|count| *count != width as u64) {
            return Err(format!(
                "{what} {count}, accepted is {width}, the number of the head's outputs"
            ));
        }
    }
    if is_number {
        return Ok(HeadOutputs::Score);
    }
    let usual = || (0..width).map(|number| format!("LABEL_{number}")).collect();
    Ok(HeadOutputs::Classes(labels.unwrap_or_else(usual)))
}

/// The labels by their numbers, which count from 0; `None` if there are none.
fn labels(config: &Value) -> Result<Option<Vec<String>>, String> {
    let wrong = |found: &str| {
        format!(
            "id2label has {found}, accepted are the numbers from 0 on, each with the text of a label"
        )
    };
    let Some(labels) = config.get("id2label").filter(|labels| !labels.is_null()) else {
        return Ok(None);
    };
    let labels = labels
        .as_object()
        .ok_or_else(|| wrong("no labels by their numbers"))?;
    let mut by_number = BTreeMap::new();
    for (number, label) in labels {
        let entry = number.parse::<usize>().ok().zip(label.as_str());
        let (number, label) = entry.ok_or_else(|| wrong(&format!("{number:?}: {label}")))?;
        if label.len() > LONGEST_LABEL {
            // It is written once for each prediction.
            return Err(format!(
                "the label {number} in id2label has {} bytes, accepted are at most {LONGEST_LABEL}",
                label.len()
            ));
        }
        if let Some((other, _)) = by_number.iter().find(|(_, known)| *known == label) {
            return Err(format!(
                "id2label has {label:?} for {other} and for {number}, accepted are labels that all differ"
            ));
        }
        by_number.insert(number, label.to_owned());
    }
    match by_number.keys().copied().eq(0..labels.len()) {
        true => Ok(Some(by_number.into_values().collect())),
        false => Err(wrong(&format!(
            "the numbers {:?}",
            by_number.keys().collect::<Vec<_>>()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn classes(labels: &[&str]) -> HeadOutputs {
        HeadOutputs::Classes(labels.iter().map(|&label| label.to_owned()).collect())
    }

    #[test]
    fn labels_are_in_the_order_of_their_numbers() {
        let many: Vec<String> = (0..11).map(|number| format!("l{number}")).collect();
        let id2label: serde_json::Map<String, Value> = (many
            .iter()
            .enumerate()
            .map(|(number, label)| (number.to_string(), json!(label))))
        .collect();
        let config = json!({ "id2label": id2label });
        assert_eq!(outputs(&config, 11), Ok(HeadOutputs::Classes(many)));
    }

    #[test]
    fn without_labels_the_names_are_those_of_transformers() {
        assert_eq!(outputs(&json!({}), 2), Ok(classes(&["LABEL_0", "LABEL_1"])));
    }

    #[test]
    fn one_output_is_a_number() {
        let named = json!({"id2label": {"0": "LABEL_0"}, "problem_type": "regression"});
        for config in [json!({}), named] {
            assert_eq!(outputs(&config, 1), Ok(HeadOutputs::Score));
        }
    }

    #[test]
    fn labels_that_do_not_fit_the_outputs_are_refused() {
        let three = json!({"id2label": {"0": "a", "1": "b", "2": "c"}});
        for (config, width, part) in [
            (
                &three,
                2,
                "the number of labels in id2label is 3, accepted is 2",
            ),
            (
                &three,
                4,
                "the number of labels in id2label is 3, accepted is 4",
            ),
            (
                &json!({"num_labels": 3}),
                2,
                "num_labels is 3, accepted is 2",
            ),
            (
                &json!({"id2label": {"1": "a", "2": "b"}}),
                2,
                "the numbers [1, 2]",
            ),
            (
                &json!({"id2label": {"0": "a", "x": "b"}}),
                2,
                "\"x\": \"b\"",
            ),
            (&json!({"id2label": {"0": "a", "1": 7}}), 2, "\"1\": 7"),
            (
                &json!({"id2label": {"0": "a", "1": "b", "2": "a"}}),
                3,
                "id2label has \"a\" for 0 and for 2, accepted are labels that all differ",
            ),
            (
                &json!({"id2label": {"0": "a", "1": "b".repeat(1001)}}),
                2,
                "the label 1 in id2label has 1001 bytes, accepted are at most 1000",
            ),
            (
                &json!({"problem_type": "multi_label_classification"}),
                2,
                "`single_label_classification`",
            ),
            (
                &json!({"problem_type": "regression"}),
                2,
                "with 2 output(s)",
            ),
            (
                &json!({"problem_type": "single_label_classification"}),
                1,
                "with 1 output(s)",
            ),
        ] {
            let reason = outputs(config, width).expect_err("they do not fit");
            assert!(reason.contains(part), "`{part}` is not in: {reason}");
        }
    }
}
