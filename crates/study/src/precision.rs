//! The numbers that training computes with.

use serde::{Deserialize, Serialize};

/// The float type of the linear layers and of the values passed between them.
///
/// Parameters, gradients as the optimizer sees them, embeddings, normalisation, softmax and the loss are always in
/// single precision, as with transformers' `--bf16` and `--fp16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// 8 bits of mantissa, the range of single precision.
    Bf16,
    /// 11 bits of mantissa and a small range: the loss is scaled.
    F16,
}

impl Precision {
    /// As on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }
}
