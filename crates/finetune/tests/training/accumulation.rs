//! Several small batches in a step equal one large batch.

use burn::tensor::Device;
use finetune::batch::Batch;
use finetune::trainer::Trainer;
use study::Recipe;

use crate::closeness::assert_all_close;
use crate::examples::{self, model};
use crate::parameters;
use crate::reference::FILLINGS;

/// f32 sums in a different order.
const TOLERANCE: f64 = 2e-5;

fn trainer() -> Trainer {
    let recipe = Recipe {
        learning_rate: 1e-3,
        ..Recipe::default()
    };
    Trainer::new(model(), &recipe, 10, 0, &Device::flex()).expect("a recipe in range")
}

fn examples(which: std::ops::Range<usize>, device: &Device) -> Batch {
    let [padded, _] = FILLINGS;
    examples::examples(which, padded, device)
}

#[test]
fn the_gradient_of_small_batches_is_that_of_their_examples_together() {
    let mut trainer = trainer().without_dropout();
    let device = &trainer.device().clone();
    // Of different sizes: a mean over batches would be wrong.
    let parts = vec![
        examples(0..4, device),
        examples(4..6, device),
        examples(6..7, device),
    ];
    let (loss, ours) = trainer.gradients(parts);
    let (expected, theirs) = trainer.gradients(vec![examples(0..7, device)]);
    assert!(
        (loss / expected - 1.0).abs() < TOLERANCE,
        "{loss} {expected}"
    );

    let model = trainer.model();
    let ours = parameters::gradients(&model, &ours);
    let theirs = parameters::gradients(&model, &theirs);
    assert_all_close("gradients", &ours, &theirs, |_, _| 0.0, TOLERANCE);
}

#[test]
fn a_step_on_small_batches_is_the_step_on_one_large_one() {
    let (mut small, mut large) = (trainer().without_dropout(), trainer().without_dropout());
    for step in 0..3 {
        let from = 8 * step;
        let parts = [from..from + 3, from + 3..from + 6, from + 6..from + 8]
            .map(|part| examples(part, small.device()));
        let ours = small.step(parts.into()).expect("a finite loss");
        let whole = examples(from..from + 8, large.device());
        let theirs = large.step(vec![whole]).expect("a finite loss");
        assert_eq!((ours.index, ours.examples), (theirs.index, theirs.examples));
        assert_eq!(ours.tokens, theirs.tokens);
        assert_eq!(ours.learning_rate, theirs.learning_rate);
        for (ours, theirs) in [
            (ours.loss, theirs.loss),
            (ours.gradient_norm, theirs.gradient_norm),
        ] {
            assert!((ours / theirs - 1.0).abs() < TOLERANCE, "{ours} {theirs}");
        }
    }
}

#[test]
fn every_batch_of_a_step_has_dropout_masks_of_its_own() {
    let mut trainer = trainer();
    let device = trainer.device().clone();
    let twice = || vec![examples(0..4, &device), examples(0..4, &device)];
    let (once, _) = trainer.gradients(vec![examples(0..4, &device)]);
    let (mean, _) = trainer.gradients(twice());
    assert_ne!(mean, once);
    let (again, _) = trainer.gradients(twice());
    assert_eq!(mean, again, "and the same ones again");
}
