//! Inputs of single operations, and the comparison of their results.

use burn::tensor::{Device, Tensor, TensorData};

/// Numbers between -2 and 2 that look random, and other ones for each salt.
pub(crate) fn leaf<const D: usize>(salt: usize, shape: [usize; D], device: &Device) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let value = |i: usize| ((i * 7919 + salt * 104_729 + i * i * 31) % 2003) as f32 / 500.0 - 2.0;
    let values = (0..count).map(value).collect::<Vec<f32>>();
    Tensor::from_data(TensorData::new(values, shape), device).require_grad()
}

pub(crate) fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("f32 elements")
}

/// `rounding` is relative where the numbers are above 1.
#[track_caller]
pub(crate) fn assert_close(what: &str, rounding: f64, ours: &[Vec<f32>], theirs: &[Vec<f32>]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(ours.len(), theirs.len(), "{what}, output {index}");
        for (at, (&ours, &theirs)) in ours.iter().zip(theirs).enumerate() {
            let (ours, theirs) = (f64::from(ours), f64::from(theirs));
            let is_same = ours == theirs || ours.is_nan() && theirs.is_nan();
            assert!(
                is_same || (ours - theirs).abs() <= rounding * theirs.abs().max(1.0),
                "{what}, output {index}, element {at}: {ours:e}, expected {theirs:e}"
            );
        }
    }
}
