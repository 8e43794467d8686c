//! Layer normalisation against its formula in Burn's operations.

mod reference;

use burn::tensor::Tensor;
use reference::{ROUNDING, assert_close, assert_same, constant, device};

const EPSILON: f64 = 1e-12;
/// Rows and width.
const SIZES: [[usize; 2]; 6] = [[1, 2], [3, 5], [17, 33], [65, 16], [100, 384], [7, 1000]];

#[test]
fn layer_norm_equals_the_formula_in_value_and_gradients() {
    for [rows, width] in SIZES {
        assert_same::<2>(
            &format!("layer_norm {rows}x{width}"),
            |x| fused::layer_norm(x.get(0), x.get(1), x.get(2), EPSILON),
            |x| reference::layer_norm(x.get(0), x.get(1), x.get(2), EPSILON),
            &[&[rows, width], &[width], &[width]],
            5.0 * ROUNDING,
        );
    }
}

#[test]
fn a_large_mean_does_not_cancel() {
    let x = constant(1, [4, 384]) + 1000.0;
    let ones = Tensor::<1>::ones([384], &device());
    let zeros = Tensor::<1>::zeros([384], &device());
    assert_close(
        "shifted",
        fused::layer_norm(x.clone(), ones.clone(), zeros.clone(), EPSILON),
        reference::layer_norm(x - 1000.0, ones, zeros, EPSILON),
        2e-4, // Numbers near 1000 are 6e-5 apart, and their mean is rounded as well.
    );
}

#[test]
fn an_empty_batch_gives_an_empty_result() {
    assert_same::<2>(
        "empty",
        |x| fused::layer_norm(x.get(0), x.get(1), x.get(2), EPSILON),
        |x| reference::layer_norm(x.get(0), x.get(1), x.get(2), EPSILON),
        &[&[0, 8], &[8], &[8]],
        ROUNDING,
    );
}
