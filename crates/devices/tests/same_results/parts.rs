//! Parts of the last dimension, and what is projected side by side.

use burn::tensor::{Device, Tensor};

use crate::values::{assert_close, leaf, read};
use crate::world::turn;

/// Batch, sequence, inputs, heads and width of a head: of one head, of one sequence, of rows that cubes share unevenly.
const PROJECTED: [[usize; 5]; 3] = [[1, 33, 12, 1, 16], [4, 1, 12, 4, 4], [3, 11, 12, 2, 8]];

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
    for size @ [batch, sequence, inputs, heads, d] in PROJECTED {
        let outputs = heads * d;
        let by_head = |device: &Device| {
            let project =
                |x, weights, biases| fused::projections_by_head(x, weights, biases, heads);
            projected([batch, sequence, inputs, outputs], project, device)
        };
        let side_by_side = |device: &Device| {
            let project = fused::projections::<3, 3>;
            projected([batch, sequence, inputs, outputs], project, device)
        };
        let ours = by_head(&turn.device);
        assert_close(
            &format!("{size:?} by head"),
            ROUNDING,
            &ours,
            &by_head(&Device::flex()),
        );
        assert!(
            ours == by_head(&turn.device),
            "{size:?}: the same bits again"
        );
        let two = |device: &Device| of_two(size, device);
        assert_close(
            &format!("{size:?}, two"),
            ROUNDING,
            &two(&turn.device),
            &two(&Device::flex()),
        );
        let ours = side_by_side(&turn.device);
        assert_close(
            &format!("{size:?}"),
            ROUNDING,
            &ours,
            &side_by_side(&Device::flex()),
        );
        assert!(
            ours == side_by_side(&turn.device),
            "{size:?}: the same bits again"
        );
    }
}

/// Two projections by head, and the gradients of `x` and of one weight from both of them and from the second alone.
fn of_two([batch, sequence, inputs, heads, d]: [usize; 5], device: &Device) -> Vec<Vec<f32>> {
    let device = &device.clone().autodiff();
    let x = leaf::<3>(1, [batch, sequence, inputs], device);
    let weights = [2, 3].map(|salt| leaf::<2>(salt, [inputs, heads * d], device));
    let biases = [5, 6].map(|salt| leaf::<1>(salt, [heads * d], device));
    let project = || fused::projections_by_head(x.clone(), weights.clone(), biases.clone(), heads);
    let upstream = leaf::<4>(8, [batch, heads, sequence, d], device).detach();
    let [first, second] = project();
    let mut all = vec![read(first.clone()), read(second.clone())];
    let [_, alone] = project();
    let losses = [
        first * upstream.clone() - second * upstream.clone() * 2.0,
        alone * upstream,
    ];
    for loss in losses {
        let gradients = loss.sum().backward();
        all.push(read(x.grad(&gradients).expect("a leaf")));
        all.push(read(weights[1].grad(&gradients).expect("a leaf")));
    }
    all
}

/// Three projections of `x`, and the gradients of everything where parameters are trained, then of `x` where they are not.
fn projected<const D: usize>(
    [batch, sequence, inputs, outputs]: [usize; 4],
    project: impl Fn(Tensor<3>, [Tensor<2>; 3], [Tensor<1>; 3]) -> [Tensor<D>; 3],
    device: &Device,
) -> Vec<Vec<f32>> {
    let device = &device.clone().autodiff();
    let x = leaf::<3>(1, [batch, sequence, inputs], device);
    let weights = [2, 3, 4].map(|salt| leaf::<2>(salt, [inputs, outputs], device));
    let biases = [5, 6, 7].map(|salt| leaf::<1>(salt, [outputs], device));
    let loss = |all: [Tensor<D>; 3]| {
        let upstream = [8, 9, 10].into_iter().zip(all);
        let terms = upstream.map(|(salt, one)| {
            let weight = leaf::<D>(salt, one.dims(), device).detach();
            (one * weight).sum()
        });
        terms.reduce(|sum, term| sum + term).expect("three terms")
    };
    let results = project(x.clone(), weights.clone(), biases.clone());
    let mut all = results.clone().map(read).to_vec();
    let gradients = loss(results).backward();
    all.push(read(x.grad(&gradients).expect("a leaf")));
    all.extend(
        weights
            .clone()
            .map(|weight| read(weight.grad(&gradients).expect("a leaf"))),
    );
    all.extend(
        biases
            .clone()
            .map(|bias| read(bias.grad(&gradients).expect("a leaf"))),
    );
    let frozen = project(x.clone(), weights.map(constant), biases.map(constant));
    all.push(read(x.grad(&loss(frozen).backward()).expect("a leaf")));
    all
}

/// A leaf that asks for no gradient: detached, it still would.
fn constant<const D: usize>(leaf: Tensor<D>) -> Tensor<D> {
    leaf.detach().set_require_grad(false)
}
