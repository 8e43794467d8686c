//! Parts are slices, and so are their gradients.

mod reference;

use burn::tensor::{FloatDType, Tensor};
use fused::parts;
use reference::{assert_same, constant, leaf, values};

/// The product of all parts and slices, so that every element has a gradient of its own.
#[track_caller]
fn compare<const N: usize>(shape: [usize; 3]) {
    let width = shape[2] / N;
    let product = |all: [Tensor<3>; N]| all.into_iter().reduce(|product, part| product * part);
    assert_same::<3>(
        &format!("{N} parts of {shape:?}"),
        |x| product(parts(x.get(0))).expect("some parts"),
        |x| {
            let x = x.get::<3>(0);
            let slice = |number| x.clone().narrow(2, number * width, width);
            product(std::array::from_fn(slice)).expect("some parts")
        },
        &[&shape],
        0.0,
    );
}

#[test]
fn parts_equal_slices_in_value_and_gradient() {
    compare::<1>([2, 3, 5]);
    compare::<2>([2, 3, 10]);
    compare::<3>([4, 1, 3]);
    compare::<3>([2, 3, 21]);
    // More than one task, and rows longer than a task.
    compare::<3>([5, 60, 96 * 3]);
    compare::<2>([2, 2, 40_000]);
}

#[test]
fn a_part_that_nothing_uses_has_no_gradient() {
    let x = leaf::<2>(1, [3, 8]);
    let [_, second, _, fourth] = parts(x.clone());
    let factors = [2, 3].map(|seed| constant::<2>(seed, [3, 2]));
    let [of_second, of_fourth] = factors.clone();
    let grads = ((fourth * of_fourth).sum() + (second * of_second).sum()).backward();
    let [second, fourth] = factors;
    let zeros = Tensor::zeros([3, 2], &second.device());
    let expected = Tensor::cat(vec![zeros.clone(), second, zeros, fourth], 1);
    assert_eq!(values(x.grad(&grads).expect("a leaf")), values(expected));
}

#[test]
fn a_transposed_gradient_comes_to_its_place() {
    let x = leaf::<2>(1, [6, 8]);
    let [first, second] = parts(x.clone());
    let factors = [2, 3].map(|seed| constant::<2>(seed, [4, 6]));
    let [of_first, of_second] = factors.clone();
    let loss = (first.transpose() * of_first).sum() + (second.transpose() * of_second).sum();
    let expected = Tensor::cat(factors.map(Tensor::transpose).to_vec(), 1);
    let grads = loss.backward();
    assert_eq!(values(x.grad(&grads).expect("a leaf")), values(expected));
}

#[test]
fn no_rows_have_parts_without_rows() {
    let [one, two] = parts(Tensor::<2>::zeros([0, 8], &reference::device()));
    assert_eq!([one.dims(), two.dims()], [[0, 4]; 2]);
}

#[test]
fn parts_in_half_precision_are_slices_too() {
    for dtype in [FloatDType::F16, FloatDType::BF16] {
        let x = leaf::<2>(1, [3, 9]);
        let [first, _, third] = parts(x.clone().cast(dtype));
        let loss = (first * third).sum().cast(FloatDType::F32);
        let grads = loss.backward();
        let half = constant::<2>(1, [3, 9]).cast(dtype);
        let slice = |start| half.clone().narrow(1, start, 3);
        let zeros = slice(3).zeros_like();
        let expected = Tensor::cat(vec![slice(6), zeros, slice(0)], 1).cast(FloatDType::F32);
        let got = values(x.grad(&grads).expect("a leaf"));
        assert_eq!(got, values(expected), "{dtype:?}");
    }
}
