//! The arms of a comparison.

use noisytune_burn::{NoisyTuneConfig, selection};
use serde::{Deserialize, Serialize};

/// What a run does to the pretrained parameters before finetuning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// Nothing.
    Baseline,
    /// NoisyTune: matrix-wise uniform noise (Wu et al., 2022).
    Noisytune,
}

impl Arm {
    /// Every arm.
    pub const ALL: [Self; 2] = [Self::Baseline, Self::Noisytune];

    /// The arm's name in records and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Noisytune => "noisytune",
        }
    }

    /// The noise of a run, if the arm has any.
    ///
    /// `fresh` are the module paths of layers that are not pretrained: the method perturbs what was
    /// pretrained, so they are left out, and the head with them even where a checkpoint brings one.
    pub fn noise(self, lambda: f64, seed: u64, fresh: &[String]) -> Option<NoisyTuneConfig> {
        match self {
            Self::Baseline => None,
            Self::Noisytune => {
                let mut left_out: Vec<&str> = fresh.iter().map(String::as_str).collect();
                if !left_out.contains(&"classifier") {
                    left_out.push("classifier");
                }
                Some(
                    NoisyTuneConfig::new(lambda)
                        .with_seed(seed)
                        .with_group(selection::except(&left_out)),
                )
            }
        }
    }
}

impl std::fmt::Display for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
