//! Several affine maps of one tensor against one after the other.

mod reference;

use burn::tensor::{FloatDType, Tensor};
use fused::{linear, projections};
use reference::{Leaves, ROUNDING, assert_same, constant, device, leaf, values};

/// Rows, inputs, outputs of each: one, odd, not multiples of any vector, larger than one block.
const SIZES: [[usize; 3]; 4] = [[1, 1, 1], [3, 5, 7], [33, 17, 1], [130, 64, 96]];

/// The product of all results, so that every element has a gradient of its own.
fn product<const N: usize, const D: usize>(all: [Tensor<D>; N]) -> Tensor<D> {
    let product = all.into_iter().reduce(|product, one| product * one);
    product.expect("some projections")
}

#[track_caller]
fn compare<const N: usize>([rows, inputs, outputs]: [usize; 3]) {
    let shapes: [&[usize]; 3] = [&[rows, 1, inputs], &[N, inputs, outputs], &[N, outputs]];
    let weight = |x: &Leaves, number| x.get::<3>(1).narrow(0, number, 1).squeeze_dim::<2>(0);
    let bias = |x: &Leaves, number| x.get::<2>(2).narrow(0, number, 1).squeeze_dim::<1>(0);
    assert_same::<3>(
        &format!("{N} projections {rows}x{inputs}x{outputs}"),
        |x| {
            let weights = std::array::from_fn::<_, N, _>(|number| weight(x, number));
            let biases = std::array::from_fn(|number| bias(x, number));
            product(projections(x.get::<3>(0), weights, biases))
        },
        |x| {
            let one = |number| linear(x.get::<3>(0), weight(x, number), bias(x, number));
            product(std::array::from_fn::<_, N, _>(one))
        },
        &shapes,
        // Products of up to three results, each of up to 64 terms.
        100.0 * ROUNDING,
    );
}

#[test]
fn projections_equal_linear_in_value_and_gradients() {
    for size in SIZES {
        compare::<2>(size);
        compare::<3>(size);
    }
}

#[test]
fn a_projection_that_nothing_uses_and_a_weight_that_is_frozen_take_no_part() {
    let x = leaf::<2>(1, [3, 4]);
    let weights = [leaf::<2>(2, [4, 5]), constant(3, [4, 5]), leaf(4, [4, 5])];
    let biases = [5, 6, 7].map(|seed| leaf::<1>(seed, [5]));
    let [first, second, _] = projections(x, weights.clone(), biases.clone());
    let grads = (first.sum() + second.sum()).backward();
    assert!(weights[0].grad(&grads).is_some());
    assert!(weights[1].grad(&grads).is_none());
    for unused in [
        weights[2].grad(&grads).map(values),
        biases[2].grad(&grads).map(values),
    ] {
        let unused = unused.expect("it lies beside what takes part");
        assert!(unused.iter().all(|&gradient| gradient == 0.0));
    }
    assert_eq!(values(biases[1].grad(&grads).expect("a leaf")), [3.0; 5]);
}

#[test]
fn without_trained_parameters_x_has_the_same_gradient() {
    let gradient = |weights: [Tensor<2>; 2], biases: [Tensor<1>; 2]| {
        let x = leaf::<2>(1, [3, 4]);
        let grads = product(projections(x.clone(), weights, biases))
            .sum()
            .backward();
        values(x.grad(&grads).expect("a leaf"))
    };
    let trained = gradient(
        [2, 3].map(|seed| leaf(seed, [4, 5])),
        [4, 5].map(|seed| leaf(seed, [5])),
    );
    let frozen = gradient(
        [2, 3].map(|seed| constant(seed, [4, 5])),
        [4, 5].map(|seed| constant(seed, [5])),
    );
    assert_eq!(trained, frozen);
}

#[test]
fn without_gradients_nothing_is_recorded() {
    let weights = [2, 3].map(|seed| constant::<2>(seed, [4, 5]));
    let biases = [4, 5].map(|seed| constant::<1>(seed, [5]));
    let all = projections(constant::<2>(1, [3, 4]), weights.clone(), biases.clone());
    for ((got, weight), bias) in all.into_iter().zip(weights).zip(biases) {
        assert!(!got.is_require_grad());
        let expected = linear(constant::<2>(1, [3, 4]), weight, bias);
        assert_eq!(values(got), values(expected));
    }
}

#[test]
fn projections_in_half_precision_are_linear_too() {
    for dtype in [FloatDType::F16, FloatDType::BF16] {
        let x = constant::<2>(1, [3, 4]).cast(dtype);
        let weights = [2, 3].map(|seed| constant::<2>(seed, [4, 5]).cast(dtype));
        let biases = [4, 5].map(|seed| constant::<1>(seed, [5]).cast(dtype));
        let all = projections(x.clone(), weights.clone(), biases.clone());
        for ((got, weight), bias) in all.into_iter().zip(weights).zip(biases) {
            assert_eq!(FloatDType::from(got.dtype()), dtype);
            assert_eq!(values(got), values(linear(x.clone(), weight, bias)));
        }
    }
}

#[test]
#[should_panic(expected = "projections: weights")]
fn weights_of_two_shapes_are_refused() {
    let weights = [[4, 5], [4, 6]].map(|shape| Tensor::zeros(shape, &device()));
    let biases = [5, 6].map(|outputs| Tensor::zeros([outputs], &device()));
    let _ = projections(Tensor::<2>::zeros([1, 4], &device()), weights, biases);
}

#[test]
#[should_panic(expected = "projections: bias")]
fn a_bias_of_another_width_is_refused() {
    let weights = [(), ()].map(|()| Tensor::zeros([4, 5], &device()));
    let biases = [5, 6].map(|outputs| Tensor::zeros([outputs], &device()));
    let _ = projections(Tensor::<2>::zeros([1, 4], &device()), weights, biases);
}
