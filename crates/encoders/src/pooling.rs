//! How the states of a sequence's tokens become one.

use burn::tensor::Tensor;
use serde::{Deserialize, Deserializer, Serialize};

use crate::input::{Layout, Tokens};

/// Which tokens stand for a sequence: `classifier_pooling` of `config.json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassifierPooling {
    /// The first.
    #[default]
    Cls,
    /// The mean of all.
    Mean,
}

impl ClassifierPooling {
    /// Its name in `config.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cls => "cls",
            Self::Mean => "mean",
        }
    }

    /// Null says as little as no field at all.
    pub(crate) fn deserialize_or_cls<'de, D: Deserializer<'de>>(
        fields: D,
    ) -> Result<Self, D::Error> {
        Ok(Option::deserialize(fields)?.unwrap_or_default())
    }

    pub(crate) fn is_cls(&self) -> bool {
        *self == Self::Cls
    }

    /// The tokens of the last layer that it reads; the mean reads every token, so its last layer has nothing to leave out.
    pub(crate) fn tokens(self) -> Tokens {
        match self {
            Self::Cls => Tokens::First,
            Self::Mean => Tokens::All,
        }
    }

    /// How many they are of a sequence of `length` tokens.
    pub(crate) fn count(self, length: usize) -> usize {
        match self {
            Self::Cls => 1,
            Self::Mean => length,
        }
    }

    /// # Shapes
    /// - `hidden`: `[batch, length, hidden]`, or `[1, tokens, hidden]` where it is packed
    /// - output: `[batch, hidden]`
    pub(crate) fn summary(self, hidden: Tensor<3>, layout: &Layout) -> Tensor<2> {
        match self {
            Self::Cls => layout.first(hidden).flatten(0, 1),
            Self::Mean => layout.mean(hidden),
        }
    }
}
