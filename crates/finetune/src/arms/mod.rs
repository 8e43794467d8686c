//! The arms of a comparison, one file each.
//!
//! A new arm is a file with a type that implements [`Treatment`], and its line in [`Arm::ALL`].
//!
//! A companion, which acts while a run trains, takes what training starts from for the pretrained model:
//! with NoisyTune that is the perturbed one, as for a program that is handed it.

mod baseline;
mod companion;
mod gaussian;
mod gaussian_matched;
mod global_gaussian;
mod global_uniform;
mod hyperparameters;
mod mixout;
mod neftune;
mod noisytune;
mod recadam;

use std::collections::BTreeMap;

use noisytune_burn::{NoiseKind, NoiseScale, NoisyTuneConfig, selection};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::error::FinetuneError;

pub use companion::{Companion, EmbeddingNoise, Start, Update, Weights};
pub use hyperparameters::{Hyperparameter, check_known};

/// What a run does beside plain finetuning.
///
/// Head, data order and dropout belong to the seed, whatever the arm: what an arm draws comes from a
/// stream of its own.
pub trait Treatment: Sync {
    /// In records and on the command line: lower case, words joined by hyphens.
    fn name(&self) -> &'static str;
    /// What it does, in one line.
    fn about(&self) -> &'static str;
    /// The arm it is compared with where both run.
    fn control(&self) -> &'static str {
        Arm::BASELINE.name()
    }
    /// The noise on the pretrained parameters before training, if any.
    fn noise(&self) -> Option<Noise> {
        None
    }
    /// The numbers of its method, which a study can set and every record carries.
    fn hyperparameters(&self) -> &'static [Hyperparameter] {
        &[]
    }
    /// What it does while a run trains; nothing costs nothing.
    ///
    /// # Errors
    /// Where the model has nothing that the method works on.
    fn companion(&self, start: &Start<'_>) -> Result<Companion, FinetuneError> {
        let _ = start;
        Ok(Companion::default())
    }
}

/// Which noise; how much of it is the study's λ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    /// Its distribution.
    pub kind: NoiseKind,
    /// What it is proportional to.
    pub scale: NoiseScale,
}

/// An arm that the registry knows.
#[derive(Clone, Copy)]
pub struct Arm(&'static dyn Treatment);

impl Arm {
    /// Plain finetuning, which every other arm is compared with in the end.
    pub const BASELINE: Self = Self(&baseline::Baseline);
    /// The paper's method.
    pub const NOISYTUNE: Self = Self(&noisytune::Noisytune);
    /// Its controls: other distributions, and one scale for the whole model.
    pub const NOISE_CONTROLS: [Self; 4] = [
        Self(&gaussian::Gaussian),
        Self(&gaussian_matched::GaussianMatched),
        Self(&global_uniform::GlobalUniform),
        Self(&global_gaussian::GlobalGaussian),
    ];
    /// Other methods against overfitting, each without and with NoisyTune.
    pub const COMPANIONS: [Self; 6] = [
        Self(&mixout::Mixout { noise: false }),
        Self(&mixout::Mixout { noise: true }),
        Self(&recadam::RecAdam { noise: false }),
        Self(&recadam::RecAdam { noise: true }),
        Self(&neftune::Neftune { noise: false }),
        Self(&neftune::Neftune { noise: true }),
    ];

    /// The registry.
    pub const ALL: &'static [Self] = &[
        Self::BASELINE,
        Self::NOISYTUNE,
        Self::NOISE_CONTROLS[0],
        Self::NOISE_CONTROLS[1],
        Self::NOISE_CONTROLS[2],
        Self::NOISE_CONTROLS[3],
        Self::COMPANIONS[0],
        Self::COMPANIONS[1],
        Self::COMPANIONS[2],
        Self::COMPANIONS[3],
        Self::COMPANIONS[4],
        Self::COMPANIONS[5],
    ];

    /// Looks an arm up.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|arm| arm.name() == name)
    }

    /// The names of all arms.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|arm| arm.name())
    }

    /// The arm's name in records and on the command line.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the arm does, in one line.
    pub fn about(self) -> &'static str {
        self.0.about()
    }

    /// The arm it is compared with where both run; its own for the baseline.
    pub fn control(self) -> Self {
        Self::named(self.0.control()).unwrap_or(Self::BASELINE)
    }

    /// Whether λ means anything to it.
    pub fn has_noise(self) -> bool {
        self.0.noise().is_some()
    }

    /// The numbers of its method: the defaults, and what `set` says instead.
    pub fn hyperparameters(self, set: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
        let known = self.0.hyperparameters().iter();
        known
            .map(|known| {
                let value = set.get(known.name).copied();
                (known.name.to_owned(), value.unwrap_or(known.default))
            })
            .collect()
    }

    /// What it does while a run trains.
    ///
    /// # Errors
    /// Where the model has nothing that the method works on.
    pub fn companion(self, start: &Start<'_>) -> Result<Companion, FinetuneError> {
        self.0.companion(start)
    }

    /// The noise of a run, if the arm has any.
    ///
    /// `fresh` are the module paths of layers that are not pretrained, the head's among them: the method
    /// perturbs what was pretrained, so they are left out.
    pub fn noise(self, lambda: f64, seed: u64, fresh: &[String]) -> Option<NoisyTuneConfig> {
        let noise = self.0.noise()?;
        let left_out: Vec<&str> = fresh.iter().map(String::as_str).collect();
        Some(
            NoisyTuneConfig::new(lambda)
                .with_seed(seed)
                .with_kind(noise.kind)
                .with_scale(noise.scale)
                .with_group(selection::except(&left_out)),
        )
    }
}

/// The key of the random stream that a method draws from under a seed: no two share one.
fn stream_key(seed: u64, method: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(method)
        .finalize()
        .into()
}

impl std::fmt::Debug for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Arm").field(&self.name()).finish()
    }
}

impl std::fmt::Display for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl PartialEq for Arm {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Arm {}

impl Serialize for Arm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Arm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| {
            let known: Vec<&str> = Self::names().collect();
            serde::de::Error::custom(format_args!(
                "unknown arm `{name}`, known are {}",
                known.join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Arm;

    #[test]
    fn names_are_unique_and_controls_are_arms() {
        let mut names: Vec<&str> = Arm::names().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Arm::ALL.len());
        for arm in Arm::ALL {
            assert_eq!(Arm::named(arm.name()), Some(*arm));
            assert!(Arm::named(arm.0.control()).is_some(), "{arm}");
        }
    }

    #[test]
    fn an_unknown_arm_is_refused_with_those_that_are_known() {
        let error = serde_json::from_str::<Arm>("\"mixup\"").expect_err("no such arm");
        let text = error.to_string();
        assert!(
            text.starts_with("unknown arm `mixup`, known are baseline, noisytune"),
            "{text}"
        );
    }
}
