//! How an encoder is pretrained.

use optimize::{AdamWConfig, StableSchedule, StableScheduleConfig};
use serde::{Deserialize, Serialize};

use crate::error::PretrainError;
use crate::sequences::Packing;

/// Everything that decides the result, apart from the text and the shape of the encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Seed of all random choices.
    pub seed: u64,
    /// Optimizer steps in total; may change when a run is continued.
    pub steps: usize,
    /// Steps at the end, over which the learning rate falls to 0; may change when a run is continued.
    pub decay_steps: usize,
    /// Steps at the start, over which the learning rate rises.
    pub warmup_steps: usize,
    /// Learning rate between rise and fall.
    pub learning_rate: f64,
    /// Sequences per step.
    pub batch_size: usize,
    /// Most tokens in a sequence, including `[CLS]` and `[SEP]`.
    pub length: usize,
    /// Share of sequences that end after one sentence, because tasks with single sentences have
    /// shorter inputs than fit.
    pub short_share: f64,
    /// Share of tokens to predict.
    pub masked_share: f64,
    /// Whether the pieces of a word are masked together.
    pub whole_words: bool,
    /// Dropout in pretraining; the encoder's configuration has that for finetuning.
    pub dropout: f64,
    /// Decoupled weight decay for everything but biases and LayerNorm.
    pub weight_decay: f64,
    /// Decay rates of AdamW's moments.
    pub betas: [f64; 2],
    /// Added to AdamW's denominator.
    pub epsilon: f64,
    /// Global norm at which gradients are clipped.
    pub max_gradient_norm: f64,
    /// One document in this many is held out, starting with the first.
    pub held_out_every: usize,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            seed: 0,
            steps: 10_000,
            decay_steps: 2_000,
            warmup_steps: 300,
            learning_rate: 1.5e-3,
            batch_size: 64,
            length: 64,
            short_share: 0.2,
            masked_share: 0.15,
            whole_words: true,
            dropout: 0.0,
            weight_decay: 0.01,
            betas: [0.9, 0.98],
            epsilon: 1e-6,
            max_gradient_norm: 1.0,
            held_out_every: 200,
        }
    }
}

impl Recipe {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`PretrainError::Setting`] with the first that is out of range.
    pub fn validate(&self) -> Result<(), PretrainError> {
        let positive = "a positive number";
        let share = "above 0 and below 1";
        let whole = "at least 1";
        if self.steps == 0 {
            return Err(PretrainError::setting("steps", self.steps, whole));
        }
        let sum = self.warmup_steps.saturating_add(self.decay_steps);
        if sum > self.steps {
            return Err(PretrainError::setting(
                "number of warm-up and decay steps",
                sum,
                "at most the number of steps",
            ));
        }
        if self.batch_size == 0 {
            return Err(PretrainError::setting("batch size", self.batch_size, whole));
        }
        if self.length < 8 {
            return Err(PretrainError::setting("length", self.length, "at least 8"));
        }
        if self.held_out_every < 2 {
            return Err(PretrainError::setting(
                "held-out",
                self.held_out_every,
                "every 2nd document or fewer",
            ));
        }
        for (name, value) in [
            ("learning rate", self.learning_rate),
            ("epsilon", self.epsilon),
            ("gradient norm", self.max_gradient_norm),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return Err(PretrainError::setting(name, value, positive));
            }
        }
        if !(self.masked_share > 0.0 && self.masked_share < 1.0) {
            return Err(PretrainError::setting(
                "masked share",
                self.masked_share,
                share,
            ));
        }
        if !(0.0..=1.0).contains(&self.short_share) {
            return Err(PretrainError::setting(
                "short share",
                self.short_share,
                "0 to 1",
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(PretrainError::setting(
                "dropout",
                self.dropout,
                "0 <= p < 1",
            ));
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return Err(PretrainError::setting(
                "weight decay",
                self.weight_decay,
                "0 or above",
            ));
        }
        for beta in self.betas {
            if !(0.0..1.0).contains(&beta) {
                return Err(PretrainError::setting("beta", beta, "0 <= beta < 1"));
            }
        }
        Ok(())
    }

    pub(crate) fn adamw(&self) -> AdamWConfig {
        AdamWConfig {
            betas: self.betas,
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
        }
    }

    pub(crate) fn schedule(&self) -> StableSchedule {
        StableSchedule::new(StableScheduleConfig {
            peak: self.learning_rate,
            warmup: self.warmup_steps,
            steps: self.steps,
            decay: self.decay_steps,
        })
        .expect("the recipe was checked")
    }

    pub(crate) fn packing(&self) -> Packing {
        Packing {
            longest: self.length - 2,
            short: self.short_share,
            seed: self.seed,
        }
    }
}
