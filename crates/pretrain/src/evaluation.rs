//! How well held-out words are predicted.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use encoders::{BertForMaskedLM, Dropouts};
use serde::{Deserialize, Serialize};

use crate::batches::Batch;
use crate::error::PretrainError;
use crate::recipe::Recipe;
use crate::sequences::Sequences;
use crate::vocabulary::Vocabulary;

/// Scores on the masked tokens of the held-out documents, whose masks never change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Masked tokens.
    pub masked: usize,
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// `exp(loss)`.
    pub perplexity: f64,
    /// Share of the masked tokens for which the most probable token is the right one.
    pub accuracy: f64,
}

impl HeldOut {
    /// Evaluates a model on a plain device.
    ///
    /// # Errors
    /// [`PretrainError::Setting`], or [`PretrainError::TooLittle`] if there are no sequences.
    pub fn of(
        model: &BertForMaskedLM,
        sequences: &Sequences,
        vocabulary: &Vocabulary,
        recipe: &Recipe,
    ) -> Result<Self, PretrainError> {
        Self::of_while(model, sequences, vocabulary, recipe, || Ok(()))
    }

    /// The same, asking `go_on` after every batch.
    ///
    /// # Errors
    /// Those of [`HeldOut::of`], and those of `go_on`, which end it.
    pub(crate) fn of_while(
        model: &BertForMaskedLM,
        sequences: &Sequences,
        vocabulary: &Vocabulary,
        recipe: &Recipe,
        mut go_on: impl FnMut() -> Result<(), PretrainError>,
    ) -> Result<Self, PretrainError> {
        recipe.validate()?;
        if sequences.is_empty() {
            return Err(PretrainError::TooLittle {
                what: "0 sequences".to_owned(),
                place: "the held-out documents".to_owned(),
                least: "1".to_owned(),
            });
        }
        let device: Device = model
            .devices()
            .into_iter()
            .next()
            .expect("a model has parameters");
        let lengths = sequences.lengths();
        let mut order: Vec<usize> = (0..sequences.len()).collect();
        order.sort_by_key(|&position| lengths[position]);
        let (mut masked, mut total, mut right) = (0, 0.0, 0);
        for positions in order.chunks(recipe.batch_size) {
            let batch = Batch::held_out(sequences, positions, vocabulary, recipe, &device);
            let [count] = batch.targets.dims();
            let logits = model.forward(batch.input, batch.places, &mut Dropouts::off());
            let best = logits.clone().argmax(1).reshape([count]);
            let hits: Tensor<1> = best.equal(batch.targets.clone()).float();
            right += hits.sum().into_scalar::<f32>() as usize;
            let loss = fused::cross_entropy(logits, batch.targets);
            total += f64::from(loss.into_scalar::<f32>()) * count as f64;
            masked += count;
            go_on()?;
        }
        let loss = total / masked as f64;
        Ok(Self {
            masked,
            loss,
            perplexity: loss.exp(),
            accuracy: right as f64 / masked as f64,
        })
    }
}
