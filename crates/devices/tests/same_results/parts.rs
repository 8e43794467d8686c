//! Parts of the last dimension, and what is projected side by side.

use burn::tensor::{Device, Tensor};

use crate::values::{assert_close, leaf, read};
use crate::world::turn;

/// Rows and width of a part: fewer and more elements than the units of a cube.
const SIZES: [[usize; 2]; 3] = [[1, 1], [7, 5], [129, 40]];
/// Relative where the numbers are above 1: single precision, products of some ten terms of order 1 in two orders, multiplied with
/// each other.
const ROUNDING: f64 = 1e-3;

pub(crate) fn parts_and_their_gradients_are_the_same(name: &str) {
    let turn = turn(name);
    for [rows, width] in SIZES {
        let on = |device: &Device| {
            let device = &device.clone().autodiff();
            let x = leaf::<3>(1, [rows, 1, 4 * width], device);
            let [first, second, third, fourth] = fused::parts(x.clone());
            let all = [first.clone(), second.clone(), third.clone(), fourth.clone()].map(read);
            let product = (first * second * third * fourth).sum().backward();
            // A kernel puts all parts together; with one missing, Burn does.
            let [_, second, third, _] = fused::parts(x.clone());
            let of_two = (second * third).sum().backward();
            let mut all = all.to_vec();
            all.extend(
                [product, of_two].map(|gradients| read(x.grad(&gradients).expect("a leaf"))),
            );
            all
        };
        let what = format!("{rows} rows of {width}");
        // Nothing but products of three numbers.
        assert_close(&what, 1e-6, &on(&turn.device), &on(&Device::flex()));
    }
}

pub(crate) fn projections_are_the_same_in_value_and_gradients(name: &str) {
    let turn = turn(name);
    let [rows, inputs, outputs] = [33, 12, 16];
    let on = |device: &Device| {
        let device = &device.clone().autodiff();
        let x = leaf::<3>(1, [1, rows, inputs], device);
        let weights = [2, 3, 4].map(|salt| leaf::<2>(salt, [inputs, outputs], device));
        let biases = [5, 6, 7].map(|salt| leaf::<1>(salt, [outputs], device));
        let projected = fused::projections(x.clone(), weights.clone(), biases.clone());
        let mut all = projected.clone().map(read).to_vec();
        let upstream = [8, 9, 10].map(|salt| leaf::<3>(salt, [1, rows, outputs], device).detach());
        let [first, second, third] = projected;
        let [of_first, of_second, of_third] = upstream;
        let loss: Tensor<3> = first * of_first + second * of_second + third * of_third;
        let gradients = loss.sum().backward();
        all.push(read(x.grad(&gradients).expect("a leaf")));
        all.extend(weights.map(|weight| read(weight.grad(&gradients).expect("a leaf"))));
        all.extend(biases.map(|bias| read(bias.grad(&gradients).expect("a leaf"))));
        all
    };
    let ours = on(&turn.device);
    assert_close("projections", ROUNDING, &ours, &on(&Device::flex()));
    assert!(ours == on(&turn.device), "the same bits again");
}
