//! GELU and dropout.

mod reference;

use burn::tensor::Tensor;
use burn::tensor::activation::gelu;
use fused::{Dropout, DropoutError, DropoutKey};
use reference::{ROUNDING, assert_same, constant, device, values};

const KEY: DropoutKey = DropoutKey {
    seed: 1,
    step: 2,
    site: 3,
};

fn active(probability: f64) -> Option<Dropout> {
    Dropout::new(probability, KEY).expect("in range")
}

#[test]
fn gelu_equals_burn_in_value_and_gradient() {
    for count in [0, 1, 3, 17, 1000, 40_000] {
        assert_same::<1>(
            &format!("gelu of {count}"),
            |x| fused::gelu(x.get(0)),
            |x| gelu(x.get(0)),
            &[&[count]],
            ROUNDING,
        );
    }
    assert_same::<2>(
        "gelu of a transposed slice",
        |x| fused::gelu(x.get::<2>(0).slice([1..5, 2..9]).transpose()),
        |x| gelu(x.get::<2>(0).slice([1..5, 2..9]).transpose()),
        &[&[6, 10]],
        ROUNDING,
    );
}

#[test]
fn geglu_equals_slices_gelu_and_product_in_value_and_gradient() {
    for shape in [[3, 4], [1, 2], [7, 46], [5, 3072], [700, 48]] {
        let width = shape[1] / 2;
        assert_same::<2>(
            &format!("geglu of {shape:?}"),
            |x| fused::geglu(x.get(0)),
            |x| {
                let x = x.get::<2>(0);
                gelu(x.clone().narrow(1, 0, width)) * x.narrow(1, width, width)
            },
            &[&shape],
            ROUNDING,
        );
    }
    let empty = fused::geglu(Tensor::<2>::zeros([0, 8], &device()));
    assert_eq!(empty.dims(), [0, 4]);
    assert_same::<2>(
        "geglu of a transposed slice",
        |x| fused::geglu(x.get::<2>(0).slice([1..7, 2..9]).transpose()),
        |x| {
            let x = x.get::<2>(0).slice([1..7, 2..9]).transpose();
            gelu(x.clone().narrow(1, 0, 3)) * x.narrow(1, 3, 3)
        },
        &[&[8, 10]],
        ROUNDING,
    );
}

#[test]
fn gelu_is_exact_to_a_millionth_in_double_precision() {
    let inputs: Vec<f32> = (-80_000..=80_000).map(|i| i as f32 * 1e-4).collect();
    let x = Tensor::<1>::from_floats(inputs.as_slice(), &device()).require_grad();
    let y = fused::gelu(x.clone());
    let slope = values(x.grad(&y.clone().sum().backward()).expect("a leaf"));
    for ((&x, y), slope) in inputs.iter().zip(values(y)).zip(slope) {
        let x = f64::from(x);
        let distribution = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
        let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let error = (f64::from(y) - x * distribution).abs() / x.abs().max(1.0);
        assert!(error < 1e-6, "gelu({x}): error {error:.1e}");
        let error = (f64::from(slope) - (distribution + x * density)).abs();
        assert!(error < 1e-6, "gelu'({x}): error {error:.1e}");
    }
}

/// As PyTorch's, minus infinity included: it is multiplied by 0.
#[test]
fn gelu_of_large_numbers_is_0_or_the_number() {
    let x = [
        -1e3,
        -1e20,
        f32::MIN,
        1e3,
        1e20,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ];
    let y = values(fused::gelu(Tensor::<1>::from_floats(x, &device())));
    assert_eq!(y[..3], [0.0; 3]);
    for (x, y) in x.into_iter().zip(y.clone()).skip(3).take(2) {
        assert!((y / x - 1.0).abs() < 1e-6, "gelu({x}): {y}");
    }
    assert_eq!(y[5], f32::INFINITY);
    assert!(y[6].is_nan());
}

#[test]
fn dropout_multiplies_value_and_gradient_by_the_same_mask() {
    let mask = fused::dropout(Tensor::<1>::ones([5000], &device()), active(0.25));
    assert_same::<1>(
        "dropout",
        |x| fused::dropout(x.get(0), active(0.25)),
        |x| x.get::<1>(0) * mask.clone(),
        &[&[5000]],
        0.0,
    );
}

#[test]
fn the_mask_depends_on_nothing_but_key_and_index() {
    let long = values(fused::dropout(
        Tensor::<1>::ones([40_000], &device()),
        active(0.1),
    ));
    for count in [1, 511, 512, 513, 16_384, 20_000] {
        let short = values(fused::dropout(
            Tensor::<1>::ones([count], &device()),
            active(0.1),
        ));
        assert_eq!(short, long[..count], "{count} elements");
    }
    let shaped = values(fused::dropout(
        Tensor::<3>::ones([4, 100, 100], &device()),
        active(0.1),
    ));
    assert_eq!(shaped, long);
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a pool");
    let alone = one.install(|| {
        values(fused::dropout(
            Tensor::<1>::ones([40_000], &device()),
            active(0.1),
        ))
    });
    assert_eq!(alone, long);
}

#[test]
fn every_part_of_the_key_matters() {
    let mask = |key| {
        let dropout = Dropout::new(0.5, key).expect("in range");
        values(fused::dropout(
            Tensor::<1>::ones([1000], &device()),
            dropout,
        ))
    };
    let base = mask(KEY);
    for other in [
        DropoutKey { seed: 2, ..KEY },
        DropoutKey { step: 3, ..KEY },
        DropoutKey { site: 4, ..KEY },
        DropoutKey {
            seed: 1 << 40,
            ..KEY
        },
    ] {
        let agreeing = base
            .iter()
            .zip(mask(other))
            .filter(|(a, b)| **a == *b)
            .count();
        // Independent masks agree on 500 of 1000, standard deviation 16.
        assert!(
            (420..580).contains(&agreeing),
            "{other:?}: {agreeing} of 1000 agree"
        );
    }
}

#[test]
fn dropout_keeps_the_mean() {
    let count = 1 << 20;
    let kept = values(fused::dropout(
        Tensor::<1>::ones([count], &device()),
        active(0.1),
    ));
    let mean = kept.iter().map(|&x| f64::from(x)).sum::<f64>() / count as f64;
    // The standard deviation of the mean is sqrt(0.1 / 0.9 / 2^20) = 3.3e-4.
    assert!((mean - 1.0).abs() < 1.3e-3, "mean {mean}");
}

#[test]
fn no_dropout_is_the_identity() {
    let x = constant(1, [3, 5]);
    assert_eq!(values(fused::dropout(x.clone(), None)), values(x));
    assert_eq!(active(0.0), None);
}

#[test]
fn probabilities_outside_their_range_are_refused() {
    for probability in [-0.1, 1.0, 2.0, f64::NAN, f64::INFINITY] {
        let error = Dropout::new(probability, KEY).expect_err("out of range");
        let DropoutError { probability: told } = error;
        assert_eq!(told.to_bits(), probability.to_bits());
    }
    assert_eq!(
        Dropout::new(1.5, KEY)
            .expect_err("out of range")
            .to_string(),
        "dropout probability 1.5: expected at least 0 and less than 1"
    );
}
