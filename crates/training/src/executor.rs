//! Where the batches of a step go: through one device in turn, or through replicas of the model on several.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Device;

use crate::accumulate::{BatchGradients, MeanLoss, Pass, losses_and_gradients};

/// Replicas of a model in training, one per device, which share the batches of each step.
///
/// Batch `i` of a step goes through replica `i` modulo their number. The gradients move to the first device and are
/// summed there in the order of the batches, so the sum has the bits of one device that had all batches in turn
/// ([`accumulate`](crate::accumulate())), as far as the devices compute the same. The step is taken on the first device
/// alone, and the next one starts with fresh copies of its parameters.
///
/// One thread feeds all devices. They work at the same time where operations are queued, as on GPUs and servers; on flex,
/// which computes in the calling thread, one replica waits for the other.
#[derive(Clone, Debug, Default)]
pub struct Replicas {
    /// Of all but the first, with autodiff.
    others: Vec<Device>,
}

impl Replicas {
    /// Replicas on the device of the model and on these.
    pub fn on(others: impl IntoIterator<Item = Device>) -> Self {
        let others = others.into_iter();
        Self {
            others: others.map(|device| device.inner().autodiff()).collect(),
        }
    }

    /// The device for batch `index` of a step; `None` is that of the model.
    pub fn device_of(&self, index: usize) -> Option<&Device> {
        let place = index % (self.others.len() + 1);
        place.checked_sub(1).map(|place| &self.others[place])
    }

    /// Losses and gradients of a step, both on the model's device.
    pub(crate) fn losses_and_gradients<M: Module, B>(
        &self,
        model: &M,
        batches: Vec<B>,
        first: Pass,
        objective: &mut impl BatchGradients<M, B>,
    ) -> (MeanLoss, GradientsParams) {
        if self.others.is_empty() || batches.len() == 1 {
            return losses_and_gradients(model, batches, first, objective);
        }
        let needed = self.others.iter().take(batches.len() - 1);
        let replicas: Vec<M> = needed.map(|device| model.clone().fork(device)).collect();
        let home = model.devices().into_iter().next();
        let home = home.expect("a model in training has parameters").inner();
        let total: usize = batches.iter().map(|batch| objective.examples(batch)).sum();
        // Nothing is read or moved before every device has its work.
        let mut passed = Vec::with_capacity(batches.len());
        for (index, batch) in batches.into_iter().enumerate() {
            let share = objective.examples(&batch) as f64 / total as f64;
            let pass = Pass {
                index: first.index + index,
                scale: share * first.scale,
                ..first
            };
            let place = index % (self.others.len() + 1);
            let replica = match place.checked_sub(1) {
                None => model,
                Some(place) => &replicas[place],
            };
            let (loss, gradients) = objective.gradients(replica, batch, pass);
            passed.push((place, loss, gradients, share));
        }
        let mut losses = MeanLoss::default();
        let mut sum = GradientsAccumulator::new();
        for (place, loss, gradients, share) in passed {
            let (loss, gradients) = match place {
                0 => (loss, gradients),
                _ => (loss.to_device(&home), gradients.to_device(&home, model)),
            };
            losses.add(loss, share);
            sum.accumulate(model, gradients);
        }
        (losses, sum.grads())
    }
}
