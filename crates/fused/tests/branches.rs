//! Branches are the tensor itself, and their gradients are added in the order of their numbers.

mod reference;

use burn::tensor::{FloatDType, Tensor};
use fused::branches;
use reference::{constant, leaf, values};

/// Sizes of no element, of less than a vector, and of one task and several.
const COUNTS: [usize; 5] = [0, 1, 17, 16 * 1024, 40_003];

/// Factors of branch `number`, of another magnitude for every branch, so that each order of additions rounds in its own way.
fn factors(number: usize, count: usize) -> Tensor<1> {
    constant::<1>(number as u64 + 10, [count]) * [1.0, 3e3, 7e-3, 11.0, 5e2][number]
}

/// The gradient of `x` where only some of `N` branches are used, in this order.
fn gradient<const N: usize>(count: usize, used: &[usize]) -> Vec<f32> {
    let x = leaf::<1>(1, [count]);
    let all: [Tensor<1>; N] = branches(x.clone());
    let products = used
        .iter()
        .map(|&number| (all[number].clone() * factors(number, count)).sum());
    let loss = products.reduce(|sum, product| sum + product);
    let grads = loss.expect("some are used").backward();
    values(x.grad(&grads).expect("a leaf"))
}

/// The factors of some branches, added one by one.
fn added(count: usize, numbers: &[usize]) -> Vec<f32> {
    let terms = numbers.iter().map(|&number| values(factors(number, count)));
    let sum = terms.reduce(|sum, term| sum.iter().zip(term).map(|(a, b)| a + b).collect());
    sum.expect("some are used")
}

#[test]
fn gradients_are_added_in_the_order_of_the_branches_whatever_uses_them_first() {
    for count in COUNTS {
        let expected = added(count, &[0, 1, 2, 3, 4]);
        for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]] {
            assert_eq!(gradient::<5>(count, &order), expected, "{count} {order:?}");
        }
    }
    // Otherwise the order would not have been seen.
    assert_ne!(added(40_003, &[0, 1, 2]), added(40_003, &[1, 2, 0]));
}

#[test]
fn a_branch_that_nothing_uses_adds_nothing() {
    for used in [&[0][..], &[3], &[1, 2], &[0, 3], &[0, 1, 3]] {
        assert_eq!(gradient::<4>(1000, used), added(1000, used), "{used:?}");
    }
}

#[test]
fn gradients_that_come_late_and_early_meet() {
    let count = 1000;
    let x = leaf::<1>(1, [count]);
    let [near, far] = branches(x.clone());
    let far = (0..5).fold(far, |far, _| far * 2.0);
    let loss = (near * factors(0, count)).sum() + (far * factors(1, count)).sum();
    let grads = loss.backward();
    let expected = values(factors(0, count) + factors(1, count) * 32.0);
    assert_eq!(values(x.grad(&grads).expect("a leaf")), expected);
}

#[test]
fn branches_of_branches_and_of_a_leaf_have_gradients() {
    let count = 1000;
    let x = leaf::<1>(1, [count]);
    let [first, rest] = branches(x.clone());
    let [second, third] = branches(rest);
    let parts = [first, second, third].into_iter().enumerate();
    let parts = parts.map(|(number, part)| (part * factors(number, count)).sum());
    let loss = parts.reduce(|sum, part| sum + part).expect("three");
    let grads = (loss + (x.clone() * 0.0).sum()).backward();
    let [first, second, third] = [0, 1, 2].map(|number| factors(number, count));
    let expected = values(first + (second + third));
    assert_eq!(values(x.grad(&grads).expect("a leaf")), expected);
}

#[test]
fn gradients_that_share_memory_or_are_transposed_are_added() {
    let x = leaf::<2>(1, [30, 40]);
    let [one, other] = branches(x.clone());
    let weight = constant::<2>(2, [40, 30]);
    // Both operands of a sum get the gradient itself.
    let loss = (one.clone() + one).sum() + (other.transpose() * weight.clone()).sum();
    let grads = loss.backward();
    let expected = values(weight.transpose() + 2.0);
    assert_eq!(values(x.grad(&grads).expect("a leaf")), expected);
}

#[test]
fn without_gradients_branches_are_the_tensor() {
    let x = constant::<1>(1, [100]);
    for x in [x.clone(), x.inner()] {
        let all: [Tensor<1>; 3] = branches(x.clone());
        for branch in all {
            assert_eq!(values(branch), values(x.clone()));
        }
    }
}

#[test]
fn half_precision_is_added_as_burn_adds_it() {
    for dtype in [FloatDType::F16, FloatDType::BF16] {
        let x = leaf::<1>(1, [1000]);
        let [first, second, third] = branches(x.clone().cast(dtype));
        let half = |number| constant::<1>(number, [1000]).cast(dtype);
        let loss = (first * half(1)).sum() + (second * half(2)).sum() + (third * half(3)).sum();
        let grads = loss.cast(FloatDType::F32).backward();
        let expected = (half(1) + half(2) + half(3)).cast(FloatDType::F32);
        let got = values(x.grad(&grads).expect("a leaf"));
        assert_eq!(got, values(expected), "{dtype:?}");
    }
}
