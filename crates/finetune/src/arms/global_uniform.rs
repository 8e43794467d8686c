//! The paper's global control.

use noisytune_burn::{NoiseKind, NoiseScale};

use super::{Noise, Treatment};

/// Each parameter plus `U(-λ/2, λ/2)` times the standard deviation over all of them together.
pub(super) struct GlobalUniform;

impl Treatment for GlobalUniform {
    fn name(&self) -> &'static str {
        "global-uniform"
    }

    fn about(&self) -> &'static str {
        "uniform noise of one scale for the whole model"
    }

    fn noise(&self) -> Option<Noise> {
        Some(Noise {
            kind: NoiseKind::Uniform,
            scale: NoiseScale::Global,
        })
    }
}
