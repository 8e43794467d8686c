//! AdamW against its formula in double precision, and the norm of gradients.

mod reference;

use burn::tensor::{Device, Tensor};
use fused::{AdamW, Moments, adamw_step, squared_norm};
use reference::{numbers, values};

const STEP: AdamW = AdamW {
    learning_rate: 1e-3,
    beta_1: 0.9,
    beta_2: 0.999,
    epsilon: 1e-8,
    weight_decay: 0.01,
    time: 1,
    gradient_scale: 0.5,
};

fn tensor(values: &[f32]) -> Tensor<1> {
    Tensor::from_floats(values, &Device::flex())
}

#[test]
fn five_steps_equal_the_formula_in_double_precision() {
    for count in [1, 3, 17, 1000, 50_000] {
        let start = numbers(1, count);
        let (mut parameter, mut moments) = (tensor(&start), None);
        let mut expected: Vec<[f64; 3]> = start.iter().map(|&x| [f64::from(x), 0.0, 0.0]).collect();
        for time in 1..=5 {
            let gradient = numbers(10 + u64::from(time), count);
            let step = AdamW { time, ..STEP };
            let moved = adamw_step(parameter, tensor(&gradient), moments, step);
            let (moved, kept) = moved.expect("in range");
            (parameter, moments) = (moved, Some(kept));
            let correction = |beta: f64| 1.0 - beta.powi(time as i32);
            for ([x, m, v], gradient) in expected.iter_mut().zip(gradient) {
                let gradient = f64::from(gradient) * STEP.gradient_scale;
                *x -= STEP.learning_rate * STEP.weight_decay * *x;
                *m = STEP.beta_1 * *m + (1.0 - STEP.beta_1) * gradient;
                *v = STEP.beta_2 * *v + (1.0 - STEP.beta_2) * gradient * gradient;
                let root = v.sqrt() / correction(STEP.beta_2).sqrt() + STEP.epsilon;
                *x -= STEP.learning_rate / correction(STEP.beta_1) * *m / root;
            }
        }
        let Moments { first, second } = moments.expect("after a step");
        for (index, got) in [parameter, first, second]
            .map(values)
            .into_iter()
            .enumerate()
        {
            for (got, expected) in got.into_iter().zip(&expected) {
                let (got, expected) = (f64::from(got), expected[index]);
                // Five times two roundings.
                assert!(
                    (got - expected).abs() < 1e-6 * expected.abs().max(1.0),
                    "output {index}: {got}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn shared_tensors_keep_their_values() {
    let start = numbers(1, 100);
    let parameter = tensor(&start);
    let moments = Moments {
        first: tensor(&start),
        second: tensor(&start).abs(),
    };
    let (kept, kept_moments) = (parameter.clone(), moments.clone());
    let moved = adamw_step(parameter, tensor(&start), Some(moments), STEP);
    let (moved, _) = moved.expect("in range");
    assert_eq!(values(kept), start);
    assert_eq!(values(kept_moments.first), start);
    assert_ne!(values(moved), start);
}

#[test]
fn numbers_out_of_their_range_are_refused() {
    let nan = f64::NAN;
    for (step, message) in [
        (
            AdamW {
                beta_1: 1.0,
                ..STEP
            },
            "adamw beta 1 1: expected 0 to below 1",
        ),
        (
            AdamW {
                beta_2: -0.1,
                ..STEP
            },
            "adamw beta 2 -0.1: expected 0 to below 1",
        ),
        (
            AdamW {
                epsilon: nan,
                ..STEP
            },
            "adamw epsilon NaN: expected a number from 0",
        ),
        (
            AdamW {
                weight_decay: -1.0,
                ..STEP
            },
            "adamw weight decay -1: expected a number from 0",
        ),
        (
            AdamW { time: 0, ..STEP },
            "adamw time 0: expected 1 for the first step",
        ),
    ] {
        let refused = adamw_step(tensor(&[1.0]), tensor(&[1.0]), None, step);
        assert_eq!(refused.expect_err("out of range").to_string(), message);
    }
}

#[test]
fn a_gradient_scale_that_is_not_a_number_reaches_the_parameters() {
    let gradient_scale = f64::NAN;
    let step = AdamW {
        gradient_scale,
        ..STEP
    };
    let (moved, moments) = adamw_step(tensor(&[1.0; 9]), tensor(&[0.5; 9]), None, step)
        .expect("a scale is not checked");
    for moved in [moved, moments.first, moments.second] {
        assert!(values(moved).iter().all(|x| x.is_nan()));
    }
}

#[test]
fn squared_norm_adds_in_double_precision() {
    for count in [0, 1, 3, 17, 100, 16_384, 1_000_003] {
        let x = numbers(3, count);
        let expected: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let got = f64::from(values(squared_norm(tensor(&x)))[0]);
        assert!(
            (got - expected).abs() <= 1e-6 * expected,
            "{count}: {got}, expected {expected}"
        );
    }
    let view = tensor(&numbers(3, 30)).reshape([5, 6]).transpose();
    let copy = tensor(&numbers(3, 30));
    let (view, copy) = (values(squared_norm(view)), values(squared_norm(copy)));
    assert!((view[0] - copy[0]).abs() < 1e-4);
}
