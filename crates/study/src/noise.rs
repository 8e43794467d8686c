//! Which noise a run puts on the pretrained parameters before it trains.

use noisytune_burn::{NoiseKind, NoiseScale};
use serde::{Deserialize, Serialize};

/// Which of the pretrained parameters take the noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseSelection {
    /// All of them, as in the paper's runs on GLUE.
    #[default]
    Everything,
    /// All but the table of token embeddings, as in its runs on XTREME: the embeddings of all languages stay where pretraining
    /// has aligned them.
    ExceptTokenEmbeddings,
}

impl NoiseSelection {
    /// Whether it is the default; records do not mention it then, as they did not before there was a choice.
    pub(crate) fn is_everything(&self) -> bool {
        *self == Self::Everything
    }
}

/// A noise by name; how much of it is the study's λ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    /// In records and on the command line: lower case, words joined by hyphens.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// Its distribution.
    pub kind: NoiseKind,
    /// The scale it is proportional to.
    pub scale: NoiseScale,
}

impl Noise {
    /// The paper's: each parameter plus `U(-λ/2, λ/2)` times its standard deviation.
    ///
    /// Source: Wu et al., ACL 2022, arXiv:2202.12024.
    pub const NOISYTUNE: Self = Self {
        name: "noisytune",
        about: "NoisyTune: matrix-wise uniform noise",
        kind: NoiseKind::Uniform,
        scale: NoiseScale::PerTensor,
    };

    /// The noises that NoisyTune is compared with.
    pub const CONTROLS: [Self; 4] = [
        // The paper's: N(0, λ²) times the parameter's standard deviation, √12 times as strong as the uniform noise.
        Self {
            name: "gaussian",
            about: "matrix-wise Gaussian noise with the paper's standard deviation, λ of each matrix's",
            kind: NoiseKind::Gaussian,
            scale: NoiseScale::PerTensor,
        },
        // N(0, λ²/12): it differs from NoisyTune only in the shape of the distribution.
        Self {
            name: "gaussian-matched",
            about: "matrix-wise Gaussian noise with the variance of NoisyTune's",
            kind: NoiseKind::MatchedGaussian,
            scale: NoiseScale::PerTensor,
        },
        // The paper's: one standard deviation, over all parameters together.
        Self {
            name: "global-uniform",
            about: "uniform noise of one scale for the whole model",
            kind: NoiseKind::Uniform,
            scale: NoiseScale::Global,
        },
        Self {
            name: "global-gaussian",
            about: "Gaussian noise of one scale for the whole model",
            kind: NoiseKind::Gaussian,
            scale: NoiseScale::Global,
        },
    ];
}
