//! RecAdam (Chen et al., EMNLP 2020, arXiv:2004.12651).

use burn::optim::GradientsParams;
use encoders::BertForSequenceClassification;
use optimize::RecAdamConfig;

use super::noisytune::UNIFORM;
use super::{Companion, Hyperparameter, Noise, Start, Treatment, Update};

const PULL: &str = "recadam.pull";
const SLOPE: &str = "recadam.slope";
const MIDPOINT: &str = "recadam.midpoint";

/// Adam with an annealed quadratic pull towards the pretrained weights; see [`optimize::RecAdam`].
///
/// The authors choose the annealing's midpoint (100 to 1,000) and slope (0.05 to 1) in steps, of runs of
/// some thousands. Here both are relative to the run, so that they mean the same in a short one: the
/// midpoint is a share of the steps, the slope is per run. The pull of 5,000 is theirs.
pub(super) struct RecAdam {
    pub(super) noise: bool,
}

impl Treatment for RecAdam {
    fn name(&self) -> &'static str {
        match self.noise {
            false => "recadam",
            true => "recadam-noisytune",
        }
    }

    fn about(&self) -> &'static str {
        match self.noise {
            false => "RecAdam: an annealed pull towards the pretrained weights",
            true => "RecAdam after NoisyTune",
        }
    }

    fn control(&self) -> &'static str {
        match self.noise {
            false => "baseline",
            true => "recadam",
        }
    }

    fn noise(&self) -> Option<Noise> {
        self.noise.then_some(UNIFORM)
    }

    fn hyperparameters(&self) -> &'static [Hyperparameter] {
        const {
            &[
                Hyperparameter {
                    name: PULL,
                    default: 5000.0,
                    accepted: "a number from 0",
                    is_accepted: |pull| pull >= 0.0,
                },
                Hyperparameter {
                    name: SLOPE,
                    default: 100.0,
                    accepted: "a number from 0",
                    is_accepted: |slope| slope >= 0.0,
                },
                Hyperparameter {
                    name: MIDPOINT,
                    default: 0.1,
                    accepted: "0 to 1",
                    is_accepted: |midpoint| (0.0..=1.0).contains(&midpoint),
                },
            ]
        }
    }

    fn companion(&self, start: &Start<'_>) -> Companion {
        let steps = start.steps as f64;
        let config = RecAdamConfig {
            adamw: start.recipe.adamw(),
            pull: start.number(PULL),
            slope: start.number(SLOPE) / steps,
            midpoint: start.number(MIDPOINT) * steps,
        };
        Companion {
            update: Some(Box::new(
                optimize::RecAdam::new(config, start.fresh).expect("the recipe was checked"),
            )),
            ..Companion::default()
        }
    }
}

impl Update for optimize::RecAdam {
    fn step(
        &mut self,
        learning_rate: f64,
        gradient_scale: f64,
        model: BertForSequenceClassification,
        gradients: GradientsParams,
    ) -> BertForSequenceClassification {
        optimize::RecAdam::step(self, learning_rate, gradient_scale, model, gradients)
    }
}
