//! The numbers that training computes with.

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use serde::{Deserialize, Serialize};

use crate::error::FinetuneError;

/// The float type of the linear layers and of what flows between them.
///
/// Parameters, gradients as the optimizer sees them, embeddings, normalisation, softmax and the loss are single
/// precision always, as with transformers' `--bf16` and `--fp16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// 8 bits of mantissa, the range of single precision.
    Bf16,
    /// 11 bits of mantissa and a small range: the loss is scaled ([`LossScale`](crate::loss_scale::LossScale)).
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

    fn dtype(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        }
    }

    /// Checks that a device computes with it.
    ///
    /// # Errors
    /// [`FinetuneError::Setting`] if it does not.
    pub(crate) fn check(self, device: &Device) -> Result<(), FinetuneError> {
        let supported = |precision: &Self| device.supports_dtype(precision.dtype());
        if supported(&self) {
            return Ok(());
        }
        let accepted = match [Self::Bf16, Self::F16]
            .iter()
            .find(|other| supported(other))
        {
            Some(Self::Bf16) => "f32 or bf16 on this device",
            Some(_) => "f32 or f16 on this device",
            None => "f32 on this device",
        };
        Err(FinetuneError::setting("precision", self.name(), accepted))
    }

    /// The model that computes with it, whose gradients are those of the parameters of the one that is given.
    pub(crate) fn lower<M: Module>(self, model: M) -> M {
        match self {
            Self::F32 => model,
            Self::Bf16 | Self::F16 => encoders::cast_linear(model, self.dtype()),
        }
    }
}
