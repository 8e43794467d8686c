//! Casts of many tensors at once.

use burn::tensor::{Device, FloatDType, Tensor};
use fused::Casts;

use crate::values::{leaf, read};
use crate::world::turn;

/// More than are cast back together, with fewer and more elements than the units of a cube.
const TENSORS: usize = 40;
/// More than one kernel takes.
const CONSTANTS: usize = 140;

pub(crate) fn casts_and_their_gradients_are_the_same(name: &str) {
    let turn = turn(name);
    let halves = [FloatDType::F16, FloatDType::BF16];
    let halves = halves
        .into_iter()
        .filter(|half| turn.device.supports_dtype(*half));
    for dtype in halves.chain([FloatDType::F32]) {
        let on = |device: &Device| {
            let device = &device.clone().autodiff();
            let leaves = (0..TENSORS).map(|i| leaf::<2>(i, [1 + i % 4, 1 + i * i % 301], device));
            let leaves: Vec<Tensor<2>> = leaves.collect();
            let mut casts = Casts::default();
            leaves.iter().for_each(|x| casts.add(x.clone()));
            let mut casted = casts.take(dtype);
            let cast = leaves.iter().map(|_| casted.hand_back().expect("as many"));
            let cast: Vec<Tensor<2>> = cast.collect();
            let squares = cast
                .iter()
                .map(|x| (x.clone() * x.clone()).cast(FloatDType::F32).sum());
            let gradients = squares.reduce(|a, b| a + b).expect("some").backward();
            let gradients = leaves
                .iter()
                .map(|x| read(x.grad(&gradients).expect("a leaf")));
            let transposed = (0..CONSTANTS).map(|i| {
                let x = leaf::<2>(i, [1 + i % 5, 1 + i % 7], device).inner();
                if i % 2 == 0 { x.transpose() } else { x }
            });
            let mut casts = Casts::default();
            transposed.for_each(|x| casts.add(x));
            let mut casted = casts.take(dtype);
            let constants = std::iter::from_fn(|| casted.hand_back::<2>());
            let constants = constants.map(|x| read(x.cast(FloatDType::F32)));
            let constants: Vec<_> = constants.collect();
            assert_eq!(constants.len(), CONSTANTS);
            let values = cast.iter().map(|x| read(x.clone().cast(FloatDType::F32)));
            values.chain(gradients).chain(constants).collect::<Vec<_>>()
        };
        // Rounding to half precision, and products of two numbers of it, have one result.
        assert!(on(&turn.device) == on(&Device::flex()), "{dtype:?}");
    }
}
