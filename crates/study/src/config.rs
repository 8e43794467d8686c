//! What to compare.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::arm::Arm;
use crate::draw::Draw;
use crate::earlier::{LARGEST_PULL, upgrade_config};
use crate::error::StudyError;
use crate::json_text::json_text;
use crate::kind::StudyKind;
use crate::method::{Method, check_known};
use crate::noise::NoiseSelection;
use crate::precision::Precision;
use crate::range::{at_least_one, check, count, twice};
use crate::recipe::Recipe;
use crate::record::difference;
use crate::tuning::{TUNING_SEEDS_FOLLOW_BY, Tuning};

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
        twice("studies", &self.studies)?;
        twice("arms", &self.arms)?;
        twice("vary", self.vary.as_deref().unwrap_or_default())?;
        twice("lambdas", &self.lambdas)?;
        twice("fractions", &self.fractions)?;
        self.check_companions()?;
        check_known(&self.hyperparameters)?;
        self.check_precision()?;
        self.check_recadam()?;
        self.recipe.validate()
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

    /// Whether another configuration asks for the same runs: numbers of methods that no arm has, and companions without their
    /// study, make no difference. A preset has some, for whoever asks for them.
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
        if !self.studies.contains(&StudyKind::Baseline) {
            config.tuning = None;
        }
        if !self.has_side_study() {
            config.side_seeds = None;
        }
        config
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

    fn check_companions(&self) -> Result<(), StudyError> {
        at_least_one("number of companions", self.companions.len())?;
        twice("companions", &self.companions)?;
        let is_method = |arm: &&Arm| !arm.has_noise() && arm.method() != Method::Plain;
        match self.companions.iter().find(|arm| !is_method(arm)) {
            None => Ok(()),
            Some(arm) => Err(StudyError::setting(
                "companions",
                arm.name(),
                "methods by their arms without noise, such as mixout",
            )),
        }
    }

    /// Refuses a pull by which RecAdam is sure to diverge: a parameter that is pulled by more than twice its distance ends
    /// farther away than it was.
    fn check_recadam(&self) -> Result<(), StudyError> {
        if !self.has_method(|method| method == Method::RecAdam) {
            return Ok(());
        }
        let numbers = Method::RecAdam.numbers(&self.hyperparameters);
        let rates = match self.studies.contains(&StudyKind::Baseline) {
            true => self.tuning().learning_rates,
            false => vec![self.recipe.learning_rate],
        };
        let learning_rate = rates.into_iter().fold(0.0, f64::max);
        let pull = numbers["recadam.pull"];
        let largest = match numbers[LARGEST_PULL.0] {
            0.0 => f64::INFINITY,
            largest => largest,
        };
        match (learning_rate * pull).min(largest) > 2.0 {
            true => Err(StudyError::PullDiverges {
                pull,
                learning_rate,
            }),
            false => Ok(()),
        }
    }

    /// Refuses arms that would do nothing in the recipe's precision.
    fn check_precision(&self) -> Result<(), StudyError> {
        let precision = self.recipe.precision;
        let needs_f32 = self.has_method(Method::needs_f32);
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

    fn refusal(config: StudyConfig) -> String {
        config.validate().expect_err("it is refused").to_string()
    }

    fn arms(names: &[&str]) -> Vec<Arm> {
        let arms = names.iter().map(|name| Arm::named(name).expect("an arm"));
        arms.collect()
    }

    #[test]
    fn an_arm_is_listed_once_and_companions_are_methods() {
        assert_eq!(
            refusal(StudyConfig {
                arms: arms(&["baseline", "noisytune", "baseline"]),
                ..StudyConfig::default()
            }),
            "arms is baseline twice, accepted is each once"
        );
        for (companions, expected) in [
            (
                &["smart", "smart"][..],
                "companions is smart twice, accepted is each once",
            ),
            (&[], "number of companions is 0, accepted is at least 1"),
            (
                &["mixout", "smart-noisytune"],
                "companions is smart-noisytune, accepted is methods by their arms without noise, such as mixout",
            ),
            (
                &["baseline"],
                "companions is baseline, accepted is methods by their arms without noise, such as mixout",
            ),
        ] {
            let companions = arms(companions);
            let config = StudyConfig {
                companions,
                ..StudyConfig::default()
            };
            assert_eq!(refusal(config), expected);
        }
    }

    #[test]
    fn a_value_of_a_list_is_listed_once() {
        let with = |change: &dyn Fn(&mut StudyConfig)| {
            let mut config = StudyConfig::default();
            change(&mut config);
            refusal(config)
        };
        let of_grid = |change: &dyn Fn(&mut Tuning)| {
            with(&|config| {
                config.studies = vec![StudyKind::Baseline];
                let mut tuning = Tuning::default();
                change(&mut tuning);
                config.tuning = Some(tuning);
            })
        };
        for (said, expected) in [
            (
                with(&|config| config.studies = vec![StudyKind::Lambda; 2]),
                "studies is lambda twice",
            ),
            (
                with(&|config| config.vary = Some(vec![Draw::Head, Draw::Order, Draw::Head])),
                "vary is head twice",
            ),
            (
                with(&|config| config.lambdas = vec![0.1, 0.2, 0.10]),
                "lambdas is 0.1 twice",
            ),
            (
                with(&|config| config.fractions = vec![0.5, 1.0, 0.5]),
                "fractions is 0.5 twice",
            ),
            (
                of_grid(&|grid| grid.learning_rates = vec![1e-4, 5e-5, 1e-4]),
                "learning rates is 0.0001 twice",
            ),
            (
                of_grid(&|grid| grid.epochs = vec![2, 2]),
                "epochs in the grid is 2 twice",
            ),
        ] {
            assert_eq!(said, format!("{expected}, accepted is each once"));
        }
    }

    #[test]
    fn what_no_run_has_makes_no_other_study() {
        let config = StudyConfig::default();
        let mut other = config.clone();
        other
            .hyperparameters
            .insert("recadam.pull".to_owned(), 100.0);
        other.companions = arms(&["smart"]);
        assert!(config.asks_the_same(&other));
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

    #[test]
    fn a_pull_beyond_twice_the_distance_is_refused_where_recadam_runs() {
        let config = |arm: &str, learning_rate, set: &[(&str, f64)]| StudyConfig {
            arms: arms(&["baseline", arm]),
            hyperparameters: set
                .iter()
                .map(|(name, number)| ((*name).to_owned(), *number))
                .collect(),
            recipe: Recipe {
                learning_rate,
                ..Recipe::default()
            },
            ..StudyConfig::default()
        };
        assert_eq!(
            refusal(config("recadam", 1e-3, &[])),
            "recadam.pull 5000 times learning rate 0.001 is 5, above 2, where parameters diverge; accepted are a smaller product, \
             and any with recadam.largest-pull from above 0 to 2"
        );
        let odd = refusal(config("recadam", 1e-3, &[("recadam.pull", 2000.1)]));
        let begin = "recadam.pull 2000.1 times learning rate 0.001 is 2.0001, above 2, ";
        assert!(odd.starts_with(begin), "{odd}");
        let largest = |bound| ("recadam.largest-pull", bound);
        assert!(config("recadam", 1e-3, &[largest(2.1)]).validate().is_err());
        for accepted in [
            config("recadam", 4e-4, &[]),
            config("recadam", 1e-3, &[largest(1.0)]),
            config("recadam-noisytune", 1e-3, &[("recadam.pull", 100.0)]),
            config("noisytune", 1e-3, &[]),
        ] {
            assert!(accepted.validate().is_ok(), "{accepted:?}");
        }
        let mut companions = config("noisytune", 1e-3, &[]);
        companions.studies = vec![StudyKind::Companions];
        assert!(companions.validate().is_err());
        companions.companions = arms(&["neftune"]);
        assert!(companions.validate().is_ok());
        let mut grid = config("recadam", 2e-5, &[]);
        assert!(grid.validate().is_ok());
        grid.studies = vec![StudyKind::Baseline];
        grid.tuning = Some(Tuning {
            learning_rates: vec![1e-4, 5e-4],
            ..Tuning::default()
        });
        assert!(grid.validate().is_err());
    }
}
