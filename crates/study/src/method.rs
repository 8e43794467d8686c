//! What a run does while it trains, on top of the recipe.
//!
//! A new method is a variant here with its row in `Method::row` and its entry in [`Method::ALL`], and a file in
//! `finetune/src/methods` that implements it.

use std::collections::BTreeMap;

use crate::error::StudyError;
use crate::noise::Noise;

/// A method that takes part in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Nothing but the recipe.
    Plain,
    /// All weights of an input replaced by pretrained ones at random (Lee, Cho and Kang, ICLR 2020, arXiv:1909.11299).
    Mixout,
    /// The same for each weight on its own, which its authors call mixconnect; in records up to version 2, it is `mixout`.
    Mixconnect,
    /// An annealed pull towards the pretrained weights (Chen et al., EMNLP 2020, arXiv:2004.12651).
    RecAdam,
    /// Noise on the word embeddings in every step (Jain et al., ICLR 2024, arXiv:2310.05914).
    Neftune,
    /// The mean of the losses of two passes: R-Drop without its divergence.
    TwoPasses,
    /// Two passes that are to agree (Liang et al., NeurIPS 2021, arXiv:2106.14448).
    RDrop,
    /// A second pass with uniform noise on the word embeddings that is to agree with the first (Aghajanyan et al., ICLR 2021,
    /// arXiv:2008.03156).
    R3fUniform,
    /// The same with normal noise.
    R3fNormal,
    /// A second pass under the worst small perturbation that is to agree with the first (Jiang et al., ACL 2020,
    /// arXiv:1911.03437).
    SmartAdversarial,
    /// A pass that is to agree with that of a teacher, whose weights follow the model's; from the same paper.
    SmartProximal,
    /// Both.
    Smart,
    /// Uniform noise on the input of every layer (Yuan et al., ACL 2023, arXiv:2212.08853).
    HypeUniform,
    /// The same with normal noise.
    HypeNormal,
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

/// What a method costs, whatever the model, per batch or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Forward passes per batch; plain finetuning has one.
    pub forward: usize,
    /// Backward passes through the model per batch, those that reach only the embeddings included.
    pub backward: usize,
    /// Forward passes whose activations are in memory at the same time.
    pub held: usize,
    /// Copies of the parameters that it keeps beside those of the recipe.
    pub copies: usize,
}

/// Everything this crate knows of a method.
pub(crate) struct Row {
    /// The names of its arms, without noise and with NoisyTune's: in records and on the command line.
    pub(crate) names: [&'static str; 2],
    /// What these do, in one line each.
    pub(crate) about: [&'static str; 2],
    /// What it is compared with if both run without noise.
    pub(crate) control: Method,
    pub(crate) cost: Cost,
    pub(crate) hyperparameters: &'static [Hyperparameter],
}

const PLAIN: Cost = Cost {
    forward: 1,
    backward: 1,
    held: 1,
    copies: 0,
};
const COPY: Cost = Cost { copies: 1, ..PLAIN };
const TWO_PASSES: Cost = Cost {
    forward: 2,
    backward: 2,
    held: 2,
    copies: 0,
};

const fn from_0(name: &'static str, default: f64) -> Hyperparameter {
    Hyperparameter {
        name,
        default,
        accepted: "at least 0",
        is_accepted: |value| value >= 0.0,
    }
}

const fn decay(name: &'static str, default: f64) -> Hyperparameter {
    Hyperparameter {
        name,
        default,
        accepted: "0 to 1",
        is_accepted: |value| (0.0..=1.0).contains(&value),
    }
}

const fn probability(name: &'static str) -> Hyperparameter {
    Hyperparameter {
        name,
        default: 0.7,
        accepted: "0 to below 1",
        is_accepted: |p| (0.0..1.0).contains(&p),
    }
}

const MIXOUT: &[Hyperparameter] = &[probability("mixout.probability")];

const MIXCONNECT: &[Hyperparameter] = &[probability("mixconnect.probability")];

const R_DROP: &[Hyperparameter] = &[from_0("r-drop.weight", 1.0)];

/// The defaults of fairseq's program.
const R3F: &[Hyperparameter] = &[from_0("r3f.epsilon", 1e-5), from_0("r3f.weight", 1.0)];

/// The paper's: the largest element of δ, the standard deviation of its start, the length of the ascent, λ.
const ADVERSARY: [Hyperparameter; 4] = [
    from_0("smart.epsilon", 1e-5),
    from_0("smart.sigma", 1e-5),
    from_0("smart.step", 1e-3),
    from_0("smart.weight", 1.0),
];

/// The paper's: μ, and β for the first tenth of the steps and for the rest.
const PROXIMITY: [Hyperparameter; 3] = [
    from_0("smart.proximity", 1.0),
    decay("smart.early-decay", 0.99),
    decay("smart.decay", 0.999),
];

const SMART: [Hyperparameter; 7] = {
    let [epsilon, sigma, step, weight] = ADVERSARY;
    let [proximity, early, later] = PROXIMITY;
    [epsilon, sigma, step, weight, proximity, early, later]
};

/// The authors'.
const HYPE: &[Hyperparameter] = &[from_0("hype.epsilon", 1e-5)];

impl Method {
    /// Every method but [`Plain`](Self::Plain), in the order of the registry of arms.
    pub const ALL: [Self; 13] = [
        Self::Mixout,
        Self::RecAdam,
        Self::Neftune,
        Self::TwoPasses,
        Self::RDrop,
        Self::R3fUniform,
        Self::R3fNormal,
        Self::SmartAdversarial,
        Self::SmartProximal,
        Self::Smart,
        Self::HypeUniform,
        Self::HypeNormal,
        Self::Mixconnect,
    ];

    /// Those that the study `companions` asks about.
    pub const COMPANIONS: [Self; 3] = [Self::Mixout, Self::RecAdam, Self::Neftune];

    pub(crate) const fn row(self) -> Row {
        match self {
            Self::Plain => Row {
                names: ["baseline", Noise::NOISYTUNE.name],
                about: ["plain finetuning", Noise::NOISYTUNE.about],
                control: Self::Plain,
                cost: PLAIN,
                hyperparameters: &[],
            },
            Self::Mixout => Row {
                names: ["mixout", "mixout-noisytune"],
                about: [
                    "Mixout: all weights of an input replaced by pretrained ones at random in every step",
                    "Mixout after NoisyTune",
                ],
                control: Self::Plain,
                cost: COPY,
                hyperparameters: MIXOUT,
            },
            Self::Mixconnect => Row {
                names: ["mixconnect", "mixconnect-noisytune"],
                about: [
                    "Mixconnect: single weights replaced by pretrained ones at random in every step",
                    "Mixconnect after NoisyTune",
                ],
                control: Self::Plain,
                cost: COPY,
                hyperparameters: MIXCONNECT,
            },
            Self::RecAdam => Row {
                names: ["recadam", "recadam-noisytune"],
                about: [
                    "RecAdam: an annealed pull towards the pretrained weights",
                    "RecAdam after NoisyTune",
                ],
                control: Self::Plain,
                cost: COPY,
                hyperparameters: &[
                    Hyperparameter {
                        name: "recadam.pull",
                        default: 5000.0,
                        accepted: "at least 0",
                        is_accepted: |pull| pull >= 0.0,
                    },
                    Hyperparameter {
                        name: "recadam.slope",
                        default: 390.0,
                        accepted: "at least 0",
                        is_accepted: |slope| slope >= 0.0,
                    },
                    Hyperparameter {
                        name: "recadam.midpoint",
                        default: 0.1,
                        accepted: "0 to 1",
                        is_accepted: |midpoint| (0.0..=1.0).contains(&midpoint),
                    },
                    Hyperparameter {
                        name: "recadam.largest-pull",
                        default: 0.0,
                        accepted: "at least 0, which is for none",
                        is_accepted: |largest| largest >= 0.0,
                    },
                ],
            },
            Self::Neftune => Row {
                names: ["neftune", "neftune-noisytune"],
                about: [
                    "NEFTune: uniform noise on word embeddings in every step",
                    "NEFTune after NoisyTune",
                ],
                control: Self::Plain,
                cost: PLAIN,
                hyperparameters: &[Hyperparameter {
                    name: "neftune.alpha",
                    default: 5.0,
                    accepted: "at least 0",
                    is_accepted: |alpha| alpha >= 0.0,
                }],
            },
            Self::TwoPasses => Row {
                names: ["two-passes", "two-passes-noisytune"],
                about: [
                    "the mean loss of two passes with other dropout masks: the control of R-Drop",
                    "the mean loss of two passes after NoisyTune",
                ],
                control: Self::Plain,
                cost: TWO_PASSES,
                hyperparameters: &[],
            },
            Self::RDrop => Row {
                names: ["r-drop", "r-drop-noisytune"],
                about: [
                    "R-Drop: two passes with other dropout masks that are to agree",
                    "R-Drop after NoisyTune",
                ],
                control: Self::TwoPasses,
                cost: TWO_PASSES,
                hyperparameters: R_DROP,
            },
            Self::R3fUniform => Row {
                names: ["r3f-uniform", "r3f-uniform-noisytune"],
                about: [
                    "R3F: a pass with uniform noise on word embeddings that is to agree",
                    "R3F with uniform noise after NoisyTune",
                ],
                control: Self::RDrop,
                cost: TWO_PASSES,
                hyperparameters: R3F,
            },
            Self::R3fNormal => Row {
                names: ["r3f-normal", "r3f-normal-noisytune"],
                about: [
                    "R3F: a pass with normal noise on word embeddings that is to agree",
                    "R3F with normal noise after NoisyTune",
                ],
                control: Self::RDrop,
                cost: TWO_PASSES,
                hyperparameters: R3F,
            },
            Self::SmartAdversarial => Row {
                names: ["smart-adversarial", "smart-adversarial-noisytune"],
                about: [
                    "SMART's smoothness: a pass under the worst small perturbation that is to agree",
                    "SMART's smoothness after NoisyTune",
                ],
                control: Self::RDrop,
                cost: Cost {
                    forward: 3,
                    backward: 3,
                    ..TWO_PASSES
                },
                hyperparameters: &ADVERSARY,
            },
            Self::SmartProximal => Row {
                names: ["smart-proximal", "smart-proximal-noisytune"],
                about: [
                    "SMART's proximal point: agreement with a teacher that follows the model",
                    "SMART's proximal point after NoisyTune",
                ],
                control: Self::RDrop,
                cost: Cost {
                    forward: 2,
                    copies: 1,
                    ..PLAIN
                },
                hyperparameters: &PROXIMITY,
            },
            Self::Smart => Row {
                names: ["smart", "smart-noisytune"],
                about: [
                    "SMART: smoothness and proximal point",
                    "SMART after NoisyTune",
                ],
                control: Self::RDrop,
                cost: Cost {
                    forward: 4,
                    backward: 3,
                    held: 2,
                    copies: 1,
                },
                hyperparameters: &SMART,
            },
            Self::HypeUniform => Row {
                names: ["hype-uniform", "hype-uniform-noisytune"],
                about: [
                    "HyPe: uniform noise on the input of every layer in every step",
                    "HyPe with uniform noise after NoisyTune",
                ],
                control: Self::Plain,
                cost: PLAIN,
                hyperparameters: HYPE,
            },
            Self::HypeNormal => Row {
                names: ["hype-normal", "hype-normal-noisytune"],
                about: [
                    "HyPe: normal noise on the input of every layer in every step",
                    "HyPe with normal noise after NoisyTune",
                ],
                control: Self::Plain,
                cost: PLAIN,
                hyperparameters: HYPE,
            },
        }
    }

    /// What it costs.
    pub fn cost(self) -> Cost {
        self.row().cost
    }

    /// Whether it does nothing in half precision, which rounds the noise between layers away.
    pub fn needs_f32(self) -> bool {
        matches!(self, Self::HypeUniform | Self::HypeNormal)
    }

    /// Whether it keeps weights that follow the model's from step to step.
    pub fn has_teacher(self) -> bool {
        matches!(self, Self::SmartProximal | Self::Smart)
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

/// Every number of a method once, in the order of the methods; some methods share theirs.
fn known() -> Vec<&'static Hyperparameter> {
    let methods = Method::ALL.into_iter();
    let mut known: Vec<&Hyperparameter> = Vec::new();
    for number in methods.flat_map(|method| method.hyperparameters()) {
        if known.iter().all(|other| other.name != number.name) {
            known.push(number);
        }
    }
    known
}

/// Checks that each of these is a number of some method, and in its range.
///
/// # Errors
/// [`StudyError::UnknownHyperparameter`], [`StudyError::Setting`].
pub fn check_known(set: &BTreeMap<String, f64>) -> Result<(), StudyError> {
    let known = known();
    for (name, &value) in set {
        let Some(found) = known.iter().find(|known| known.name == name) else {
            let names: Vec<&str> = known.iter().map(|known| known.name).collect();
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
                        recadam.midpoint, recadam.largest-pull, neftune.alpha";
        assert!(text.starts_with(expected), "{text}");
        let (_, listed) = text.split_once("known are ").expect("a list");
        let listed: Vec<&str> = listed.split(", ").collect();
        for method in Method::ALL {
            for number in method.hyperparameters() {
                let times = listed.iter().filter(|name| **name == number.name);
                assert_eq!(times.count(), 1, "{}", number.name);
                assert!((number.is_accepted)(number.default), "{}", number.name);
            }
        }
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
