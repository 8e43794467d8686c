//! Metrics over a whole evaluation set.

use burn::tensor::Device;
use encoders::{Classifier, Dropouts};
use tasks::{Metric, Predictions, Targets, Task};

use crate::batch::Filling;
use crate::data::Examples;
use crate::error::FinetuneError;
use crate::objective::mean_loss;

/// Sentences per evaluation batch; the result does not depend on it.
const BATCH: usize = 64;

/// A model's predictions over an evaluation set, and their scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean loss over all examples.
    pub loss: f64,
    /// The scores of all predictions by each of the task's metrics, the headline first.
    pub scores: Vec<(Metric, f64)>,
    /// One prediction for each example, in the order of the file.
    pub predictions: Predictions,
}

impl Evaluation {
    /// The score by the task's first metric.
    pub fn headline(&self) -> f64 {
        let (_, score) = self.scores[0];
        score
    }
}

/// Scores a model over all examples by the metrics of their task, with dropout off.
///
/// Sentences of similar length share a batch, which saves padding; the predictions are returned in
/// the order of the file.
///
/// # Errors
/// [`FinetuneError::Metric`] if there are no examples, if a correlation is undefined, or if the examples are not of
/// this task.
pub fn evaluate(
    model: &Classifier,
    task: &Task,
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
    by_length.sort_by_key(|&i| examples.encodings.length(i));

    let mut predictions = match &examples.targets {
        Targets::Classes(classes) => Predictions::Classes(vec![0; classes.len()]),
        Targets::Scores(scores) => Predictions::Scores(vec![0.0; scores.len()]),
    };
    let mut total = 0.0;
    for positions in by_length.chunks(BATCH) {
        let batch = examples.batch(positions, filling, &device);
        let outputs = model.forward(batch.input, &mut Dropouts::off());
        match &mut predictions {
            Predictions::Classes(predictions) => {
                let classes = outputs.clone().argmax(1).into_data().convert::<i64>();
                for (&position, class) in positions.iter().zip(classes.iter::<i64>()) {
                    predictions[position] = class as usize;
                }
            }
            Predictions::Scores(predictions) => {
                let scores = outputs.clone().into_data().convert::<f32>();
                for (&position, score) in positions.iter().zip(scores.iter::<f32>()) {
                    predictions[position] = score;
                }
            }
        }
        let loss = mean_loss(outputs, &batch.targets);
        total += f64::from(loss.into_scalar::<f32>()) * positions.len() as f64;
    }
    let scores = task.metrics().iter().map(|metric| {
        let score = metric.score(&predictions, &examples.targets)?;
        Ok((*metric, score))
    });
    let scores = scores.collect::<Result<_, FinetuneError>>()?;
    Ok(Evaluation {
        loss: total / examples.len().max(1) as f64,
        scores,
        predictions,
    })
}
