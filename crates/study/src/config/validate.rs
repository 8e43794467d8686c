//! What a comparison accepts.

use crate::arm::Arm;
use crate::config::StudyConfig;
use crate::earlier::LARGEST_PULL;
use crate::error::StudyError;
use crate::kind::StudyKind;
use crate::method::{Method, check_known};
use crate::precision::Precision;
use crate::range::{at_least_one, check, count, twice};
use crate::tuning::TUNING_SEEDS_FOLLOW_BY;

impl StudyConfig {
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
        let pulls = |study: &&StudyKind| {
            let arms = self.arms_of(**study);
            arms.iter().any(|arm| arm.method() == Method::RecAdam)
        };
        let rates = self
            .studies
            .iter()
            .filter(pulls)
            .flat_map(|study| match study {
                StudyKind::Baseline => self.tuning().learning_rates,
                _ => vec![self.recipe.learning_rate],
            });
        let learning_rate = rates.fold(0.0, f64::max);
        let numbers = Method::RecAdam.numbers(&self.hyperparameters);
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
    use crate::config::tests::arms;
    use crate::draw::Draw;
    use crate::recipe::Recipe;
    use crate::tuning::Tuning;

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
        // Only the rates by which RecAdam trains count.
        let rate =
            |config: StudyConfig| refusal(config).contains("times learning rate 0.001 is 5,");
        let mut both = config("recadam", 1e-3, &[]);
        both.studies = vec![StudyKind::Baseline, StudyKind::Compare];
        both.tuning = Some(Tuning {
            learning_rates: vec![5e-5],
            ..Tuning::default()
        });
        assert!(rate(both.clone()));
        both.recipe.learning_rate = 5e-5;
        assert!(both.validate().is_ok());
        let mut others = config("noisytune", 5e-5, &[]);
        others.studies = vec![StudyKind::Baseline, StudyKind::Companions];
        others.tuning = Some(Tuning {
            learning_rates: vec![1e-3],
            ..Tuning::default()
        });
        assert!(others.validate().is_ok());
        others.recipe.learning_rate = 1e-3;
        assert!(rate(others));
    }
}
