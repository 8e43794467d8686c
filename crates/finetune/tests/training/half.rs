//! Training in half precision.

use std::collections::BTreeMap;

use burn::tensor::Device;
use encoders::Classifier;
use finetune::batch::Filling;
use finetune::methods::{self, Start};
use finetune::trainer::{Step, Trainer};
use study::{Method, Precision, Recipe};
use training::StepperState;

use crate::closeness::assert_all_close;
use crate::examples::{examples, loud_model, model};
use crate::parameters::{self, Named};
use crate::reference::FILLINGS;

/// Each precision with how far a gradient may be from that in single precision, relative to its length: some twenty
/// roundings on the way to the embeddings, each by half a unit in the last of 8 or 11 bits.
const HALVES: [(Precision, f64); 2] = [(Precision::Bf16, 4e-2), (Precision::F16, 5e-3)];

fn trainer(precision: Precision) -> Trainer {
    trainer_of(model(), precision)
}

fn recipe(precision: Precision) -> Recipe {
    Recipe {
        learning_rate: 1e-3,
        precision,
        ..Recipe::default()
    }
}

fn trainer_of(model: Classifier, precision: Precision) -> Trainer {
    Trainer::new(model, &recipe(precision), 100, 0, &Device::flex()).expect("a recipe in range")
}

/// Loss and gradients of one batch, the latter without the loss scale.
fn gradients(precision: Precision, filling: Filling) -> (f64, Named) {
    let mut trainer = trainer(precision);
    let (loss, gradients) = trainer.gradients(vec![examples(0..7, filling, trainer.device())]);
    let scale = trainer.loss_scale().value() as f32;
    let mut named = parameters::gradients(&trainer.model(), &gradients);
    for value in named.values_mut().flatten() {
        *value /= scale;
    }
    (loss, named)
}

#[test]
fn loss_and_gradients_are_near_those_of_single_precision() {
    for filling in FILLINGS {
        let (expected, theirs) = gradients(Precision::F32, filling);
        for (precision, tolerance) in HALVES {
            let (loss, ours) = gradients(precision, filling);
            assert_ne!(loss, expected, "{precision:?} is not single precision");
            assert!(
                (loss / expected - 1.0).abs() < tolerance,
                "{loss} {expected}"
            );
            let what = format!("gradients in {precision:?}");
            assert_all_close(&what, &ours, &theirs, |_, _| 0.0, tolerance);
        }
    }
}

#[test]
fn ten_steps_stay_near_single_precision_and_parameters_stay_single() {
    let losses = |precision| -> Vec<f64> {
        let mut trainer = trainer(precision);
        let steps = (0..10).map(|step| {
            let batch = examples(8 * step..8 * step + 8, FILLINGS[0], trainer.device());
            let step = trainer.step(vec![batch]).expect("a finite loss");
            assert!(!step.is_skipped);
            step.loss
        });
        let losses = steps.collect();
        // Reading them as f32 fails for any other type.
        parameters::values(&trainer.model());
        losses
    };
    let expected = losses(Precision::F32);
    for (precision, tolerance) in HALVES {
        for (ours, theirs) in losses(precision).iter().zip(&expected) {
            assert!(
                (ours / theirs - 1.0).abs() < tolerance,
                "{precision:?}: {ours} {theirs}"
            );
        }
    }
}

fn loud(precision: Precision) -> Trainer {
    trainer_of(loud_model(), precision).without_dropout()
}

fn step(trainer: &mut Trainer) -> Step {
    let batch = examples(0..8, FILLINGS[0], trainer.device());
    trainer
        .step(vec![batch])
        .expect("the loss itself is finite")
}

#[test]
fn a_step_whose_gradients_overflow_is_skipped_and_the_scale_halved_until_they_do_not() {
    let mut trainer = loud(Precision::F16);
    let start = parameters::values(&trainer.model());
    let mut scales = vec![trainer.loss_scale().value()];
    let taken = loop {
        let step = step(&mut trainer);
        if !step.is_skipped {
            break step;
        }
        assert!(parameters::values(&trainer.model()) == start);
        scales.push(trainer.loss_scale().value());
        assert!(scales.len() < 20, "{scales:?}");
    };
    assert!(scales.len() > 1, "nothing overflowed");
    assert!(scales.windows(2).all(|pair| pair[1] == pair[0] / 2.0));
    // The very first step has a learning rate of 0.
    step(&mut trainer);
    assert!(parameters::values(&trainer.model()) != start);

    let expected = step(&mut loud(Precision::F32));
    // Skipped steps are counted, and the schedule waits for them.
    assert_eq!(taken.index, scales.len() - 1);
    assert_eq!(taken.learning_rate, expected.learning_rate);
    // The norm is that of the unscaled gradients.
    let apart = (taken.gradient_norm / expected.gradient_norm - 1.0).abs();
    assert!(apart < 1e-2, "{taken:?} {expected:?}");
}

#[test]
fn a_step_whose_adversary_overflows_is_skipped_too() {
    let model = loud_model();
    let set = [
        ("smart.sigma".to_owned(), 0.1),
        ("smart.epsilon".to_owned(), 1.0),
    ];
    let companion = methods::companion(
        Method::SmartAdversarial,
        &Start {
            model: &model,
            fresh: &[],
            recipe: &recipe(Precision::F16),
            hyperparameters: &Method::SmartAdversarial.numbers(&BTreeMap::from(set)),
            steps: 100,
            seed: 5,
        },
    );
    let mut trainer =
        trainer_of(model, Precision::F16).with_companion(companion.expect("the method applies"));
    let mut skipped = 0;
    while step(&mut trainer).is_skipped {
        skipped += 1;
        assert!(skipped < 20);
    }
    assert!(skipped > 0, "nothing overflowed");
}

#[test]
fn a_stored_state_continues_with_the_halved_scale_and_the_place_in_the_schedule() {
    let mut trainer = loud(Precision::F16);
    let initial = trainer.loss_scale().value();
    while step(&mut trainer).is_skipped {}
    assert!(trainer.loss_scale().value() < initial, "nothing overflowed");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let counters = trainer.write(folder.path()).expect("it is written");
    assert_eq!(counters.steps, counters.skipped + 1);
    let state = StepperState::read(folder.path(), counters, trainer.model());
    let state = state.expect("it is read");
    let mut continued = loud(Precision::F16).continued(state);
    assert_eq!(continued.loss_scale(), trainer.loss_scale());
    for _ in 0..3 {
        let (ours, theirs) = (step(&mut continued), step(&mut trainer));
        assert!(theirs.learning_rate > 0.0);
        assert_eq!(ours, theirs);
    }
    assert!(parameters::values(&continued.model()) == parameters::values(&trainer.model()));
}
