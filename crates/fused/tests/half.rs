//! Half precision: the operations against themselves in single precision, on the same rounded inputs.

mod reference;

use burn::tensor::{Bool, Device, FloatDType, Int, Tensor, TensorData};
use fused::{AdamW, Dropout, DropoutKey, Norm, Packing, adamw_step, squared_norm};
use reference::{Leaves, assert_same, constant, device, numbers, values};

/// Both types with their unit of rounding.
const TYPES: [(FloatDType, f64); 2] = [
    (FloatDType::F16, 1.0 / 2048.0),
    (FloatDType::BF16, 1.0 / 256.0),
];

/// Compares results and gradients; `units` are the roundings on the longest way through the operation.
#[track_caller]
fn compare(
    what: &str,
    operation: impl Fn(&Inputs<'_>) -> Tensor<3>,
    shapes: &[&[usize]],
    units: f64,
) {
    for (dtype, unit) in TYPES {
        let in_half = |leaves: &Leaves| {
            let result = operation(&Inputs {
                leaves,
                dtype,
                is_wide: false,
            });
            assert_eq!(FloatDType::from(result.dtype()), dtype, "{what}");
            result.cast(FloatDType::F32)
        };
        // Rounded at the end too, so that the gradient that comes in is the same.
        let wide = |leaves: &Leaves| {
            let result = operation(&Inputs {
                leaves,
                dtype,
                is_wide: true,
            });
            result.cast(dtype).cast(FloatDType::F32)
        };
        let what = format!("{what} in {dtype:?}");
        assert_same(&what, in_half, wide, shapes, units * unit);
    }
}

/// Inputs rounded to half precision, as such or widened again.
struct Inputs<'a> {
    leaves: &'a Leaves,
    dtype: FloatDType,
    is_wide: bool,
}

impl Inputs<'_> {
    fn get<const D: usize>(&self, index: usize) -> Tensor<D> {
        let rounded = self.leaves.get::<D>(index).cast(self.dtype);
        if self.is_wide {
            rounded.cast(FloatDType::F32)
        } else {
            rounded
        }
    }

    /// In single precision, as a normalisation's scale and shift may be.
    fn single<const D: usize>(&self, index: usize) -> Tensor<D> {
        self.leaves.get(index)
    }
}

fn dropout() -> Option<Dropout> {
    let key = DropoutKey {
        seed: 3,
        step: 1,
        site: 4,
    };
    Dropout::new(0.1, key).expect("a probability")
}

// A row of 768: sums in half precision would be off by hundreds of units.
const WIDE: &[&[usize]] = &[&[2, 5, 768], &[2, 5, 768], &[768], &[768]];

#[test]
fn layer_norm_is_rounded_once() {
    compare(
        "layer norm",
        |x| fused::layer_norm(x.get(0), x.single(1), x.single(2), 1e-12),
        &[WIDE[0], WIDE[2], WIDE[3]],
        3.0,
    );
}

#[test]
fn layer_norm_of_half_parameters_has_half_gradients() {
    // The gradients of scale and shift are sums of ten products of order 1.
    compare(
        "layer norm",
        |x| fused::layer_norm(x.get(0), x.get(1), x.get(2), 1e-12),
        &[WIDE[0], WIDE[2], WIDE[3]],
        4.0,
    );
}

#[test]
fn the_end_of_a_residual_block_rounds_the_sum_and_the_result() {
    compare(
        "residual",
        |x| {
            let norm = Norm {
                gamma: x.single(4),
                beta: x.single(5),
                epsilon: 1e-12,
            };
            let (weight, bias) = (x.get(1), x.get(2));
            fused::linear_dropout_add_layer_norm(x.get(0), weight, bias, x.get(3), norm, dropout())
        },
        &[&[2, 5, 16], &[16, 768], WIDE[2], WIDE[0], WIDE[2], WIDE[3]],
        // The gradient of the scale adds ten products with a rounded sum.
        16.0,
    );
}

#[test]
fn gelu_is_rounded_once() {
    compare("gelu", |x| fused::gelu(x.get(0)), &[&[3, 7, 100]], 2.0);
}

#[test]
fn geglu_is_rounded_once_per_factor() {
    compare("geglu", |x| fused::geglu(x.get(0)), &[&[3, 7, 100]], 4.0);
}

#[test]
fn dropout_is_rounded_once() {
    let keep = |x: &Inputs<'_>| fused::dropout(x.get(0), dropout());
    compare("dropout", keep, &[&[3, 7, 100]], 1.0);
}

/// In half precision a sum of 3,000 ones ends at 2,048 or at 256, where one more rounds to nothing.
#[test]
fn gradients_of_a_row_that_occurs_often_add_up() {
    for (dtype, _) in TYPES {
        let table = constant(1, [5, 3]).cast(dtype).require_grad();
        let indices = Tensor::<2, Int>::ones([30, 100], &device());
        let rows = fused::embedding(table.clone(), indices);
        assert_eq!(FloatDType::from(rows.dtype()), dtype);
        let grads = rows.sum().backward();
        let grad = table.grad(&grads).expect("a leaf");
        assert_eq!(FloatDType::from(grad.dtype()), dtype);
        let expected = [3000.0; 3].map(|x: f32| values(rounded([x], dtype))[0]);
        assert_eq!(values(grad)[3..6], expected);
    }
}

fn rounded<const N: usize>(x: [f32; N], dtype: FloatDType) -> Tensor<1> {
    Tensor::<1>::from_floats(x, &Device::flex()).cast(dtype)
}

/// As large as a vocabulary: a sum of 30,522 exponentials in half precision would be worth nothing.
#[test]
fn cross_entropy_is_that_of_single_precision() {
    let classes = 30_522;
    let targets = || Tensor::<1, Int>::from_ints([7, 30_521, 0], &device());
    for (dtype, unit) in TYPES {
        let logits = (constant(1, [3, classes]) * 2.0).cast(dtype);
        let half = logits.clone().require_grad();
        let wide = logits.cast(FloatDType::F32).require_grad();
        let run = |logits: &Tensor<2>| {
            let loss = fused::cross_entropy(logits.clone(), targets());
            assert_eq!(FloatDType::from(loss.dtype()), FloatDType::F32);
            let gradient = logits.grad(&loss.backward()).expect("a leaf");
            (values(loss)[0], gradient)
        };
        let ((loss, gradient), (expected, expected_gradient)) = (run(&half), run(&wide));
        // Two orders of summing 30,522 terms in single precision.
        assert!(
            (loss - expected).abs() < 1e-5 * expected,
            "{loss} {expected}"
        );
        assert_eq!(FloatDType::from(gradient.dtype()), dtype);
        for (got, expected) in values(gradient).into_iter().zip(values(expected_gradient)) {
            // One rounding; below 6e-8 f16 has nothing.
            let accepted = unit * f64::from(expected).abs() + 6e-8;
            let error = f64::from(got - expected).abs();
            assert!(error <= accepted, "{dtype:?}: {got}, expected {expected}");
        }
    }
}

#[test]
fn the_squared_norm_neither_overflows_nor_stops_to_grow() {
    for (dtype, _) in TYPES {
        let norm = |x: Tensor<1>| {
            let norm = squared_norm(x);
            assert_eq!(FloatDType::from(norm.dtype()), FloatDType::F32);
            values(norm)[0]
        };
        assert_eq!(norm(rounded([300.0; 4], dtype)), 360_000.0);
        assert_eq!(norm(rounded([1.0; 5000], dtype)), 5000.0);
        let small = rounded([1e-4; 9], dtype);
        let expected: f32 = values(small.clone()).iter().map(|x| x * x).sum();
        assert!((norm(small) - expected).abs() < 1e-6 * expected);
    }
}

/// Small gradients, whose squares f16 does not have.
#[test]
fn adamw_computes_in_single_precision_and_rounds_the_parameter() {
    let step = |time| AdamW {
        learning_rate: 1e-2,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.01,
        time,
        gradient_scale: 1.0,
    };
    for (dtype, unit) in TYPES {
        let start = rounded::<50>(numbers(1, 50).try_into().expect("fifty"), dtype);
        let (mut half, mut moments) = (start, None);
        let mut wide_moments = None;
        for time in 1..=5 {
            let gradient = numbers(10 + u64::from(time), 50)
                .into_iter()
                .map(|x| x * 1e-4);
            let gradient: Vec<f32> = gradient.collect();
            let gradient = rounded::<50>(gradient.try_into().expect("fifty"), dtype);
            let wide = [&half, &gradient].map(|x| x.clone().cast(FloatDType::F32));
            let [parameter, wide_gradient] = wide;
            let expected = adamw_step(parameter, wide_gradient, wide_moments, step(time));
            let (expected, kept) = expected.expect("in range");
            let got = adamw_step(half, gradient, moments, step(time)).expect("in range");

            assert_eq!(FloatDType::from(got.0.dtype()), dtype);
            // The kernel's multiply-adds round once where the default body rounds twice; that may tip the last rounding.
            let expected = values(expected.cast(dtype));
            for (got, expected) in values(got.0.clone()).into_iter().zip(expected) {
                let (got, expected) = (f64::from(got), f64::from(expected));
                let accepted = 2.0 * unit * expected.abs();
                assert!(
                    (got - expected).abs() <= accepted,
                    "{dtype:?}: {got}, expected {expected}"
                );
            }
            // The first moment cancels; it is exact relative to the gradients it is made of.
            for (got, expected, smallest) in [
                (&got.1.first, &kept.first, 1e-4),
                (&got.1.second, &kept.second, 0.0),
            ] {
                assert_eq!(FloatDType::from(got.dtype()), FloatDType::F32);
                let expected = values(expected.clone());
                for (got, expected) in values(got.clone()).into_iter().zip(expected) {
                    let accepted = 1e-6 * expected.abs().max(smallest);
                    assert!(
                        (got - expected).abs() <= accepted,
                        "{got}, expected {expected}"
                    );
                }
            }
            (half, moments, wide_moments) = (got.0, Some(got.1), Some(kept));
        }
    }
}

#[test]
fn linear_layers_add_in_single_precision() {
    let shapes: &[&[usize]] = &[&[2, 150, 8], &[8, 6], &[6]];
    // On 64-bit ARM, gemm adds the terms of a product in f16 where the processor can: 300 of them in the weight's gradient.
    let products = if cfg!(target_arch = "aarch64") {
        10.0
    } else {
        1.0
    };
    // The bias's gradient is a sum over 300 rows.
    compare(
        "linear",
        |x| fused::linear(x.get(0), x.get(1), x.get(2)),
        shapes,
        6.0 * products,
    );
    compare(
        "linear gelu",
        |x| fused::linear_gelu(x.get(0), x.get(1), x.get(2)),
        shapes,
        12.0 * products,
    );
}

#[test]
fn attention_is_that_of_single_precision() {
    let shapes: &[&[usize]] = &[&[2, 40, 12], &[2, 40, 12], &[2, 40, 12]];
    let mask: Vec<bool> = (0..80)
        .map(|place| place % 40 < 40 - 7 * (place / 40))
        .collect();
    compare(
        "attention",
        |x| {
            let mask = TensorData::new(mask.clone(), [2, 40]);
            let mask = Tensor::<2, Bool>::from_data(mask, &device());
            fused::attention(x.get(0), x.get(1), x.get(2), 3, Some(mask), dropout())
        },
        shapes,
        12.0,
    );
}

#[test]
fn attention_by_head_is_that_of_single_precision() {
    let shapes: &[&[usize]] = &[&[2, 3, 40, 4], &[2, 3, 40, 4], &[2, 3, 40, 4]];
    compare(
        "attention by head",
        |x| fused::attention_by_head(x.get(0), x.get(1), x.get(2), None, dropout()),
        shapes,
        12.0,
    );
}

#[test]
fn packed_attention_is_that_of_single_precision() {
    let shapes: &[&[usize]] = &[&[1, 40, 12], &[1, 40, 12], &[1, 40, 12]];
    compare(
        "packed attention",
        |x| {
            let packing = || Packing::new([13, 1, 26]).expect("few rows");
            let packings = [packing(), packing()];
            fused::packed_attention(x.get(0), x.get(1), x.get(2), 3, packings, dropout())
        },
        shapes,
        12.0,
    );
}
