//! Dropout masks are a function of their key, on every backend.

use burn::tensor::{Device, Tensor};
use fused::{Dropout, DropoutKey};

use crate::world::turn;

pub(crate) fn dropout_drops_the_same_elements(name: &str) {
    let turn = turn(name);
    let key = DropoutKey {
        seed: 11,
        step: 5,
        site: 2,
    };
    // More than one block of the keystream, and a rest that fills none.
    let shape = [3, 1000];
    let on = |device: &Device| -> Vec<f32> {
        let dropout = Dropout::new(0.1, key).expect("a probability");
        let ones = Tensor::<2>::ones(shape, device);
        let dropped = fused::dropout(ones, dropout);
        dropped.into_data().try_to_vec().expect("f32 elements")
    };
    let (ours, theirs) = (on(&turn.device), on(&Device::flex()));
    // Multiplied by one: not even rounding may differ.
    assert_eq!(ours, theirs);
    assert!(theirs.iter().filter(|x| **x == 0.0).count() > 200);
}
