//! SMART (Jiang et al., ACL 2020, arXiv:1911.03437).

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Int, Tensor, TensorData};
use encoders::{Classifier, Layout};

use super::draws::{Distribution, TokenNoise};
use super::{Companion, Start, stream_key};
use crate::batch::BatchTargets;
use crate::error::FinetuneError;
use crate::objective::{Objective, mean_divergence, mean_loss};
use crate::passes::Passes;

/// Smoothness against the worst small perturbation of the word embeddings, and steps that stay near a teacher:
/// `L + λ ℓ(f(e + δ), f(e)) + μ ℓ(f(e), f̃(e))`, where ℓ is `KL(p‖q) + KL(q‖p)` for classes and `(s - s')²` for scores.
///
/// - δ starts at `N(0, σ²)`, takes one step of length η along the gradient g of `ℓ(f(e + δ), f(e))`, of which `f(e)` is a
///   constant, and is clipped to ±ε: `δ ← clip(δ + η g / ‖g‖∞)`, the norm over a sequence. Algorithm 1 with S = 1, p = ∞.
/// - The teacher's weights follow those of the model: `θ̃ ← β θ̃ + (1 - β) θ` after every step, with one β for the first
///   tenth of the steps and another for the rest.
///
/// Every pass has dropout masks of its own, also that of the teacher. With the defaults, which are the paper's (ε = σ =
/// 1e-5, η = 1e-3, λ = μ = 1, β = 0.99 and then 0.999), other masks change far more than δ does, so the control is R-Drop.
/// Public programs differ: mt-dnn's takes the norm per token, and later versions make δ about 1.
pub(super) fn companion(
    start: &Start<'_>,
    is_adversarial: bool,
    is_proximal: bool,
) -> Result<Companion, FinetuneError> {
    let adversary = is_adversarial.then(|| Adversary {
        weight: start.number("smart.weight"),
        epsilon: start.number("smart.epsilon"),
        step: start.number("smart.step"),
        first: TokenNoise {
            distribution: Distribution::Normal,
            scale: start.number("smart.sigma"),
            width: start.model.embedding_width(),
            key: stream_key(start.seed, "smart"),
        },
    });
    let proximity = is_proximal.then(|| Proximity {
        weight: start.number("smart.proximity"),
        decays: ["smart.early-decay", "smart.decay"].map(|name| start.number(name)),
        early_steps: (EARLY * start.steps as f64) as usize,
        teacher: start.model.valid(),
    });
    Ok(Companion {
        objective: Some(Box::new(Smart {
            adversary,
            proximity,
        })),
        ..Companion::default()
    })
}

/// The share of the steps that have the first decay.
const EARLY: f64 = 0.1;

struct Smart {
    adversary: Option<Adversary>,
    proximity: Option<Proximity>,
}

/// Smoothness-inducing adversarial regularisation.
struct Adversary {
    weight: f64,
    epsilon: f64,
    step: f64,
    /// Where δ starts.
    first: TokenNoise,
}

/// Bregman proximal point steps with a momentum.
struct Proximity {
    weight: f64,
    decays: [f64; 2],
    early_steps: usize,
    teacher: Classifier,
}

impl Objective for Smart {
    fn loss(&mut self, passes: &mut Passes<'_>, targets: &BatchTargets) -> Tensor<1> {
        let clean = passes.logits();
        let mut loss = mean_loss(clean.clone(), targets);
        if let Some(adversary) = &self.adversary {
            let perturbation = adversary.perturbation(passes, clean.clone(), targets);
            let attacked = passes.logits_perturbed(perturbation);
            loss = loss + mean_divergence(attacked, clean.clone(), targets) * adversary.weight;
        }
        if let Some(proximity) = &self.proximity {
            let taught = passes.logits_of(&proximity.teacher);
            loss = loss + mean_divergence(clean, taught, targets) * proximity.weight;
        }
        loss
    }

    fn stepped(&mut self, parameters: &Classifier, step: usize) {
        if let Some(proximity) = &mut self.proximity {
            let [early, later] = proximity.decays;
            let is_early = step < proximity.early_steps;
            let mut follower = Follower::of(parameters, if is_early { early } else { later });
            proximity.teacher = proximity.teacher.clone().map(&mut follower);
        }
    }

    fn teacher(&self) -> Option<&Classifier> {
        self.proximity.as_ref().map(|proximity| &proximity.teacher)
    }

    fn set_teacher(&mut self, teacher: Classifier) {
        if let Some(proximity) = &mut self.proximity {
            proximity.teacher = teacher;
        }
    }
}

impl Adversary {
    fn perturbation(
        &self,
        passes: &mut Passes<'_>,
        clean: Tensor<2>,
        targets: &BatchTargets,
    ) -> Tensor<3> {
        let first = self.first.of(passes.input(), passes.index());
        let gradient = passes.gradient_at(first.clone(), |logits| {
            mean_divergence(logits, clean.detach(), targets)
        });
        let ascent = normalised(gradient, &passes.input().layout) * self.step;
        (first + ascent).clamp(-self.epsilon, self.epsilon)
    }
}

/// The gradient of each sequence divided by its largest absolute element; one of zeros stays.
fn normalised(gradient: Tensor<3>, layout: &Layout) -> Tensor<3> {
    let of_tokens = gradient.clone().abs().max_dim(2);
    let largest = match layout {
        Layout::Padded(_) => of_tokens.max_dim(1),
        Layout::Packed(packing) => {
            let device = gradient.device();
            let places = |places: Vec<i64>| {
                let count = places.len();
                Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &device)
            };
            let (tokens, sequences) = (packing.rows(), packing.lengths().len());
            let longest = packing.lengths().iter().copied().max().unwrap_or(0);
            // As if padded with the last token, which changes no maximum.
            let padded = packing.starts().zip(packing.lengths());
            let padded = padded.flat_map(|(start, &length)| {
                (0..longest).map(move |at| (start + at.min(length.saturating_sub(1))) as i64)
            });
            let of_sequences = of_tokens
                .reshape([tokens])
                .select(0, places(padded.collect()))
                .reshape([sequences, longest])
                .max_dim(1)
                .reshape([sequences]);
            let owners = packing.lengths().iter().enumerate();
            let owners = owners.flat_map(|(at, &length)| std::iter::repeat_n(at as i64, length));
            of_sequences
                .select(0, places(owners.collect()))
                .reshape([1, tokens, 1])
        }
    };
    gradient / largest.clamp_min(f32::MIN_POSITIVE)
}

/// Moves the weights of a teacher towards those of a model.
struct Follower {
    /// The model's, flattened.
    values: HashMap<ParamId, Tensor<1>>,
    decay: f64,
}

impl Follower {
    fn of(parameters: &Classifier, decay: f64) -> Self {
        let mut follower = Self {
            values: HashMap::new(),
            decay,
        };
        parameters.valid().visit(&mut follower);
        follower
    }
}

impl ModuleVisitor for Follower {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.insert(param.id, param.val().flatten(0, D - 1));
    }
}

impl ModuleMapper for Follower {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, teacher, mapper) = param.consume();
        let value = self.values[&id].clone().reshape(teacher.dims());
        let followed = teacher * self.decay + value * (1.0 - self.decay);
        Param::from_mapped_value(id, followed, mapper)
    }
}
