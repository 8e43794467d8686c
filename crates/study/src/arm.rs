//! The arms of a comparison: noise × method.

use noisytune_burn::{NoisyTuneConfig, Selection};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::method::Method;
use crate::noise::Noise;

/// What a run does on top of plain finetuning: the noise before it trains, and the method while it trains.
///
/// Head, data order and dropout depend only on the seed, not on the arm: an arm draws from a stream of its own. A
/// method treats the model that training starts from as the pretrained one: with NoisyTune that is the perturbed
/// model, as it would be for a program that was given it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Arm {
    noise: Option<Noise>,
    method: Method,
}

impl Arm {
    /// Plain finetuning, the arm that every comparison leads back to.
    pub const BASELINE: Self = Self::new(None, Method::Plain);
    /// The paper's method.
    pub const NOISYTUNE: Self = Self::new(Some(Noise::NOISYTUNE), Method::Plain);
    /// Its controls: other distributions, and one scale for the whole model.
    pub const NOISE_CONTROLS: [Self; Noise::CONTROLS.len()] = {
        let mut arms = [Self::BASELINE; Noise::CONTROLS.len()];
        let mut at = 0;
        while at < arms.len() {
            arms[at] = Self::new(Some(Noise::CONTROLS[at]), Method::Plain);
            at += 1;
        }
        arms
    };
    /// Other methods against overfitting, each without and with NoisyTune.
    pub const METHODS: [Self; 2 * Method::ALL.len()] = Self::with_and_without(Method::ALL);
    /// The methods that the study `companions` asks about unless a configuration says otherwise, without noise.
    pub const COMPANIONS: [Self; Method::COMPANIONS.len()] = {
        let mut arms = [Self::BASELINE; Method::COMPANIONS.len()];
        let mut at = 0;
        while at < arms.len() {
            arms[at] = Self::new(None, Method::COMPANIONS[at]);
            at += 1;
        }
        arms
    };

    /// The registry.
    pub const ALL: &'static [Self] = &{
        const PAIR: usize = 2;
        const CONTROLS: usize = Arm::NOISE_CONTROLS.len();
        let mut arms = [Self::BASELINE; PAIR + CONTROLS + Self::METHODS.len()];
        arms[1] = Self::NOISYTUNE;
        let mut at = PAIR;
        while at < arms.len() {
            arms[at] = match at {
                _ if at < PAIR + CONTROLS => Self::NOISE_CONTROLS[at - PAIR],
                _ => Self::METHODS[at - PAIR - CONTROLS],
            };
            at += 1;
        }
        arms
    };

    const fn new(noise: Option<Noise>, method: Method) -> Self {
        Self { noise, method }
    }

    const fn with_and_without<const N: usize, const ARMS: usize>(
        methods: [Method; N],
    ) -> [Self; ARMS] {
        let mut arms = [Self::BASELINE; ARMS];
        let mut at = 0;
        while at < N {
            arms[2 * at] = Self::new(None, methods[at]);
            arms[2 * at + 1] = Self::new(Some(Noise::NOISYTUNE), methods[at]);
            at += 1;
        }
        arms
    }

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
        match (self.noise, self.method) {
            (Some(noise), Method::Plain) => noise.name,
            (noise, method) => method.row().names[usize::from(noise.is_some())],
        }
    }

    /// What the arm does, in one line.
    pub fn about(self) -> &'static str {
        match (self.noise, self.method) {
            (Some(noise), Method::Plain) => noise.about,
            (noise, method) => method.row().about[usize::from(noise.is_some())],
        }
    }

    /// The arm it is compared with if both run: for an arm with noise, the same method without it; for any other, the
    /// method's control, which is mostly the baseline.
    pub fn control(self) -> Self {
        match self.noise {
            Some(_) => Self::new(None, self.method),
            None => Self::new(None, self.method.row().control),
        }
    }

    /// Its control, the control of that, and so on to the baseline: the first of them that runs is the one it is compared
    /// with.
    pub fn controls(self) -> impl Iterator<Item = Self> {
        let next = |arm: &Self| Some(arm.control()).filter(|control| control != arm);
        std::iter::successors(next(&self), next)
    }

    /// The arm's method without noise and after NoisyTune's.
    pub fn pair(self) -> [Self; 2] {
        [None, Some(Noise::NOISYTUNE)].map(|noise| Self::new(noise, self.method))
    }

    /// What it does while a run trains.
    pub fn method(self) -> Method {
        self.method
    }

    /// Whether the arm uses λ.
    pub fn has_noise(self) -> bool {
        self.noise.is_some()
    }

    /// The noise of a run, if the arm has any; `left_out` are the module paths of layers that are not pretrained, which
    /// the method does not perturb.
    pub fn noise(self, lambda: f64, seed: u64, left_out: &[String]) -> Option<NoisyTuneConfig> {
        let noise = self.noise?;
        Some(
            NoisyTuneConfig::new(lambda)
                .with_seed(seed)
                .with_kind(noise.kind)
                .with_scale(noise.scale)
                .with_selection(Selection::everything().except(left_out)),
        )
    }
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
    fn the_names_are_those_of_the_records() {
        let names: Vec<&str> = Arm::names().collect();
        assert!(
            names.starts_with(&[
                "baseline",
                "noisytune",
                "gaussian",
                "gaussian-matched",
                "global-uniform",
                "global-gaussian",
                "mixout",
                "mixout-noisytune",
                "recadam",
                "recadam-noisytune",
                "neftune",
                "neftune-noisytune",
                "two-passes",
                "two-passes-noisytune",
                "r-drop",
                "r-drop-noisytune",
                "r3f-uniform",
                "r3f-uniform-noisytune",
                "r3f-normal",
                "r3f-normal-noisytune",
                "smart-adversarial",
                "smart-adversarial-noisytune",
                "smart-proximal",
                "smart-proximal-noisytune",
                "smart",
                "smart-noisytune",
                "hype-uniform",
                "hype-uniform-noisytune",
                "hype-normal",
                "hype-normal-noisytune",
                "mixconnect",
                "mixconnect-noisytune"
            ]),
            "{names:?}"
        );
        for arm in Arm::ALL {
            assert_eq!(Arm::named(arm.name()), Some(*arm));
            assert!(Arm::ALL.contains(&arm.control()), "{arm}");
            let last = arm.controls().last().unwrap_or(Arm::BASELINE);
            assert_eq!(last, Arm::BASELINE, "{arm}");
        }
        let mut unique = names.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), names.len(), "{names:?}");
    }

    #[test]
    fn noise_is_compared_with_the_same_method_without_it() {
        let control = |name| Arm::named(name).expect("an arm").control().name();
        assert_eq!(control("global-gaussian"), "baseline");
        assert_eq!(control("mixout-noisytune"), "mixout");
        assert_eq!(control("mixout"), "baseline");
        assert_eq!(control("baseline"), "baseline");
    }

    #[test]
    fn what_adds_to_r_drop_is_compared_with_it_if_it_runs() {
        let controls = |name| -> Vec<&str> {
            let arm = Arm::named(name).expect("an arm");
            arm.controls().map(Arm::name).collect()
        };
        assert_eq!(
            controls("smart-noisytune"),
            ["smart", "r-drop", "two-passes", "baseline"]
        );
        assert_eq!(controls("r3f-normal"), ["r-drop", "two-passes", "baseline"]);
        assert_eq!(controls("hype-normal"), ["baseline"]);
        assert!(controls("baseline").is_empty());
    }

    #[test]
    fn an_unknown_arm_is_refused_and_the_known_ones_are_listed() {
        let error = serde_json::from_str::<Arm>("\"mixup\"").expect_err("no such arm");
        let text = error.to_string();
        assert!(
            text.starts_with("unknown arm `mixup`, known are baseline, noisytune"),
            "{text}"
        );
    }
}
