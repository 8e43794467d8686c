//! The questions of a study.

use serde::{Deserialize, Serialize};

/// A question that a list of runs answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StudyKind {
    /// Does the noise help? The configured arms.
    Compare,
    /// How much noise? NoisyTune over a sweep of λ.
    Lambda,
    /// Which noise? Uniform and Gaussian, matrix-wise and global.
    NoiseKind,
    /// Does it help more with less data? Both arms over shares of the training rows.
    DataSize,
    /// How far does finetuning move the parameters? Both arms, by the checkpoints of their records.
    L1Change,
    /// Does it help other methods too? Each of them with and without noise.
    Companions,
    /// Which recipe? Each arm over a grid of learning rates and epochs, chosen on training rows that are held out; then the
    /// arms at the recipes that were chosen, on dev.
    Baseline,
}

impl StudyKind {
    /// Every study.
    pub const ALL: [Self; 7] = [
        Self::Compare,
        Self::Lambda,
        Self::NoiseKind,
        Self::DataSize,
        Self::L1Change,
        Self::Companions,
        Self::Baseline,
    ];

    /// The studies by a recipe that is given, in the order in which `all` runs them. The other one looks for a recipe.
    pub const BY_ONE_RECIPE: [Self; 6] = [
        Self::Compare,
        Self::Lambda,
        Self::NoiseKind,
        Self::DataSize,
        Self::L1Change,
        Self::Companions,
    ];

    /// The studies with points that no other study has, which may have fewer seeds.
    pub const SIDE: [Self; 4] = [
        Self::Lambda,
        Self::NoiseKind,
        Self::DataSize,
        Self::Companions,
    ];

    /// The studies that compare the configured arms; by the first that ran, a task is judged.
    pub const JUDGING: [Self; 2] = [Self::Compare, Self::Baseline];

    /// Its question, in one line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Compare => "does the noise help? The chosen arms",
            Self::Lambda => "how much noise? NoisyTune over a sweep of λ",
            Self::NoiseKind => "which noise? Uniform and Gaussian, matrix-wise and global",
            Self::DataSize => "does it help more with less data? Shares of the training rows",
            Self::L1Change => "how far does finetuning move the parameters?",
            Self::Companions => "does it help other methods too?",
            Self::Baseline => {
                "which recipe? Learning rates × epochs, tuned on held-out training rows"
            }
        }
    }

    /// The study's name in summaries and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Compare => "compare",
            Self::Lambda => "lambda",
            Self::NoiseKind => "noise-kind",
            Self::DataSize => "data-size",
            Self::L1Change => "l1-change",
            Self::Companions => "companions",
            Self::Baseline => "baseline",
        }
    }
}

impl std::fmt::Display for StudyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
