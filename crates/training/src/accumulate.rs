//! Running the batches of one step one after the other.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;
use fused::Rows;

/// Which batch of a run this is, and how much it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pass {
    /// Optimizer step, from 0.
    pub step: usize,
    /// Batches that went through the model before this one. Each has its own dropout masks.
    pub index: usize,
    /// Factor of the loss before the backward pass: the batch's share of the step, times the loss scale.
    pub scale: f64,
}

/// Computes the loss of a batch and its gradients.
pub trait BatchGradients<M, B> {
    /// How many examples a batch holds. The loss of a step is the mean over all its examples.
    fn examples(&self, batch: &B) -> usize;

    /// The mean loss of a batch at `model`, and the gradients of that loss times `pass.scale`.
    ///
    /// # Shapes
    /// - the loss: `[1]`, single precision, on the device, without autodiff
    fn gradients(&mut self, model: &M, batch: B, pass: Pass) -> (Tensor<1>, GradientsParams);

    /// The rows that a batch looks up in the table whose steps are [deferred](crate::Stepper::deferring); `None` if it reads
    /// others too, or reads it in another way.
    fn rows(&self, _batch: &B) -> Option<Vec<usize>> {
        None
    }

    /// The batch for a model whose table has `rows` alone.
    fn at_rows(&self, batch: B, _rows: &Rows) -> B {
        batch
    }
}

/// The losses of a step's batches, each weighted by its share of the step's examples, still on the device.
#[derive(Default)]
pub(crate) struct MeanLoss(Vec<(Tensor<1>, f64)>);

impl MeanLoss {
    /// Adds the loss of a batch with this share of the examples.
    pub(crate) fn add(&mut self, loss: Tensor<1>, share: f64) {
        self.0.push((loss, share));
    }

    /// The mean loss, and the norm whose square is given (0 without one). Both are read in one go, because a device is
    /// idle after every read until it gets more work.
    pub(crate) fn read_with(self, squared_norm: Option<Tensor<1>>) -> (f64, f64) {
        let (mut numbers, shares): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        numbers.extend(squared_norm);
        let numbers: Vec<f32> = Tensor::cat(numbers, 0)
            .into_data()
            .try_into_vec()
            .expect("losses and norms are f32");
        let (losses, squared_norm) = numbers.split_at(shares.len());
        let losses = losses.iter().map(|loss| f64::from(*loss));
        let mean = losses.zip(shares).map(|(loss, share)| loss * share).sum();
        let norm = squared_norm
            .first()
            .map_or(0.0, |square| f64::from(*square).sqrt());
        (mean, norm)
    }
}

/// The mean loss of the examples of several batches, and its gradients times `first.scale`.
///
/// The batches go through the model one after the other, and the gradients are summed in that order. The result is that
/// of one batch with all the examples, in the memory of a single batch.
///
/// # Panics
/// If there is no batch.
pub fn accumulate<M: Module, B>(
    model: &M,
    batches: Vec<B>,
    first: Pass,
    objective: &mut impl BatchGradients<M, B>,
) -> (f64, GradientsParams) {
    let (loss, gradients) = losses_and_gradients(model, batches, first, objective);
    let (loss, _) = loss.read_with(None);
    (loss, gradients)
}

/// Like [`accumulate`], with the loss still on the device.
pub(crate) fn losses_and_gradients<M: Module, B>(
    model: &M,
    batches: Vec<B>,
    first: Pass,
    objective: &mut impl BatchGradients<M, B>,
) -> (MeanLoss, GradientsParams) {
    let batches = match <[B; 1]>::try_from(batches) {
        Ok([batch]) => {
            let (loss, gradients) = objective.gradients(model, batch, first);
            return (MeanLoss(vec![(loss, 1.0)]), gradients);
        }
        Err(batches) => batches,
    };
    let total: usize = batches.iter().map(|batch| objective.examples(batch)).sum();
    let mut losses = MeanLoss::default();
    let mut sum = GradientsAccumulator::new();
    for (index, batch) in batches.into_iter().enumerate() {
        let share = objective.examples(&batch) as f64 / total as f64;
        let pass = Pass {
            index: first.index + index,
            scale: share * first.scale,
            ..first
        };
        let (loss, gradients) = objective.gradients(model, batch, pass);
        losses.add(loss, share);
        sum.accumulate(model, gradients);
    }
    (losses, sum.grads())
}
