//! Metrics over a whole evaluation set.

use std::convert::Infallible;

use burn::tensor::{Device, Tensor};
use encoders::{Classifier, Dropouts, Encoding, Encodings};
use tasks::{Metric, Predictions, Task, ValueKind};

use crate::batch::{BatchTargets, Filling};
use crate::data::Examples;
use crate::error::FinetuneError;
use crate::objective::mean_loss;

/// Sentences per evaluation batch, padded or packed; predictions do not depend on it. A packed batch has at most as many
/// tokens as a padded one.
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

/// Predicts sentences without labels, with dropout off; the predictions are in the order of the sentences.
pub fn predict(
    model: &Classifier,
    task: &Task,
    encodings: &Encodings,
    filling: Filling,
    device: &Device,
) -> Predictions {
    let device = device.clone().inner();
    let kind = task.outputs().kind();
    let predicted: Result<_, Infallible> =
        forward(model, kind, encodings, filling, &device, |_, _| Ok(()));
    predicted.unwrap_or_else(|never| match never {})
}

/// The same, asking `go_on` after every batch, which is given the batch's outputs.
///
/// # Errors
/// Those of `go_on`, which end it.
pub(crate) fn predict_while<E>(
    model: &Classifier,
    task: &Task,
    encodings: &Encodings,
    filling: Filling,
    device: &Device,
    go_on: impl Fn(Tensor<2>) -> Result<(), E>,
) -> Result<Predictions, E> {
    let device = device.clone().inner();
    let kind = task.outputs().kind();
    forward(model, kind, encodings, filling, &device, |_, outputs| {
        go_on(outputs)
    })
}

/// Scores a model over all examples by the metrics of their task, with dropout off.
///
/// Sentences of similar length share a batch, which saves padding and keeps packed batches alike; the predictions are
/// returned in the order of the file.
///
/// # Errors
/// [`FinetuneError::Metric`] if there are no examples, if a correlation is undefined, or if the examples are not of
/// this task.
pub fn evaluate(
    model: &Classifier,
    task: &Task,
    examples: &Examples,
    filling: Filling,
    device: &Device,
) -> Result<Evaluation, FinetuneError> {
    evaluate_while(model, task, examples, filling, device, |_| Ok(()))
}

/// The same, asking `go_on` after every batch, which is given the batch's mean loss.
///
/// # Errors
/// Those of [`evaluate`], and those of `go_on`, which end it.
pub(crate) fn evaluate_while(
    model: &Classifier,
    task: &Task,
    examples: &Examples,
    filling: Filling,
    device: &Device,
    go_on: impl Fn(f64) -> Result<(), FinetuneError>,
) -> Result<Evaluation, FinetuneError> {
    let device = device.clone().inner();
    let mut total = 0.0;
    let predictions = forward(
        model,
        task.outputs().kind(),
        &examples.encodings,
        filling,
        &device,
        |positions, outputs| {
            let targets = BatchTargets::of(&examples.targets, positions, &device);
            let loss = f64::from(mean_loss(outputs, &targets).into_scalar::<f32>());
            total += loss * positions.len() as f64;
            go_on(loss)
        },
    )?;
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

/// Runs the model over all sentences and returns its predictions; `each` gets the positions and the outputs of every
/// batch and may end it.
fn forward<E>(
    model: &Classifier,
    kind: ValueKind,
    encodings: &Encodings,
    filling: Filling,
    device: &Device,
    mut each: impl FnMut(&[usize], Tensor<2>) -> Result<(), E>,
) -> Result<Predictions, E> {
    let mut by_length: Vec<usize> = (0..encodings.len()).collect();
    by_length.sort_by_key(|&i| encodings.length(i));

    let mut predictions = match kind {
        ValueKind::Classes => Predictions::Classes(vec![0; encodings.len()]),
        ValueKind::Scores => Predictions::Scores(vec![0.0; encodings.len()]),
    };
    for positions in by_length.chunks(BATCH) {
        let batch: Vec<Encoding> = positions.iter().map(|&i| encodings.get(i)).collect();
        let input = filling.input(&batch, device);
        let outputs = model.forward(input, &mut Dropouts::off());
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
        each(positions, outputs)?;
    }
    Ok(predictions)
}
