//! Training in half precision: what a device supports, and the model that computes in it.

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use study::{Precision, StudyError};

fn dtype(precision: Precision) -> FloatDType {
    match precision {
        Precision::F32 => FloatDType::F32,
        Precision::Bf16 => FloatDType::BF16,
        Precision::F16 => FloatDType::F16,
    }
}

/// Checks that a device supports a precision.
///
/// # Errors
/// [`StudyError::Setting`] if it does not.
pub(crate) fn check(precision: Precision, device: &Device) -> Result<(), StudyError> {
    let supported = |precision: Precision| device.supports_dtype(dtype(precision));
    if supported(precision) {
        return Ok(());
    }
    let accepted = match [Precision::Bf16, Precision::F16]
        .into_iter()
        .find(|other| supported(*other))
    {
        Some(Precision::Bf16) => "f32 or bf16 on this device",
        Some(_) => "f32 or f16 on this device",
        None => "f32 on this device",
    };
    Err(StudyError::setting("precision", precision.name(), accepted))
}

/// A copy of the model that computes in a precision; its gradients reach the parameters of the original, in one backward pass.
pub(crate) fn lower<M: Module>(precision: Precision, model: M) -> M {
    match precision {
        Precision::F32 => model,
        Precision::Bf16 | Precision::F16 => encoders::cast_linear_together(model, dtype(precision)),
    }
}

/// [`lower`], of which each layer may have a backward pass of its own.
pub(crate) fn lower_each_layer<M: Module>(precision: Precision, model: M) -> M {
    match precision {
        Precision::F32 => model,
        Precision::Bf16 | Precision::F16 => encoders::cast_linear(model, dtype(precision)),
    }
}
