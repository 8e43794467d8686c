//! What to compare.

mod validate;

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::arm::Arm;
use crate::draw::Draw;
use crate::earlier::upgrade_config;
use crate::error::StudyError;
use crate::json_text::json_text;
use crate::kind::StudyKind;
use crate::method::Method;
use crate::noise::NoiseSelection;
use crate::recipe::Recipe;
use crate::record::difference;
use crate::tuning::Tuning;

/// The settings of a comparison: which studies, over which seeds, by which recipe.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `studies` | compare | the questions, in this order | at least 1, each once |
/// | `arms` | baseline, noisytune | what `compare` compares | at least 1, each once |
/// | `seeds` | 8 | runs of each point of a study, one per seed | 1 to 1,000,000 |
/// | `side_seeds` | as `seeds` | the same for points that are not in `compare`, `l1-change` or `baseline`; beside such points, theirs have at least as many | 1 to 1,000,000 |
/// | `first_seed` | 0 | seeds `first_seed`, `first_seed + 1`, ... | |
/// | `vary` | [`Draw::USUAL`] | what the seeds decide; everything else is drawn by the first seed in every run | at least 1, each once |
/// | `lambda` | 0.15 | noise intensity λ of the arms with noise | finite, at least 0 |
/// | `noise_selection` | everything | which pretrained parameters take the noise | |
/// | `lambdas` | 0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5 | the sweep of `lambda` | each as `lambda`, and once |
/// | `fractions` | 0.1, 0.25, 0.5, 1 | shares of the training rows in `data-size` | above 0, to 1, each once |
/// | `tuning` | [`Tuning`] | the grid of `baseline`, and what its points are chosen by | [`Tuning`] |
/// | `companions` | mixout, recadam, neftune | the methods of `companions`, each with and without noise | arms |
/// | `hyperparameters` | the arms' own | numbers of the arms' methods, such as `mixout.probability` | the arm's |
/// | `recipe` | the standard one | hyperparameters of every run | [`Recipe`] |
/// | `max_train_samples` | all | use only the first so many training rows | at least 1 |
/// | `max_eval_samples` | all | use only the first so many dev rows | at least 1 |
/// | `mixed_devices` | no | whether runs on different kinds of devices mix | |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
// As for `RunRecord`.
#[serde(remote = "Self", deny_unknown_fields)]
pub struct StudyConfig {
    /// The questions, in the order in which their studies run.
    pub studies: Vec<StudyKind>,
    /// What [`StudyKind::Compare`] compares, in the order they run within a seed.
    pub arms: Vec<Arm>,
    /// Runs of each point of a study, one per seed.
    pub seeds: usize,
    /// The same for points that are not in `compare`, `l1-change` or `baseline`, whose own points have at least as many beside
    /// them; `None` for as many as `seeds`.
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
    /// The methods that [`StudyKind::Companions`] asks about, as arms; it has each with and without noise.
    pub companions: Vec<Arm>,
    /// Numbers of the arms' own methods, by name; those not given keep their defaults.
    pub hyperparameters: BTreeMap<String, f64>,
    /// Hyperparameters of every run.
    pub recipe: Recipe,
    /// Number of training rows to use, counted from the first; `None` for all.
    pub max_train_samples: Option<usize>,
    /// Number of dev rows to use, counted from the first; `None` for all.
    pub max_eval_samples: Option<usize>,
    /// Whether runs on different kinds of devices, whose results differ in their last digits, mix.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mixed_devices: bool,
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
            companions: Arm::COMPANIONS.to_vec(),
            hyperparameters: BTreeMap::new(),
            recipe: Recipe::default(),
            max_train_samples: None,
            max_eval_samples: None,
            mixed_devices: false,
        }
    }
}

impl Serialize for StudyConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// Configurations of every version are read as those of today.
impl<'de> Deserialize<'de> for StudyConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut config = Map::<String, Value>::deserialize(deserializer)?;
        if !config.contains_key("companions") {
            upgrade_config(&mut config);
        }
        Self::deserialize(Value::Object(config)).map_err(D::Error::custom)
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

    /// Writes the configuration as JSON, as a whole or not at all; a file that holds it already stays.
    ///
    /// # Errors
    /// [`StudyError::File`].
    pub fn save(&self, path: &Path) -> Result<(), StudyError> {
        Ok(files::update(path, json_text(self).as_bytes())?)
    }

    /// The arms that a study asks about, in the order in which they run within a seed.
    pub fn arms_of(&self, study: StudyKind) -> Vec<Arm> {
        const PAIR: [Arm; 2] = [Arm::BASELINE, Arm::NOISYTUNE];
        match study {
            StudyKind::Compare | StudyKind::Baseline => self.arms.clone(),
            StudyKind::Lambda | StudyKind::DataSize | StudyKind::L1Change => PAIR.to_vec(),
            StudyKind::NoiseKind => [&PAIR[..], &Arm::NOISE_CONTROLS].concat(),
            StudyKind::Companions => {
                let companions = self.companions.iter().flat_map(|arm| arm.pair());
                PAIR.into_iter().chain(companions).collect()
            }
        }
    }

    /// Whether another configuration asks for the same runs: numbers of methods that no arm has, and the points of studies that it
    /// does not ask for, make no difference. A preset has some, for whoever asks for them.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        self.of_its_runs() == other.of_its_runs()
    }

    /// The first field that differs from a configuration that asks for other runs, with both values in words.
    pub(crate) fn difference(&self, now: &Self) -> Option<(String, String, String)> {
        let json = |config: &Self| {
            serde_json::to_value(config.of_its_runs()).expect("a configuration is plain data")
        };
        difference("config", &json(self), &json(now))
    }

    fn of_its_runs(&self) -> Self {
        let mut config = self.clone();
        // Earlier versions kept a study that was asked for twice.
        let mut studies = Vec::new();
        config.studies.retain(|study| {
            let is_first = !studies.contains(study);
            studies.push(*study);
            is_first
        });
        config.hyperparameters.retain(|name, _| {
            let is_it = |method: Method| {
                method
                    .hyperparameters()
                    .iter()
                    .any(|number| number.name == name)
            };
            self.has_method(is_it)
        });
        if !self.studies.contains(&StudyKind::Companions) {
            config.companions = Arm::COMPANIONS.to_vec();
        }
        let defaults = Self::default();
        if !self.studies.contains(&StudyKind::Baseline) {
            config.tuning = None;
        }
        if !self.studies.contains(&StudyKind::Lambda) {
            config.lambdas = defaults.lambdas;
        }
        if !self.takes_lambda() {
            config.lambda = defaults.lambda;
        }
        if !self.studies.contains(&StudyKind::DataSize) {
            config.fractions = defaults.fractions;
        }
        if !StudyKind::JUDGING
            .iter()
            .any(|kind| self.studies.contains(kind))
        {
            config.arms = defaults.arms;
        }
        if !self.has_side_study() {
            config.side_seeds = None;
        }
        config
    }

    /// Whether any run has the noise intensity [`lambda`](Self::lambda): those of a sweep have others.
    pub fn takes_lambda(&self) -> bool {
        let mut studies = self.studies.iter();
        studies.any(|study| {
            *study != StudyKind::Lambda && self.arms_of(*study).iter().any(|arm| arm.has_noise())
        })
    }

    /// Whether any study has points that the others do not have.
    pub(crate) fn has_side_study(&self) -> bool {
        let mut studies = self.studies.iter();
        studies.any(|study| StudyKind::SIDE.contains(study))
    }

    fn has_method(&self, is_it: impl Fn(Method) -> bool) -> bool {
        let arms = self.studies.iter().flat_map(|study| self.arms_of(*study));
        arms.into_iter().any(|arm| is_it(arm.method()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn arms(names: &[&str]) -> Vec<Arm> {
        let arms = names.iter().map(|name| Arm::named(name).expect("an arm"));
        arms.collect()
    }

    #[test]
    fn what_no_run_has_makes_no_other_study() {
        let config = StudyConfig::default();
        let mut other = config.clone();
        other
            .hyperparameters
            .insert("recadam.pull".to_owned(), 100.0);
        other.companions = arms(&["smart"]);
        other.lambdas = vec![0.2];
        other.fractions = vec![0.5];
        assert!(config.asks_the_same(&other));
        for (study, change) in [
            (
                StudyKind::Lambda,
                &(|config: &mut StudyConfig| config.lambda = 0.3) as &dyn Fn(&mut StudyConfig),
            ),
            (StudyKind::NoiseKind, &|config| {
                config.arms = arms(&["mixout"])
            }),
        ] {
            let mut config = config.clone();
            config.studies = vec![study];
            let mut other = config.clone();
            change(&mut other);
            assert!(config.asks_the_same(&other), "{study}");
            [config.studies, other.studies] = [(); 2].map(|()| vec![StudyKind::Compare]);
            assert!(!config.asks_the_same(&other), "{study}");
        }
        for arms_or_studies in [true, false] {
            let [mut config, mut other] = [config.clone(), other.clone()];
            for config in [&mut config, &mut other] {
                match arms_or_studies {
                    true => config.arms = arms(&["baseline", "recadam"]),
                    false => config.studies = vec![StudyKind::Companions],
                }
            }
            assert!(!config.asks_the_same(&other), "{arms_or_studies}");
        }
        other.seeds += 1;
        assert!(!config.asks_the_same(&other));
    }
}
