//! Cross-entropy.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::values::{assert_close, leaf, read};
use crate::world::turn;

/// Relative where the numbers are above 1: the exponential and the logarithm of two devices.
const ROUNDING: f64 = 5e-6;
/// Rows and classes: fewer and more than the units of a cube.
const SIZES: [[usize; 2]; 6] = [[1, 1], [1, 2], [32, 2], [300, 3], [5, 255], [3, 1000]];

/// The loss and the gradient of logits to which `change` is added.
fn loss_and_gradient(
    [rows, classes]: [usize; 2],
    change: &[(usize, f32)],
    device: &Device,
) -> Vec<Vec<f32>> {
    let device = &device.clone().autodiff();
    let logits = leaf::<2>(5, [rows, classes], device);
    let mut values = vec![0.0; rows * classes];
    for &(at, value) in change {
        values[at] = value;
    }
    let change = TensorData::new(values, [rows, classes]);
    let changed = logits.clone() * 4.0 + Tensor::from_data(change, device);
    let targets: Vec<i64> = (0..rows)
        .map(|row| ((row * 7 + 1) % classes) as i64)
        .collect();
    let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [rows]), device);
    let loss = fused::cross_entropy(changed, targets);
    let gradients = (loss.clone() * 3.0).sum().backward();
    vec![
        read(loss),
        read(logits.grad(&gradients).expect("they take part")),
    ]
}

pub(crate) fn cross_entropy_is_the_same_in_value_and_gradient(name: &str) {
    let turn = turn(name);
    for size in SIZES {
        // A score far above the others.
        for change in [&[][..], &[(0, 500.0)]] {
            let on = |device: &Device| loss_and_gradient(size, change, device);
            let ours = on(&turn.device);
            assert_close(&format!("{size:?}"), ROUNDING, &ours, &on(&Device::flex()));
            assert!(ours == on(&turn.device), "{size:?}: the same bits again");
        }
    }
}

pub(crate) fn logits_that_are_not_finite_are_seen_in_the_loss(name: &str) {
    let turn = turn(name);
    let (rows, classes) = (4, 3);
    for special in [f32::NAN, f32::INFINITY] {
        let on =
            |device: &Device| loss_and_gradient([rows, classes], &[(classes + 1, special)], device);
        let ours = on(&turn.device);
        assert_close(&format!("{special}"), ROUNDING, &ours, &on(&Device::flex()));
        assert!(ours[0][0].is_nan(), "{special}: the loss is {}", ours[0][0]);
        for (at, gradient) in ours[1].iter().enumerate() {
            assert_eq!(
                gradient.is_nan(),
                at / classes == 1,
                "{special}, element {at}"
            );
        }
    }
}
