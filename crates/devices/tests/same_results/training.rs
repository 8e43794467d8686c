//! Forward, backward and the optimizer, with dropout.

use burn::tensor::Device;
use encoders::Dropouts;

use crate::closeness::{assert_all_close, distance};
use crate::parameters;
use crate::world::{batch, input, model, trainer, turn};

// The same formulas in f32, summed in a different order. Two layers of width 24 lose about one digit of seven.

/// Of the logits, relative to their norm.
const LOGITS: f64 = 2e-5;
/// Of the loss, relative.
const LOSS: f64 = 2e-5;
/// Of the gradient of each parameter, relative to its norm.
const GRADIENT: f64 = 1e-4;
/// Of the update of each parameter over ten steps, relative to its norm. AdamW divides by the root of the
/// second moment, so an element whose gradient is near 0 moves by its rounding error.
const UPDATE: f64 = 5e-3;

pub(crate) fn logits_are_the_same(name: &str) {
    let turn = turn(name);
    let on = |device: &Device| -> Vec<f32> {
        let mut dropouts = Dropouts::keyed(7, 0);
        let logits = model(device).forward(input(0, device), &mut dropouts);
        logits.into_data().try_to_vec().expect("f32 elements")
    };
    let apart = distance(&on(&turn.device), &on(&Device::flex()), |_| 0.0);
    println!("logits: {apart:.1e}");
    assert!(apart <= LOGITS, "{apart:e}, accepted {LOGITS:e}");
}

pub(crate) fn loss_and_gradients_are_the_same(name: &str) {
    let turn = turn(name);
    let on = |device: &Device| {
        let mut trainer = trainer(device);
        let (loss, gradients) = trainer.gradients(vec![batch(0, trainer.device())]);
        (loss, parameters::gradients(&trainer.model(), &gradients))
    };
    let (loss, ours) = on(&turn.device);
    let (expected, theirs) = on(&Device::flex());
    assert_losses(&[loss], &[expected]);
    assert_all_close("gradients", &ours, &theirs, |_, _| 0.0, GRADIENT);
}

pub(crate) fn ten_steps_are_the_same(name: &str) {
    let turn = turn(name);
    let on = |device: &Device| {
        let mut trainer = trainer(device);
        let start = parameters::values(&trainer.model());
        let losses: Vec<f64> = (0..10)
            .map(|step| {
                let batch = batch(step, trainer.device());
                trainer.step(vec![batch]).expect("a finite loss").loss
            })
            .collect();
        (losses, start, parameters::values(&trainer.model()))
    };
    let (losses, _, ours) = on(&turn.device);
    let (expected, start, theirs) = on(&Device::flex());
    assert_losses(&losses, &expected);
    assert_all_close("updates", &ours, &theirs, |name, i| start[name][i], UPDATE);
}

#[track_caller]
fn assert_losses(ours: &[f64], theirs: &[f64]) {
    let apart = ours.iter().zip(theirs).map(|(a, b)| (a / b - 1.0).abs());
    let worst = apart.fold(0.0, f64::max);
    println!("losses: {worst:.1e} at most");
    assert!(worst <= LOSS, "{ours:?} against {theirs:?}: {worst:e}");
}
