//! Gradients in double precision against central differences.
//!
//! The kernels know single precision only, so these run the default bodies, Burn's primitives with
//! the same backward formulas; the other tests compare the kernels with those and with Burn.

mod reference;

use burn::tensor::{Bool, DType, Int, Tensor, TensorData};
use fused::{Dropout, DropoutKey, Norm};
use reference::{device, numbers};

/// Near the cube root of the rounding error, where central differences are most exact.
const STEP: f64 = 1e-5;
/// What is left of the quotient: STEP squared times a third derivative of order 10.
const TOLERANCE: f64 = 1e-7;

fn double<const D: usize>(values: &[f64], shape: &[usize]) -> Tensor<D> {
    let data = TensorData::new(values.to_vec(), shape.to_vec());
    Tensor::from_data(data, (&device(), DType::F64))
}

fn host<const D: usize>(x: Tensor<D>) -> Vec<f64> {
    x.into_data().try_into_vec().expect("double precision")
}

fn doubles(seed: u64, count: usize) -> Vec<f64> {
    numbers(seed, count).into_iter().map(f64::from).collect()
}

/// The inputs in double precision, in their order.
type Inputs = Vec<Tensor<1>>;

/// Compares every partial derivative of `sum(upstream * function(inputs))`.
#[track_caller]
fn check<const D: usize>(what: &str, shapes: &[&[usize]], function: impl Fn(&Inputs) -> Tensor<D>) {
    let sizes: Vec<usize> = shapes.iter().map(|shape| shape.iter().product()).collect();
    let start: Vec<Vec<f64>> = sizes
        .iter()
        .zip(1..)
        .map(|(&size, seed)| doubles(seed, size))
        .collect();
    let tensors =
        |values: &[Vec<f64>]| -> Inputs { values.iter().map(|x| double(x, &[x.len()])).collect() };
    let upstream = {
        let result = function(&tensors(&start));
        doubles(99, result.shape().num_elements())
    };
    let loss = |values: &[Vec<f64>]| -> f64 {
        let result = host(function(&tensors(values)));
        result.iter().zip(&upstream).map(|(x, y)| x * y).sum()
    };

    let leaves: Inputs = tensors(&start)
        .into_iter()
        .map(Tensor::require_grad)
        .collect();
    let result = function(&leaves);
    let weighted = result.clone() * double::<D>(&upstream, &result.dims());
    let grads = weighted.sum().backward();
    for (input, leaf) in leaves.iter().enumerate() {
        let grad = host(leaf.grad(&grads).expect("every input takes part"));
        for (element, got) in grad.into_iter().enumerate() {
            let moved = |by: f64| {
                let mut values = start.clone();
                values[input][element] += by;
                loss(&values)
            };
            let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let error = (got - expected).abs() / expected.abs().max(1.0);
            assert!(
                error < TOLERANCE,
                "{what}: input {input}, element {element}: {got}, expected {expected}"
            );
        }
    }
}

fn dropout() -> Option<Dropout> {
    let key = DropoutKey {
        seed: 5,
        step: 6,
        site: 7,
    };
    Dropout::new(0.3, key).expect("in range")
}

#[test]
fn linear() {
    let shapes: [&[usize]; 3] = [&[2, 3, 4], &[4, 5], &[5]];
    let args = |x: &Inputs| {
        let [a, b] = [x[0].clone(), x[1].clone()];
        (a.reshape([2, 3, 4]), b.reshape([4, 5]), x[2].clone())
    };
    check::<3>("linear", &shapes, |x| {
        let (x, weight, bias) = args(x);
        fused::linear(x, weight, bias)
    });
    check::<3>("linear_gelu", &shapes, |x| {
        let (x, weight, bias) = args(x);
        fused::linear_gelu(x, weight, bias)
    });
}

#[test]
fn gelu_and_dropout() {
    check::<1>("gelu", &[&[40]], |x| fused::gelu(x[0].clone()));
    check::<2>("geglu", &[&[4, 10]], |x| {
        fused::geglu(x[0].clone().reshape([4, 10]))
    });
    check::<1>("dropout", &[&[40]], |x| {
        fused::dropout(x[0].clone(), dropout())
    });
}

#[test]
fn branches_parts_and_rotary() {
    check::<1>("branches", &[&[20]], |x| {
        let [one, two, three] = fused::branches(x[0].clone());
        one * two.clone() + two * three
    });
    check::<2>("parts", &[&[3, 8]], |x| {
        let [one, two, _, four] = fused::parts(x[0].clone().reshape([3, 8]));
        one * two + four
    });
    let angles = doubles(8, 6);
    let [cos, sin] = [f64::cos, f64::sin].map(|of| {
        let values: Vec<f64> = angles.iter().map(|&angle| of(angle)).collect();
        double::<2>(&values, &[3, 2])
    });
    check::<3>("rotary", &[&[2, 3, 8]], |x| {
        let x = x[0].clone().reshape([2, 3, 8]);
        fused::rotary(x, cos.clone(), sin.clone(), 2)
    });
}

#[test]
fn layer_norm() {
    check::<2>("layer_norm", &[&[3, 7], &[7], &[7]], |x| {
        fused::layer_norm(
            x[0].clone().reshape([3, 7]),
            x[1].clone(),
            x[2].clone(),
            1e-3,
        )
    });
    check::<2>(
        "linear_dropout_add_layer_norm",
        &[&[3, 4], &[4, 7], &[7], &[3, 7], &[7], &[7]],
        |x| {
            let [a, weight] = [x[0].clone().reshape([3, 4]), x[1].clone().reshape([4, 7])];
            let residual = x[3].clone().reshape([3, 7]);
            let norm = Norm {
                gamma: x[4].clone(),
                beta: x[5].clone(),
                epsilon: 1e-3,
            };
            let bias = x[2].clone();
            fused::linear_dropout_add_layer_norm(a, weight, bias, residual, norm, dropout())
        },
    );
}

#[test]
fn attention() {
    let kept = TensorData::new(vec![true, true, true, true, true, false], [2, 3]);
    let mask = Tensor::<2, Bool>::from_data(kept, &device());
    check::<3>("attention", &[&[2, 4, 6], &[2, 3, 6], &[2, 3, 6]], |x| {
        let query = x[0].clone().reshape([2, 4, 6]);
        let [key, value] = [1, 2].map(|i| x[i].clone().reshape([2, 3, 6]));
        fused::attention(query, key, value, 2, Some(mask.clone()), dropout())
    });
}

#[test]
fn embedding() {
    let indices = Tensor::<2, Int>::from_ints([[0, 3], [3, 1]], &device());
    check::<3>("embedding", &[&[5, 3]], |x| {
        fused::embedding(x[0].clone().reshape([5, 3]), indices.clone())
    });
}

#[test]
fn cross_entropy() {
    let targets = Tensor::<1, Int>::from_ints([0, 4, 2], &device());
    check::<1>("cross_entropy", &[&[3, 5]], |x| {
        fused::cross_entropy(x[0].clone().reshape([3, 5]), targets.clone())
    });
}
