//! The paper's global Gaussian control.

use noisytune_burn::{NoiseKind, NoiseScale};

use super::{Noise, Treatment};

/// Each parameter plus `N(0, λ²)` times the standard deviation over all of them together.
pub(super) struct GlobalGaussian;

impl Treatment for GlobalGaussian {
    fn name(&self) -> &'static str {
        "global-gaussian"
    }

    fn about(&self) -> &'static str {
        "Gaussian noise of one scale for the whole model"
    }

    fn noise(&self) -> Option<Noise> {
        Some(Noise {
            kind: NoiseKind::Gaussian,
            scale: NoiseScale::Global,
        })
    }
}
