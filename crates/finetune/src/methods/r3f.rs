//! R3F (Aghajanyan et al., ICLR 2021, arXiv:2008.03156).

use burn::tensor::Tensor;

use super::draws::{Distribution, TokenNoise};
use super::{Companion, Start, stream_key};
use crate::batch::BatchTargets;
use crate::error::FinetuneError;
use crate::objective::{Objective, mean_divergence, mean_loss};
use crate::passes::Passes;

/// A second pass with noise on the word embeddings, `U(-ε, ε)` or `N(0, ε²)`, is to agree with the first:
/// `L + λ (KL(p‖p') + KL(p'‖p))` for classes, `L + λ (s - s')²` for scores.
///
/// As in the authors' program, no logit is a constant, the word embeddings of the second pass are, and the second pass
/// has dropout masks of its own. The program has no term for scores. The defaults ε = 1e-5 and λ = 1 are its own. Noise so
/// small changes almost nothing beside other masks, so the control is R-Drop.
pub(super) fn companion(
    start: &Start<'_>,
    distribution: Distribution,
) -> Result<Companion, FinetuneError> {
    let name = match distribution {
        Distribution::Uniform => "r3f-uniform",
        Distribution::Normal => "r3f-normal",
    };
    Ok(Companion {
        objective: Some(Box::new(R3f {
            weight: start.number("r3f.weight"),
            noise: TokenNoise {
                distribution,
                scale: start.number("r3f.epsilon"),
                width: start.model.embedding_width(),
                key: stream_key(start.seed, name),
            },
        })),
        ..Companion::default()
    })
}

struct R3f {
    weight: f64,
    noise: TokenNoise,
}

impl Objective for R3f {
    fn loss(&mut self, passes: &mut Passes<'_>, targets: &BatchTargets) -> Tensor<1> {
        let clean = passes.logits();
        let noise = self.noise.of(passes.input(), passes.index());
        let noisy = passes.logits_perturbed_at_constant(noise);
        let divergence = mean_divergence(noisy, clean.clone(), targets);
        mean_loss(clean, targets) + divergence * self.weight
    }
}
