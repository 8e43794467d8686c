//! GELU.

use burn::tensor::{Device, Tensor};

use crate::world::turn;

/// The error functions of both devices, each up to 2e-7 off.
const ROUNDING: f32 = 2e-6;

pub(crate) fn the_gradient_of_gelu_is_the_same(name: &str) {
    let turn = turn(name);
    let mut values: Vec<f32> = (-1000..=1000).map(|i| i as f32 / 100.0).collect();
    values.extend([-0.0, 1e-30, -100.0, 100.0, f32::NAN]);
    let on = |device: &Device| -> Vec<f32> {
        let x = Tensor::<1>::from_floats(&values[..], &device.clone().autodiff()).require_grad();
        let gradients = (fused::gelu(x.clone()) * 3.0).sum().backward();
        let gradient = x.grad(&gradients).expect("x takes part");
        gradient.into_data().try_to_vec().expect("f32 elements")
    };
    let (ours, theirs) = (on(&turn.device), on(&Device::flex()));
    assert_eq!(ours.len(), theirs.len());
    for ((&x, &ours), &theirs) in values.iter().zip(&ours).zip(&theirs) {
        let is_same = ours.is_nan() && theirs.is_nan();
        let apart = (ours - theirs).abs();
        assert!(
            is_same || apart <= ROUNDING * theirs.abs().max(1.0),
            "{x}: {ours}, expected {theirs}"
        );
    }
}
