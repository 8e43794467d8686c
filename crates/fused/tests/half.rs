//! Half precision: the operations against themselves in single precision, on the same rounded inputs.

mod reference;

use burn::tensor::{Bool, FloatDType, Tensor, TensorData};
use fused::{Dropout, DropoutKey, Packing};
use reference::{Leaves, assert_same, device};

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
            let [a, b] = [0, 1].map(|input| x.get(input));
            fused::dropout_add_layer_norm(a, b, x.single(2), x.single(3), 1e-12, dropout())
        },
        WIDE,
        // The gradient of the scale adds ten products with a rounded sum.
        16.0,
    );
}

#[test]
fn gelu_is_rounded_once() {
    compare("gelu", |x| fused::gelu(x.get(0)), &[&[3, 7, 100]], 2.0);
}

#[test]
fn linear_layers_add_in_single_precision() {
    let shapes: &[&[usize]] = &[&[2, 150, 8], &[8, 6], &[6]];
    // The bias's gradient is a sum over 300 rows.
    compare(
        "linear",
        |x| fused::linear(x.get(0), x.get(1), x.get(2)),
        shapes,
        6.0,
    );
    compare(
        "linear gelu",
        |x| fused::linear_gelu(x.get(0), x.get(1), x.get(2)),
        shapes,
        12.0,
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
fn packed_attention_is_that_of_single_precision() {
    let shapes: &[&[usize]] = &[&[1, 40, 12], &[1, 40, 12], &[1, 40, 12]];
    compare(
        "packed attention",
        |x| {
            let packing = || Packing::new([13, 1, 26]);
            let packings = [packing(), packing()];
            fused::packed_attention(x.get(0), x.get(1), x.get(2), 3, packings, dropout())
        },
        shapes,
        12.0,
    );
}
