//! R-Drop (Liang et al., NeurIPS 2021, arXiv:2106.14448), and its control.

use burn::tensor::Tensor;

use super::{Companion, Start};
use crate::batch::BatchTargets;
use crate::error::FinetuneError;
use crate::objective::{Objective, mean_divergence, mean_loss};
use crate::passes::Passes;

/// Two passes with dropout masks of their own, which are to agree: `(L + L') / 2 + α (KL(p‖p') + KL(p'‖p)) / 2` for
/// classes, `(L + L') / 2 + α (s - s')²` for scores.
///
/// The authors add both losses instead of taking their mean, so their α is twice this one, and their program for GLUE sums
/// the divergence over the batch. For scores it has one square, as here. The default is α = 1.
pub(super) fn companion(start: &Start<'_>) -> Result<Companion, FinetuneError> {
    Ok(of_weight(start.number("r-drop.weight")))
}

/// The control: the same two passes without the divergence, `(L + L') / 2`. It costs as much, and every example counts
/// under two masks.
pub(super) fn control() -> Companion {
    of_weight(0.0)
}

fn of_weight(weight: f64) -> Companion {
    Companion {
        objective: Some(Box::new(RDrop { weight })),
        ..Companion::default()
    }
}

struct RDrop {
    weight: f64,
}

impl Objective for RDrop {
    fn loss(&mut self, passes: &mut Passes<'_>, targets: &BatchTargets) -> Tensor<1> {
        let (first, second) = (passes.logits(), passes.logits());
        let losses = mean_loss(first.clone(), targets) + mean_loss(second.clone(), targets);
        // The authors halve the sum of two divergences, and have only one square.
        let weight = match targets {
            BatchTargets::Classes(_) => self.weight / 2.0,
            BatchTargets::Scores(_) => self.weight,
        };
        losses / 2 + mean_divergence(first, second, targets) * weight
    }
}
