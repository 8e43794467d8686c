//! A metric over a whole split.

use burn::tensor::Device;
use encoders::{Classifier, Dropouts};

use crate::batch::Filling;
use crate::data::Examples;
use crate::error::FinetuneError;
use crate::objective::mean_cross_entropy;

/// Sentences in an evaluation batch; the result does not depend on it.
const BATCH: usize = 64;

/// What a model predicts over a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean cross-entropy over all examples.
    pub loss: f64,
    /// Fraction of right predictions over all examples.
    pub accuracy: f64,
    /// The predicted class of each example, in the split's order.
    pub predictions: Vec<usize>,
}

/// Scores a model over all examples, with dropout off.
///
/// Sentences of similar length share a batch, which saves padding; the predictions come back in the
/// split's order.
///
/// # Errors
/// [`FinetuneError::Task`] if there are no examples.
pub fn evaluate(
    model: &Classifier,
    examples: &Examples,
    pad_token_id: u32,
    device: &Device,
) -> Result<Evaluation, FinetuneError> {
    let device = device.clone().inner();
    let filling = Filling::Padded {
        token: pad_token_id,
        least: 0,
    };
    let mut by_length: Vec<usize> = (0..examples.len()).collect();
    by_length.sort_by_key(|&i| examples.encodings[i].ids.len());

    let mut predictions = vec![0; examples.len()];
    let mut total = 0.0;
    for positions in by_length.chunks(BATCH) {
        let batch = examples.batch(positions, filling, &device);
        let logits = model.forward(batch.input, &mut Dropouts::off());
        let classes = logits.clone().argmax(1).into_data().convert::<i64>();
        let loss = mean_cross_entropy(logits, batch.labels);
        total += f64::from(loss.into_scalar::<f32>()) * positions.len() as f64;
        for (&position, class) in positions.iter().zip(classes.iter::<i64>()) {
            predictions[position] = class as usize;
        }
    }
    Ok(Evaluation {
        loss: total / examples.len().max(1) as f64,
        accuracy: tasks::accuracy(&predictions, &examples.labels)?,
        predictions,
    })
}
