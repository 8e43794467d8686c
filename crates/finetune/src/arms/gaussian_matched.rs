//! A Gaussian control that differs from NoisyTune in the distribution's shape alone.

use noisytune_burn::{NoiseKind, NoiseScale};

use super::{Noise, Treatment};

/// Each parameter plus `N(0, λ²/12)` times its standard deviation.
pub(super) struct GaussianMatched;

impl Treatment for GaussianMatched {
    fn name(&self) -> &'static str {
        "gaussian-matched"
    }

    fn about(&self) -> &'static str {
        "matrix-wise Gaussian noise with the variance of NoisyTune's"
    }

    fn noise(&self) -> Option<Noise> {
        Some(Noise {
            kind: NoiseKind::MatchedGaussian,
            scale: NoiseScale::PerTensor,
        })
    }
}
