//! NoisyTune (Wu et al., ACL 2022, arXiv:2202.12024).

use noisytune_burn::{NoiseKind, NoiseScale};

use super::{Noise, Treatment};

/// Matrix-wise uniform noise.
pub(super) const UNIFORM: Noise = Noise {
    kind: NoiseKind::Uniform,
    scale: NoiseScale::PerTensor,
};

/// Each parameter plus `U(-λ/2, λ/2)` times its standard deviation.
pub(super) struct Noisytune;

impl Treatment for Noisytune {
    fn name(&self) -> &'static str {
        "noisytune"
    }

    fn about(&self) -> &'static str {
        "NoisyTune: matrix-wise uniform noise"
    }

    fn noise(&self) -> Option<Noise> {
        Some(UNIFORM)
    }
}
