//! The `config.json` of a classifier, from that of the encoder it was made from.

use serde_json::{Map, Value, json};

use super::{ProblemType, SaveDtype};

/// The fields in which transformers names the type of the weights: until version 4, and since.
const DTYPES: [&str; 2] = ["torch_dtype", "dtype"];

/// The fields of the encoder's configuration with those of a classifier set; all others stay as they are, known or not.
///
/// In JSON they are sorted by name, as transformers writes them.
pub(super) fn of_classifier(
    mut fields: Map<String, Value>,
    architecture: &str,
    problem: &ProblemType,
    dtype: SaveDtype,
) -> Map<String, Value> {
    let labels = problem.labels();
    let id2label = labels.iter().enumerate();
    let id2label = id2label.map(|(id, label)| (id.to_string(), json!(label)));
    let label2id = labels.iter().enumerate();
    let label2id = label2id.map(|(id, label)| (label.clone(), json!(id)));
    for (name, value) in [
        ("architectures", json!([architecture])),
        ("num_labels", json!(labels.len())),
        ("id2label", Value::Object(id2label.collect())),
        ("label2id", Value::Object(label2id.collect())),
        ("problem_type", json!(problem.name())),
    ] {
        fields.insert(name.to_owned(), value);
    }
    let [old, new] = DTYPES;
    // Only a configuration of version 4 has the old name alone.
    let is_old = fields.contains_key(old);
    if is_old {
        fields.insert(old.to_owned(), json!(dtype.name()));
    }
    if !is_old || fields.contains_key(new) {
        fields.insert(new.to_owned(), json!(dtype.name()));
    }
    fields
}
