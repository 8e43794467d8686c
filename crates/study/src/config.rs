//! What to compare.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::arm::Arm;
use crate::draw::Draw;
use crate::error::StudyError;
use crate::kind::StudyKind;
use crate::method::check_known;
use crate::noise::NoiseSelection;
use crate::precision::Precision;
use crate::range::{at_least_one, check, count};
use crate::recipe::Recipe;
use crate::tuning::{TUNING_SEEDS_FOLLOW_BY, Tuning};

/// The settings of a comparison: which studies, over which seeds, by which recipe.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `studies` | compare | the questions, in this order | at least 1 |
/// | `arms` | baseline, noisytune | what `compare` compares | at least 1 |
/// | `seeds` | 8 | runs of each point of a study, one per seed | 1 to 1,000,000 |
/// | `side_seeds` | as `seeds` | the same for points that are not in `compare` or `l1-change`; beside such points, theirs have at least as many | 1 to 1,000,000 |
/// | `first_seed` | 0 | seeds `first_seed`, `first_seed + 1`, ... | |
/// | `vary` | [`Draw::USUAL`] | what the seeds decide; everything else is drawn by the first seed in every run | at least 1 |
/// | `lambda` | 0.15 | noise intensity λ of the arms with noise | finite, at least 0 |
/// | `noise_selection` | everything | which pretrained parameters take the noise | |
/// | `lambdas` | 0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5 | the sweep of `lambda` | each as `lambda` |
/// | `fractions` | 0.1, 0.25, 0.5, 1 | shares of the training rows in `data-size` | above 0, to 1 |
/// | `tuning` | [`Tuning`] | the grid of `baseline`, and what its points are chosen by | [`Tuning`] |
/// | `hyperparameters` | the arms' own | numbers of the arms' methods, such as `mixout.probability` | the arm's |
/// | `recipe` | the standard one | hyperparameters of every run | [`Recipe`] |
/// | `max_train_samples` | all | use only the first so many training rows | at least 1 |
/// | `max_eval_samples` | all | use only the first so many dev rows | at least 1 |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyConfig {
    /// The questions, in the order in which their studies run.
    pub studies: Vec<StudyKind>,
    /// What [`StudyKind::Compare`] compares, in the order they run within a seed.
    pub arms: Vec<Arm>,
    /// Runs of each point of a study, one per seed.
    pub seeds: usize,
    /// The same for points that are not in `compare` or `l1-change`, whose own points have at least as many beside them;
    /// `None` for as many as `seeds`.
    pub side_seeds: Option<usize>,
    /// The first seed; the others follow it.
    pub first_seed: u64,
    /// What the seeds decide, while everything else is drawn by the first seed in every run; `None` for
    /// [`Draw::USUAL`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vary: Option<Vec<Draw>>,
    /// Noise intensity λ of the arms with noise; the paper's is 0.15.
    pub lambda: f64,
    /// Which pretrained parameters take the noise.
    #[serde(default, skip_serializing_if = "NoiseSelection::is_everything")]
    pub noise_selection: NoiseSelection,
    /// The intensities that [`StudyKind::Lambda`] sweeps.
    pub lambdas: Vec<f64>,
    /// The shares of the training rows that [`StudyKind::DataSize`] takes.
    pub fractions: Vec<f64>,
    /// How [`StudyKind::Baseline`] looks for recipes; `None` for [`Tuning::default`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<Tuning>,
    /// Numbers of the arms' own methods, by name; those not given keep their defaults.
    pub hyperparameters: BTreeMap<String, f64>,
    /// Hyperparameters of every run.
    pub recipe: Recipe,
    /// Number of training rows to use, counted from the first; `None` for all.
    pub max_train_samples: Option<usize>,
    /// Number of dev rows to use, counted from the first; `None` for all.
    pub max_eval_samples: Option<usize>,
}

impl Default for StudyConfig {
    fn default() -> Self {
        Self {
            studies: vec![StudyKind::Compare],
            arms: vec![Arm::BASELINE, Arm::NOISYTUNE],
            seeds: 8,
            side_seeds: None,
            first_seed: 0,
            vary: None,
            lambda: 0.15,
            noise_selection: NoiseSelection::Everything,
            lambdas: vec![0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5],
            fractions: vec![0.1, 0.25, 0.5, 1.0],
            tuning: None,
            hyperparameters: BTreeMap::new(),
            recipe: Recipe::default(),
            max_train_samples: None,
            max_eval_samples: None,
        }
    }
}

impl StudyConfig {
    /// How [`StudyKind::Baseline`] looks for recipes.
    pub fn tuning(&self) -> Tuning {
        self.tuning.clone().unwrap_or_default()
    }

    /// Reads `study.json` of a folder: the settings behind its `summary.json`.
    ///
    /// # Errors
    /// [`StudyError::File`], [`StudyError::Config`].
    pub fn read(folder: &Path) -> Result<Self, StudyError> {
        let path = folder.join("study.json");
        let text = files::read_text(&path)?;
        serde_json::from_str(&text).map_err(|e| StudyError::Config {
            path,
            reason: e.to_string(),
        })
    }

    /// Writes the configuration as JSON, as a whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::File`].
    pub fn save(&self, path: &Path) -> Result<(), StudyError> {
        let mut text = serde_json::to_string_pretty(self).expect("a configuration is plain data");
        text.push('\n');
        Ok(files::replace(path, text.as_bytes())?)
    }

    /// Checks every value that can be checked without reading a file.
    ///
    /// # Errors
    /// [`StudyError::Setting`], [`StudyError::UnknownHyperparameter`] or, for λ,
    /// [`StudyError::Lambda`].
    pub fn validate(&self) -> Result<(), StudyError> {
        at_least_one("number of studies", self.studies.len())?;
        at_least_one("number of arms", self.arms.len())?;
        count("seeds", self.seeds)?;
        let side = self.side_seeds.unwrap_or(self.seeds);
        count("side seeds", side)?;
        let mut last = self.first_seed.checked_add(self.seeds.max(side) as u64 - 1);
        if self.studies.contains(&StudyKind::Baseline) {
            let tuning = self.tuning();
            tuning.validate()?;
            let seeds = TUNING_SEEDS_FOLLOW_BY + tuning.seeds as u64;
            last = last.and(self.first_seed.checked_add(seeds));
        }
        if last.is_none() {
            return Err(StudyError::setting(
                "first seed",
                self.first_seed,
                "a number that leaves room for the other seeds below 2^64",
            ));
        }
        if let Some(vary) = &self.vary {
            at_least_one("number of draws to vary", vary.len())?;
        }
        at_least_one("number of lambdas", self.lambdas.len())?;
        for &lambda in self.lambdas.iter().chain([&self.lambda]) {
            noisytune_burn::NoisyTuneConfig::new(lambda).init()?;
        }
        at_least_one("number of fractions", self.fractions.len())?;
        for &fraction in &self.fractions {
            check("fraction", fraction, "above 0, to 1", |x| {
                x > 0.0 && x <= 1.0
            })?;
        }
        check_known(&self.hyperparameters)?;
        self.check_precision()?;
        self.recipe.validate()
    }

    /// Refuses arms that would do nothing in the recipe's precision.
    fn check_precision(&self) -> Result<(), StudyError> {
        let precision = self.recipe.precision;
        let needs_f32 = self.arms.iter().any(|arm| arm.method().needs_f32());
        if !needs_f32 || precision == Precision::F32 {
            return Ok(());
        }
        Err(StudyError::setting(
            "precision",
            precision.name(),
            "f32 with HyPe, whose noise half precision rounds away",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_that_need_single_precision_are_refused_in_half() {
        let config = |arm: &str, precision| StudyConfig {
            arms: vec![Arm::BASELINE, Arm::named(arm).expect("an arm")],
            recipe: Recipe {
                precision,
                ..Recipe::default()
            },
            ..StudyConfig::default()
        };
        for precision in [Precision::Bf16, Precision::F16] {
            for arm in ["hype-uniform", "hype-normal-noisytune"] {
                let error = config(arm, precision)
                    .validate()
                    .expect_err("it is refused");
                let expected = format!(
                    "precision is {}, accepted is f32 with HyPe, whose noise half precision rounds away",
                    precision.name()
                );
                assert_eq!(error.to_string(), expected);
            }
            assert!(config("smart", precision).validate().is_ok());
        }
        assert!(config("hype-uniform", Precision::F32).validate().is_ok());
    }
}
