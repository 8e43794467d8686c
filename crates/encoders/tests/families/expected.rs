//! What `golden/families.py` wrote about a tiny checkpoint, and how near the same values must come.

use encoders::Encoding;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::closeness::Tolerance;

/// Labels of the tiny classifiers.
pub(crate) const LABELS: usize = 3;

/// Two correct f32 programs, which add in different orders, over two layers.
pub(crate) const ROUNDING: Tolerance = Tolerance {
    relative: 2e-6,
    element: 1e-5,
};

/// Gradients are sums over the batch of products through two layers, there and back.
pub(crate) const GRADIENT: Tolerance = Tolerance {
    relative: 2e-5,
    element: 2e-4,
};

/// A text, or a pair, with the token ids transformers gives it.
#[derive(Deserialize)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) pair: Option<String>,
    pub(crate) ids: Vec<u32>,
    pub(crate) type_ids: Vec<u32>,
}

/// `expected.json`.
#[derive(Deserialize)]
pub(crate) struct Expected {
    pub(crate) max_length: usize,
    pub(crate) texts: Vec<Text>,
    pub(crate) labels: Vec<i64>,
    pub(crate) variants: Vec<Map<String, Value>>,
    rounding_noise_only: Vec<String>,
}

impl Expected {
    pub(crate) fn encodings(&self) -> Vec<Encoding> {
        let encoding = |text: &Text| Encoding {
            ids: text.ids.clone(),
            type_ids: text.type_ids.clone(),
        };
        self.texts.iter().map(encoding).collect()
    }

    /// Whether the true gradient of a parameter is 0.
    pub(crate) fn is_noise(&self, name: &str) -> bool {
        self.rounding_noise_only.iter().any(|noise| noise == name)
    }
}
