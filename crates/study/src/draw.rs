//! What the seed of a run decides, and which of it a study varies.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::arm::Arm;
use crate::config::StudyConfig;
use crate::method::Method;

/// Something that is drawn for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Draw {
    /// The initial values of the head, and of layers that the checkpoint lacks.
    Head,
    /// The order of the examples.
    Order,
    /// The dropout masks.
    Dropout,
    /// The noise on the pretrained parameters.
    Noise,
    /// What a method such as Mixout draws in training.
    Method,
    /// The rows that a run is trained on, if it is trained on fewer than the study has.
    Subset,
}

impl Draw {
    /// Every draw.
    pub const ALL: [Self; 6] = [
        Self::Head,
        Self::Order,
        Self::Dropout,
        Self::Noise,
        Self::Method,
        Self::Subset,
    ];

    /// What a seed decides unless a study says otherwise: everything but the rows, which are the first ones.
    pub const USUAL: [Self; 5] = [
        Self::Head,
        Self::Order,
        Self::Dropout,
        Self::Noise,
        Self::Method,
    ];

    /// Its name in records and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Order => "order",
            Self::Dropout => "dropout",
            Self::Noise => "noise",
            Self::Method => "method",
            Self::Subset => "subset",
        }
    }

    /// What it draws, in one line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Head => "initial values of the head, and of layers that the model lacks",
            Self::Order => "order of the training sentences",
            Self::Dropout => "dropout masks",
            Self::Noise => "noise on the pretrained parameters",
            Self::Method => "what a method such as Mixout draws in training",
            Self::Subset => {
                "training sentences of the smaller sizes of data-size; otherwise the first ones"
            }
        }
    }
}

impl fmt::Display for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl StudyConfig {
    /// The seed by which a run with this seed draws something: its own if the study varies that, else the study's first.
    pub fn seed_of(&self, draw: Draw, seed: u64) -> u64 {
        match self.varies(draw) {
            true => seed,
            false => self.first_seed,
        }
    }

    /// What the seeds decide for a run, for its record: a run on all rows draws none, whatever is asked for others; `None` for
    /// [`Draw::USUAL`].
    pub fn varied_of(&self, takes_all: bool) -> Option<Vec<Draw>> {
        let mut varied = self.vary.clone()?;
        varied.retain(|draw| *draw != Draw::Subset || !takes_all);
        (varied != Draw::USUAL).then_some(varied)
    }

    /// Whether the seeds decide anything for the runs of an arm; `takes_all` says that they are trained on all rows.
    pub(crate) fn seeds_decide(&self, arm: Arm, takes_all: bool) -> bool {
        let matters = |draw: &Draw| match draw {
            Draw::Head | Draw::Order | Draw::Dropout => true,
            Draw::Noise => arm.has_noise(),
            Draw::Method => arm.method() != Method::Plain,
            Draw::Subset => !takes_all,
        };
        Draw::ALL
            .iter()
            .any(|draw| self.varies(*draw) && matters(draw))
    }

    /// Whether the runs of a study differ in a draw.
    pub fn varies(&self, draw: Draw) -> bool {
        match &self.vary {
            Some(varied) => varied.contains(&draw),
            None => Draw::USUAL.contains(&draw),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_varied_has_the_first_seed() {
        let usual = StudyConfig {
            first_seed: 40,
            ..StudyConfig::default()
        };
        for draw in Draw::USUAL {
            assert_eq!(usual.seed_of(draw, 43), 43);
        }
        assert!(!usual.varies(Draw::Subset));
        let vary = |draws: &[Draw]| StudyConfig {
            vary: Some(draws.to_vec()),
            ..usual.clone()
        };
        let order = vary(&[Draw::Order]);
        for draw in Draw::ALL {
            let expected = if draw == Draw::Order { 43 } else { 40 };
            assert_eq!(order.seed_of(draw, 43), expected, "{draw}");
        }
        assert!(order.validate().is_ok());
        let none = vary(&[]).validate().expect_err("nothing to vary");
        assert_eq!(
            none.to_string(),
            "number of draws to vary is 0, accepted is at least 1"
        );
    }
}
