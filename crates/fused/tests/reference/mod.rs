//! Burn's own operations, and comparison with them element by element.
#![allow(dead_code)] // Each test file uses its part.

use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Device, Tensor};

/// Single precision, sums of a few hundred terms of order 1, two summation orders.
pub(crate) const ROUNDING: f64 = 2e-5;

/// A flex device that records gradients.
pub(crate) fn device() -> Device {
    Device::flex().autodiff()
}

/// Numbers that depend on `seed` alone: the process-wide generator of Burn is shared by all tests.
pub(crate) fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u32 << 24) as f32
    };
    // The sum of four uniform numbers, near enough to normal, with standard deviation 1.
    (0..count)
        .map(|_| (uniform() + uniform() + uniform() + uniform() - 2.0) * 3f32.sqrt())
        .collect()
}

/// A leaf of the given shape.
pub(crate) fn leaf<const D: usize>(seed: u64, shape: [usize; D]) -> Tensor<D> {
    constant(seed, shape).require_grad()
}

/// A tensor without gradient of the given shape, on [`device`].
pub(crate) fn constant<const D: usize>(seed: u64, shape: [usize; D]) -> Tensor<D> {
    let values = numbers(seed, shape.iter().product());
    Tensor::<1>::from_floats(values.as_slice(), &device()).reshape(shape)
}

/// The values in row-major order.
pub(crate) fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data()
        .convert::<f32>()
        .try_into_vec()
        .expect("converted")
}

/// Fails with the worst element unless all are within `tolerance` relative to `max(1, |expected|)`.
#[track_caller]
pub(crate) fn assert_close<const D: usize>(
    what: &str,
    got: Tensor<D>,
    expected: Tensor<D>,
    tolerance: f64,
) {
    assert_eq!(got.dims(), expected.dims(), "{what}: shape");
    let (got, expected) = (values(got), values(expected));
    let worst = got
        .iter()
        .zip(&expected)
        .map(|(&got, &expected)| {
            let (got, expected) = (f64::from(got), f64::from(expected));
            let error = (got - expected).abs() / expected.abs().max(1.0);
            if error.is_nan() { f64::INFINITY } else { error }
        })
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((index, error)) = worst {
        assert!(
            error <= tolerance,
            "{what}: element {index} is {}, expected {} (error {error:.2e}, tolerance {tolerance:.0e})",
            got[index],
            expected[index],
        );
    }
}

/// Compares two results and their gradients with respect to every leaf, for a generic upstream
/// gradient.
#[track_caller]
pub(crate) fn assert_same<const D: usize>(
    what: &str,
    got: impl Fn(&Leaves) -> Tensor<D>,
    expected: impl Fn(&Leaves) -> Tensor<D>,
    shapes: &[&[usize]],
    tolerance: f64,
) {
    let run = |function: &dyn Fn(&Leaves) -> Tensor<D>| {
        let leaves = Leaves::new(shapes);
        let result = function(&leaves);
        let upstream = constant(99, result.dims());
        let grads = (result.clone() * upstream).sum().backward();
        let grads: Vec<Vec<f32>> = leaves
            .0
            .iter()
            .map(|leaf| values(leaf.grad(&grads).expect("every leaf takes part")))
            .collect();
        (result, grads)
    };
    let (got, got_grads) = run(&got);
    let (expected, expected_grads) = run(&expected);
    assert_close(what, got, expected, tolerance);
    let flat = |x: &[f32]| Tensor::<1>::from_floats(x, &Device::flex());
    for (index, (got, expected)) in got_grads.iter().zip(&expected_grads).enumerate() {
        let what = format!("{what}: gradient of input {index}");
        assert_close(&what, flat(got), flat(expected), tolerance);
    }
}

/// Flat leaves, to be reshaped and viewed by the function under test.
pub(crate) struct Leaves(Vec<Tensor<1>>, Vec<Vec<usize>>);

impl Leaves {
    fn new(shapes: &[&[usize]]) -> Self {
        let leaves = shapes
            .iter()
            .enumerate()
            .map(|(index, shape)| leaf(index as u64 + 1, [shape.iter().product()]));
        Self(
            leaves.collect(),
            shapes.iter().map(|shape| shape.to_vec()).collect(),
        )
    }

    /// Leaf number `index` in its shape.
    pub(crate) fn get<const D: usize>(&self, index: usize) -> Tensor<D> {
        let shape: [usize; D] = self.1[index]
            .clone()
            .try_into()
            .expect("the rank of the shape");
        self.0[index].clone().reshape(shape)
    }
}

pub(crate) fn layer_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    let centred = x.clone() - x.mean_dim(D - 1);
    let variance = centred.clone().powi_scalar(2).mean_dim(D - 1);
    centred / (variance + epsilon).sqrt() * gamma.unsqueeze() + beta.unsqueeze()
}

/// Multi-head attention as every tutorial writes it; `multipliers` is `[batch, heads, queries, keys]`.
pub(crate) fn attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    heads: usize,
    key_mask: Option<Tensor<2, Bool>>,
    multipliers: Option<Tensor<4>>,
) -> Tensor<3> {
    let [batch, queries, width] = query.dims();
    let [_, keys, _] = key.dims();
    let split = |x: Tensor<3>, length| {
        x.reshape([batch, length, heads, width / heads])
            .swap_dims(1, 2)
    };
    let (query, key, value) = (split(query, queries), split(key, keys), split(value, keys));
    let scores = query.matmul(key.transpose()) / ((width / heads) as f64).sqrt();
    let scores = match key_mask {
        Some(mask) => {
            let mask = mask
                .reshape([batch, 1, 1, keys])
                .expand([batch, heads, queries, keys]);
            scores.mask_fill(mask.bool_not(), -1e9)
        }
        None => scores,
    };
    let probabilities = softmax(scores, 3);
    let probabilities = match multipliers {
        Some(multipliers) => probabilities * multipliers,
        None => probabilities,
    };
    probabilities
        .matmul(value)
        .swap_dims(1, 2)
        .reshape([batch, queries, width])
}
