//! The hyperparameters of a run.

use serde::{Deserialize, Serialize};

use crate::error::StudyError;
use crate::precision::Precision;
use crate::range::{check, count};

/// The standard BERT finetuning recipe: AdamW, linear warm-up and decay, global-norm clipping.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `epochs` | 3 | passes over the training examples | 1 to 1,000,000 |
/// | `batch_size` | 32 | sentences that go through the model together | 1 to 1,000,000 |
/// | `gradient_accumulation` | 1 | batches per optimizer step | 1 to 1,000,000 |
/// | `learning_rate` | 2e-5 | its peak, at the end of the warm-up | above 0 |
/// | `weight_decay` | 0.01 | decoupled, not on biases and LayerNorm | at least 0 |
/// | `warmup_ratio` | 0.1 | share of the steps spent on warm-up | 0 to 1 |
/// | `max_length` | 128 | longest sequence in tokens; longer ones are cut | 4 to the model's positions |
/// | `max_gradient_norm` | 1.0 | global norm to which gradients are clipped | above 0 |
/// | `epsilon` | 1e-8 | AdamW's denominator | above 0 |
/// | `betas` | 0.9, 0.999 | AdamW's decay rates | 0 to below 1 |
/// | `batching` | shuffled | how sentences are put into batches | |
/// | `pad_to_max_length` | no | pad every batch to `max_length` | no, if `batching` is packed |
/// | `precision` | f32 | float type of the linear layers | what the device supports |
/// | `gradient_checkpointing` | no | less memory, more time: the backward pass recomputes the layers | |
/// | `head` | fresh | where the values of the classification head come from | |
/// | `classifier_pooling` | the model's | what the head reads: the first token or the mean of all | the model's, if `head` is the checkpoint's |
/// | `fresh_pooler` | no | draw the pooler from the seed too, whatever the checkpoint holds | no, if `head` is the checkpoint's |
///
/// Source: Devlin et al. (2019), appendix A.3, and transformers' `run_glue.py`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Passes over the training examples.
    pub epochs: usize,
    /// Sentences that go through the model together.
    pub batch_size: usize,
    /// Batches per optimizer step. The loss is the mean over all their sentences, as with one batch of
    /// `batch_size * gradient_accumulation`, but the memory is that of one batch of `batch_size`.
    #[serde(default = "one")]
    pub gradient_accumulation: usize,
    /// Learning rate at the end of the warm-up.
    pub learning_rate: f64,
    /// Decoupled weight decay, not on biases and LayerNorm.
    pub weight_decay: f64,
    /// Share of the steps over which the learning rate rises.
    pub warmup_ratio: f64,
    /// Longest sequence in tokens; longer ones are cut.
    pub max_length: usize,
    /// Global norm to which gradients are clipped.
    pub max_gradient_norm: f64,
    /// AdamW's epsilon.
    pub epsilon: f64,
    /// AdamW's decay rates of the first and second moment.
    pub betas: [f64; 2],
    /// How sentences are put into batches.
    pub batching: Batching,
    /// Pad every batch to `max_length` instead of to its longest sentence.
    pub pad_to_max_length: bool,
    /// Float type of the linear layers.
    #[serde(default)]
    pub precision: Precision,
    /// Keep only the hidden states between layers, and recompute what is inside a layer in the backward pass. Results
    /// differ at most in rounding.
    #[serde(default)]
    pub gradient_checkpointing: bool,
    /// Where the values of the classification head come from.
    #[serde(default, skip_serializing_if = "Head::is_fresh")]
    pub head: Head,
    /// What the head reads, in the place of what the model's `config.json` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier_pooling: Option<ClassifierPooling>,
    /// Draw the layer below the head from the seed too, and leave it without noise, whatever the checkpoint holds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh_pooler: bool,
}

/// Where the values of the classification head come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// They are drawn from the seed, whatever head the checkpoint brings.
    #[default]
    Fresh,
    /// The checkpoint, whose head must have the task's outputs.
    Checkpoint,
}

impl Head {
    /// Whether it is drawn; records do not mention it then, as they did not before there was a choice.
    fn is_fresh(&self) -> bool {
        *self == Self::Fresh
    }
}

/// Which tokens stand for a sequence: `classifier_pooling` of Hugging Face's `config.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassifierPooling {
    /// The first.
    Cls,
    /// The mean of all, as many sentence encoders are trained.
    Mean,
}

/// How the sentences of an epoch are put into batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Batching {
    /// In a random order; each batch is padded to its longest sentence.
    #[default]
    Shuffled,
    /// In a random order of batches of similar length: much less padding.
    Bucketed,
    /// In the random order of `Shuffled`; the sentences of a batch are laid end to end, without padding.
    Packed,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            epochs: 3,
            batch_size: 32,
            gradient_accumulation: 1,
            learning_rate: 2e-5,
            weight_decay: 0.01,
            warmup_ratio: 0.1,
            max_length: 128,
            max_gradient_norm: 1.0,
            epsilon: 1e-8,
            betas: [0.9, 0.999],
            batching: Batching::Shuffled,
            pad_to_max_length: false,
            precision: Precision::F32,
            gradient_checkpointing: false,
            head: Head::Fresh,
            classifier_pooling: None,
            fresh_pooler: false,
        }
    }
}

impl Recipe {
    /// Checks every range of the table above.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for the first value out of range. `max_length` is checked against
    /// the model when its tokenizer is read.
    pub fn validate(&self) -> Result<(), StudyError> {
        count("epochs", self.epochs)?;
        count("batch size", self.batch_size)?;
        count("gradient accumulation", self.gradient_accumulation)?;
        let positive = "a number above 0";
        check("learning rate", self.learning_rate, positive, |x| x > 0.0)?;
        check("weight decay", self.weight_decay, "at least 0", |x| {
            x >= 0.0
        })?;
        check("warmup ratio", self.warmup_ratio, "0 to 1", |x| {
            (0.0..=1.0).contains(&x)
        })?;
        check("max gradient norm", self.max_gradient_norm, positive, |x| {
            x > 0.0
        })?;
        check("epsilon", self.epsilon, positive, |x| x > 0.0)?;
        for beta in self.betas {
            check("beta", beta, "0 to below 1", |x| (0.0..1.0).contains(&x))?;
        }
        if self.pad_to_max_length && self.batching == Batching::Packed {
            let accepted = "shuffled or bucketed if batches are padded to max length";
            return Err(StudyError::setting("batching", "packed", accepted));
        }
        if self.fresh_pooler && self.head == Head::Checkpoint {
            let accepted = "the checkpoint's if its head is kept";
            return Err(StudyError::setting("pooler", "fresh", accepted));
        }
        if self.classifier_pooling.is_some() && self.head == Head::Checkpoint {
            let accepted = "the checkpoint's own if its head is kept";
            let asked = match self.classifier_pooling {
                Some(ClassifierPooling::Mean) => "mean",
                _ => "cls",
            };
            return Err(StudyError::setting("classifier_pooling", asked, accepted));
        }
        Ok(())
    }

    /// Optimizer steps of an epoch over `examples` sentences; the last step may have fewer sentences.
    pub fn steps_per_epoch(&self, examples: usize) -> usize {
        let batches = examples.div_ceil(self.batch_size);
        batches.div_ceil(self.gradient_accumulation)
    }
}

/// The gradient accumulation of records from before the setting existed.
fn one() -> usize {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_head_leaves_records_as_they_were_before_there_was_a_choice() {
        let fresh = Recipe::default();
        let written = serde_json::to_value(&fresh).expect("plain data");
        assert!(written.get("head").is_none());
        let read: Recipe = serde_json::from_value(written).expect("it has just been written");
        assert_eq!(read, fresh);
        let kept = Recipe {
            head: Head::Checkpoint,
            ..fresh
        };
        let written = serde_json::to_value(&kept).expect("plain data");
        assert_eq!(written["head"], "checkpoint");
        let read: Recipe = serde_json::from_value(written).expect("it has just been written");
        assert_eq!(read, kept);
    }

    #[test]
    fn a_fresh_pooler_is_recorded_and_wants_a_fresh_head() {
        let recipe = Recipe {
            fresh_pooler: true,
            ..Recipe::default()
        };
        assert!(recipe.validate().is_ok());
        let written = serde_json::to_value(&recipe).expect("plain data");
        assert_eq!(written["fresh_pooler"], true);
        let read: Recipe = serde_json::from_value(written).expect("it has just been written");
        assert_eq!(read, recipe);
        let written = serde_json::to_value(Recipe::default()).expect("plain data");
        assert!(written.get("fresh_pooler").is_none());

        let own_head = Recipe {
            head: Head::Checkpoint,
            ..recipe
        };
        let error = own_head.validate().expect_err("a contradiction");
        assert_eq!(
            error.to_string(),
            "pooler is fresh, accepted is the checkpoint's if its head is kept"
        );
    }

    #[test]
    fn what_the_head_reads_is_recorded_where_it_is_asked_for_and_wants_a_fresh_head() {
        let recipe = Recipe {
            classifier_pooling: Some(ClassifierPooling::Mean),
            ..Recipe::default()
        };
        assert!(recipe.validate().is_ok());
        let written = serde_json::to_value(&recipe).expect("plain data");
        assert_eq!(written["classifier_pooling"], "mean");
        let read: Recipe = serde_json::from_value(written).expect("it has just been written");
        assert_eq!(read, recipe);
        let written = serde_json::to_value(Recipe::default()).expect("plain data");
        assert!(written.get("classifier_pooling").is_none());

        let own_head = Recipe {
            head: Head::Checkpoint,
            ..recipe
        };
        let error = own_head.validate().expect_err("a contradiction");
        assert_eq!(
            error.to_string(),
            "classifier_pooling is mean, accepted is the checkpoint's own if its head is kept"
        );
    }

    #[test]
    fn packed_batches_cannot_be_padded() {
        let recipe = Recipe {
            batching: Batching::Packed,
            ..Recipe::default()
        };
        assert!(recipe.validate().is_ok());
        let padded = Recipe {
            pad_to_max_length: true,
            ..recipe
        };
        let error = padded.validate().expect_err("a contradiction");
        let expected = "batching is packed, accepted is shuffled or bucketed if batches are padded to max length";
        assert_eq!(error.to_string(), expected);
    }
}
