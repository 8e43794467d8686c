//! What a run does while it trains, on top of the recipe.
//!
//! A new method is a variant here with its row in `Method::row` and its entry in [`Method::COMPANIONS`], and a file
//! in `finetune/src/methods` that implements it.

use std::collections::BTreeMap;

use crate::error::StudyError;
use crate::noise::Noise;

/// A method that takes part in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Nothing but the recipe.
    Plain,
    /// Weights replaced by pretrained ones at random (Lee, Cho and Kang, ICLR 2020, arXiv:1909.11299).
    Mixout,
    /// An annealed pull towards the pretrained weights (Chen et al., EMNLP 2020, arXiv:2004.12651).
    RecAdam,
    /// Noise on the word embeddings in every step (Jain et al., ICLR 2024, arXiv:2310.05914).
    Neftune,
}

/// A number of a method.
#[derive(Clone, Copy, Debug)]
pub struct Hyperparameter {
    /// The method, a dot, and the number's name.
    pub name: &'static str,
    /// Its value if the study sets none.
    pub default: f64,
    /// The accepted values, for messages.
    pub accepted: &'static str,
    /// Whether it accepts a finite value.
    pub is_accepted: fn(f64) -> bool,
}

/// Everything this crate knows of a method.
pub(crate) struct Row {
    /// The names of its arms, without noise and with NoisyTune's: in records and on the command line.
    pub(crate) names: [&'static str; 2],
    /// What these do, in one line each.
    pub(crate) about: [&'static str; 2],
    pub(crate) hyperparameters: &'static [Hyperparameter],
}

impl Method {
    /// Every method but [`Plain`](Self::Plain), in the order of the registry of arms.
    pub const COMPANIONS: [Self; 3] = [Self::Mixout, Self::RecAdam, Self::Neftune];

    pub(crate) const fn row(self) -> Row {
        match self {
            Self::Plain => Row {
                names: ["baseline", Noise::NOISYTUNE.name],
                about: ["plain finetuning", Noise::NOISYTUNE.about],
                hyperparameters: &[],
            },
            Self::Mixout => Row {
                names: ["mixout", "mixout-noisytune"],
                about: [
                    "Mixout: weights replaced by pretrained ones at random in every step",
                    "Mixout after NoisyTune",
                ],
                hyperparameters: &[Hyperparameter {
                    name: "mixout.probability",
                    default: 0.7,
                    accepted: "0 to below 1",
                    is_accepted: |p| (0.0..1.0).contains(&p),
                }],
            },
            Self::RecAdam => Row {
                names: ["recadam", "recadam-noisytune"],
                about: [
                    "RecAdam: an annealed pull towards the pretrained weights",
                    "RecAdam after NoisyTune",
                ],
                hyperparameters: &[
                    Hyperparameter {
                        name: "recadam.pull",
                        default: 5000.0,
                        accepted: "at least 0",
                        is_accepted: |pull| pull >= 0.0,
                    },
                    Hyperparameter {
                        name: "recadam.slope",
                        default: 100.0,
                        accepted: "at least 0",
                        is_accepted: |slope| slope >= 0.0,
                    },
                    Hyperparameter {
                        name: "recadam.midpoint",
                        default: 0.1,
                        accepted: "0 to 1",
                        is_accepted: |midpoint| (0.0..=1.0).contains(&midpoint),
                    },
                ],
            },
            Self::Neftune => Row {
                names: ["neftune", "neftune-noisytune"],
                about: [
                    "NEFTune: uniform noise on word embeddings in every step",
                    "NEFTune after NoisyTune",
                ],
                hyperparameters: &[Hyperparameter {
                    name: "neftune.alpha",
                    default: 5.0,
                    accepted: "at least 0",
                    is_accepted: |alpha| alpha >= 0.0,
                }],
            },
        }
    }

    /// Its numbers, which a study can set and every record carries.
    pub fn hyperparameters(self) -> &'static [Hyperparameter] {
        self.row().hyperparameters
    }

    /// Its numbers by name: the defaults, overridden by `set`.
    pub fn numbers(self, set: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
        let known = self.hyperparameters().iter();
        known
            .map(|known| {
                let value = set.get(known.name).copied();
                (known.name.to_owned(), value.unwrap_or(known.default))
            })
            .collect()
    }
}

/// Checks that each of these is a number of some method, and in its range.
///
/// # Errors
/// [`StudyError::UnknownHyperparameter`], [`StudyError::Setting`].
pub fn check_known(set: &BTreeMap<String, f64>) -> Result<(), StudyError> {
    let known = || {
        let methods = Method::COMPANIONS.into_iter();
        methods.flat_map(|method| method.hyperparameters())
    };
    for (name, &value) in set {
        let Some(found) = known().find(|known| known.name == name) else {
            let names: Vec<&str> = known().map(|known| known.name).collect();
            return Err(StudyError::UnknownHyperparameter {
                name: name.clone(),
                known: names.join(", "),
            });
        };
        if !value.is_finite() || !(found.is_accepted)(value) {
            return Err(StudyError::setting(found.name, value, found.accepted));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, value: f64) -> String {
        let set = BTreeMap::from([(name.to_owned(), value)]);
        check_known(&set).expect_err("it is refused").to_string()
    }

    #[test]
    fn an_unknown_number_is_refused_with_each_known_one_once() {
        let text = refusal("mixout.prob", 0.5);
        let expected = "unknown hyperparameter mixout.prob, known are mixout.probability, recadam.pull, recadam.slope, \
                        recadam.midpoint, neftune.alpha";
        assert!(text.starts_with(expected), "{text}");
        let (_, listed) = text.split_once("known are ").expect("a list");
        let listed: Vec<&str> = listed.split(", ").collect();
        let known = Method::COMPANIONS.iter();
        let known = known.flat_map(|method| method.hyperparameters());
        let known: Vec<&str> = known.map(|known| known.name).collect();
        assert_eq!(listed, known);
    }

    #[test]
    fn a_number_out_of_its_range_is_refused() {
        for value in [1.0, -0.1, f64::NAN] {
            assert_eq!(
                refusal("mixout.probability", value),
                format!("mixout.probability is {value}, accepted is 0 to below 1")
            );
        }
    }
}
