//! Several small batches in a step are one large batch.

use burn::tensor::Device;
use encoders::Snapshot;
use finetune::Recipe;
use finetune::data::Batch;
use finetune::training::Trainer;

use crate::parameters;
use crate::reference::{FILLINGS, batch, tiny_snapshot};

/// Sums in another order, in f32.
const TOLERANCE: f64 = 2e-5;

const LENGTH: usize = 9;

fn trainer() -> Trainer {
    let device = Device::flex();
    let snapshot = Snapshot::open(tiny_snapshot()).expect("the snapshot opens");
    let model = snapshot.classifier(2, 0, &device).expect("it loads").model;
    let recipe = Recipe {
        learning_rate: 1e-3,
        ..Recipe::default()
    };
    Trainer::new(model, &recipe, 10, 0, &device)
}

/// Examples of different lengths, all padded alike: a batch of some is a part of the batch of all.
fn examples(which: std::ops::Range<usize>, device: &Device) -> Batch {
    let (mut ids, mut types, mut mask, mut labels) = (vec![], vec![], vec![], vec![]);
    for example in which.clone() {
        for column in 0..LENGTH {
            let is_token = column + example % 4 < LENGTH;
            ids.push(if is_token {
                (5 + 31 * example + 7 * column) % 233
            } else {
                0
            } as i64);
            types.push(0);
            mask.push(i64::from(is_token));
        }
        labels.push((example % 2) as i64);
    }
    let [padded, _] = FILLINGS;
    let shape = [which.len(), LENGTH];
    batch(shape, ids, types, &mask, labels, padded, device)
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |x: f32| f64::from(x).powi(2);
    let apart: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    let length: f64 = b.iter().copied().map(square).sum();
    (apart / length).sqrt()
}

#[test]
fn the_gradient_of_small_batches_is_that_of_their_examples_together() {
    let trainer = trainer().without_dropout();
    let device = trainer.device();
    // Of different sizes: a mean over batches would be wrong.
    let parts = vec![
        examples(0..4, device),
        examples(4..6, device),
        examples(6..7, device),
    ];
    let (loss, ours) = trainer.accumulated_gradients(parts);
    let (expected, theirs) = trainer.gradients(examples(0..7, device));
    assert!(
        (loss / expected - 1.0).abs() < TOLERANCE,
        "{loss} {expected}"
    );

    let model = trainer.model();
    let ours = parameters::gradients(&model, &ours);
    let theirs = parameters::gradients(&model, &theirs);
    assert_eq!(ours.len(), theirs.len());
    for (name, ours) in &ours {
        // Softmax does not see a shift of all keys: this gradient is rounding.
        if !name.ends_with("key.bias") {
            let apart = distance(ours, &theirs[name]);
            assert!(apart < TOLERANCE, "{name}: {apart:e}");
        }
    }
}

#[test]
fn a_step_on_small_batches_is_the_step_on_one_large_one() {
    let (mut small, mut large) = (trainer().without_dropout(), trainer().without_dropout());
    for step in 0..3 {
        let from = 8 * step;
        let parts = [from..from + 3, from + 3..from + 6, from + 6..from + 8]
            .map(|part| examples(part, small.device()));
        let ours = small.accumulated_step(parts.into()).expect("a finite loss");
        let whole = examples(from..from + 8, large.device());
        let theirs = large.step(whole).expect("a finite loss");
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
    let trainer = trainer();
    let twice = || {
        vec![
            examples(0..4, trainer.device()),
            examples(0..4, trainer.device()),
        ]
    };
    let (once, _) = trainer.gradients(examples(0..4, trainer.device()));
    let (mean, _) = trainer.accumulated_gradients(twice());
    assert_ne!(mean, once);
    let (again, _) = trainer.accumulated_gradients(twice());
    assert_eq!(mean, again, "and the same ones again");
}
