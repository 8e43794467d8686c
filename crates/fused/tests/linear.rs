//! The affine map against Burn's.

mod reference;

use burn::tensor::Tensor;
use burn::tensor::activation::gelu;
use burn::tensor::module::linear;
use reference::{ROUNDING, assert_same, leaf, values};

/// Rows, inputs, outputs: one, odd, not multiples of any vector, larger than one block.
const SIZES: [[usize; 3]; 7] = [
    [1, 1, 1],
    [3, 5, 7],
    [17, 3, 33],
    [33, 17, 1],
    [1, 64, 130],
    [100, 48, 64],
    [257, 130, 96],
];

#[test]
fn linear_equals_burn_in_value_and_gradients() {
    for [rows, inputs, outputs] in SIZES {
        assert_same::<2>(
            &format!("linear {rows}x{inputs}x{outputs}"),
            |x| fused::linear(x.get(0), x.get(1), x.get(2)),
            |x| linear(x.get(0), x.get(1), Some(x.get(2))),
            &[&[rows, inputs], &[inputs, outputs], &[outputs]],
            10.0 * ROUNDING,
        );
    }
}

#[test]
fn linear_gelu_equals_gelu_of_linear() {
    for [rows, inputs, outputs] in SIZES {
        assert_same::<2>(
            &format!("linear_gelu {rows}x{inputs}x{outputs}"),
            |x| fused::linear_gelu(x.get(0), x.get(1), x.get(2)),
            |x| gelu(linear(x.get(0), x.get(1), Some(x.get(2)))),
            &[&[rows, inputs], &[inputs, outputs], &[outputs]],
            10.0 * ROUNDING,
        );
    }
}

#[test]
fn leading_dimensions_are_kept() {
    assert_same::<4>(
        "rank 4",
        |x| fused::linear(x.get(0), x.get(1), x.get(2)),
        |x| linear(x.get(0), x.get(1), Some(x.get(2))),
        &[&[2, 3, 4, 5], &[5, 6], &[6]],
        ROUNDING,
    );
}

#[test]
fn views_give_what_their_copies_give() {
    let slice = |x: Tensor<3>| x.slice([1..3, 0..5, 2..9]).swap_dims(0, 1);
    assert_same::<3>(
        "sliced and transposed input, transposed weight",
        |x| fused::linear(slice(x.get(0)), x.get::<2>(1).transpose(), x.get(2)),
        |x| linear(slice(x.get(0)), x.get::<2>(1).transpose(), Some(x.get(2))),
        &[&[4, 5, 9], &[6, 7], &[6]],
        ROUNDING,
    );
    assert_same::<2>(
        "flipped weight",
        |x| fused::linear(x.get(0), x.get::<2>(1).flip([0, 1]), x.get(2)),
        |x| linear(x.get(0), x.get::<2>(1).flip([0, 1]), Some(x.get(2))),
        &[&[5, 7], &[7, 6], &[6]],
        ROUNDING,
    );
    assert_same::<3>(
        "broadcast input",
        |x| fused::linear(x.get::<3>(0).expand([3, 4, 7]), x.get(1), x.get(2)),
        |x| linear(x.get::<3>(0).expand([3, 4, 7]), x.get(1), Some(x.get(2))),
        &[&[1, 4, 7], &[7, 6], &[6]],
        ROUNDING,
    );
}

// Not against Burn 0.22.1, whose flex backend crashes on these (segmentation fault).
#[test]
fn an_empty_batch_gives_an_empty_result_and_zero_gradients() {
    let (x, weight, bias) = (leaf(1, [0, 4, 7]), leaf(2, [7, 6]), leaf(3, [6]));
    for function in [fused::linear::<3>, fused::linear_gelu::<3>] {
        let y = function(x.clone(), weight.clone(), bias.clone());
        assert_eq!(y.dims(), [0, 4, 6]);
        let grads = y.sum().backward();
        assert_eq!(x.grad(&grads).expect("a leaf").dims(), [0, 4, 7]);
        assert_eq!(values(weight.grad(&grads).expect("a leaf")), [0.0; 42]);
        assert_eq!(values(bias.grad(&grads).expect("a leaf")), [0.0; 6]);
    }
}
