//! The paper's Gaussian control.

use noisytune_burn::{NoiseKind, NoiseScale};

use super::{Noise, Treatment};

/// Each parameter plus `N(0, λ²)` times its standard deviation: √12 times as strong as the uniform noise.
pub(super) struct Gaussian;

impl Treatment for Gaussian {
    fn name(&self) -> &'static str {
        "gaussian"
    }

    fn about(&self) -> &'static str {
        "matrix-wise Gaussian noise with the paper's standard deviation, λ of each matrix's"
    }

    fn noise(&self) -> Option<Noise> {
        Some(Noise {
            kind: NoiseKind::Gaussian,
            scale: NoiseScale::PerTensor,
        })
    }
}
