//! Where gradients wait for each other.

use std::any::Any;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::backend::Backend;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

/// The gradients of a tensor's branches, or of its parts, until the last has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meeting(Arc<Mutex<Arrived>>);

/// Gradients with the numbers of their branches.
#[derive(Debug, Default)]
struct Arrived {
    /// Whose gradient went ahead.
    first: Option<usize>,
    others: Vec<(usize, Box<dyn Any + Send>)>,
}

impl Meeting {
    /// Keeps the gradient of a branch, but gives that of the first to come back: it goes ahead as the gradient of the trunk,
    /// which must have one when its turn comes.
    pub(crate) fn keep<T: Send + 'static>(&self, number: usize, grad: T) -> Option<T> {
        let mut arrived = self.lock();
        if arrived.first.is_none() {
            arrived.first = Some(number);
            return Some(grad);
        }
        arrived.others.push((number, Box::new(grad)));
        None
    }

    /// The gradients and the numbers of their branches, in order, with `first`, which went ahead.
    ///
    /// # Panics
    ///
    /// When none went ahead, or when they are not of one type.
    pub(crate) fn in_order<T: Send + 'static>(&self, first: T) -> Vec<(usize, T)> {
        let arrived = mem::take(&mut *self.lock());
        let number = arrived.first.expect("a branch brought the gradient");
        let others = arrived.others.into_iter().map(|(number, grad)| {
            let grad = grad.downcast::<T>().expect("all are of one backend");
            (number, *grad)
        });
        let mut all: Vec<_> = others.chain([(number, first)]).collect();
        all.sort_by_key(|(number, _)| *number);
        all
    }

    /// `x` as the branch or part of a trunk, whose gradient waits here: the trunk's node, and the number from 0.
    pub(crate) fn hang<B: Backend, C: CheckpointStrategy>(
        &self,
        trunk: NodeGuard,
        number: usize,
        x: FloatTensor<B>,
    ) -> FloatTensor<Autodiff<B, C>> {
        match UseBackward.prepare::<C>([trunk]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((self.clone(), number), x),
            OpsKind::UnTracked(prep) => prep.finish(x),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Arrived> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The node of a branch or part: its gradient waits for the others.
#[derive(Debug)]
struct UseBackward;

impl<B: Backend> Backward<B, 1> for UseBackward {
    /// Where it waits, and its number from 0.
    type State = (Meeting, usize);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let (meeting, number) = ops.state;
        if let [Some(trunk)] = ops.parents
            && let Some(grad) = meeting.keep(number, grad)
        {
            grads.register::<B>(trunk.id, grad);
        }
    }
}
