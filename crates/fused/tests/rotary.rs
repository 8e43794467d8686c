//! Rotary positions against the formula as transformers writes it.

mod reference;

use burn::tensor::{FloatDType, Tensor};
use reference::{assert_close, assert_same, constant, leaf, values};

/// Cosines and sines of made-up angles, `[length, half]`.
fn tables(length: usize, half: usize) -> [Tensor<2>; 2] {
    let angles = constant::<2>(7, [length, half]);
    [angles.clone().cos(), angles.sin()]
}

/// `x cos + rotate_half(x) sin`.
fn formula(x: Tensor<3>, [cos, sin]: [Tensor<2>; 2], heads: usize) -> Tensor<3> {
    let [batch, length, width] = x.dims();
    let half = width / heads / 2;
    let twice = |table: Tensor<2>| {
        Tensor::cat(vec![table.clone(), table], 1).reshape([1, length, 1, 2 * half])
    };
    let x = x.reshape([batch, length, heads, 2 * half]);
    let (first, second) = (
        x.clone().narrow(3, 0, half),
        x.clone().narrow(3, half, half),
    );
    let across = Tensor::cat(vec![-second, first], 3);
    (x * twice(cos) + across * twice(sin)).reshape([batch, length, width])
}

#[test]
fn rotary_equals_the_formula_in_value_and_gradient() {
    // Halves of less than a vector, of some and a rest, and of some alone; rows of several tasks.
    for [batch, length, heads, half] in [[2, 3, 2, 1], [2, 5, 3, 19], [3, 70, 6, 32], [1, 1, 1, 4]]
    {
        let shape = [batch, length, heads * 2 * half];
        let turned = |x| {
            let [cos, sin] = tables(length, half);
            fused::rotary(x, cos, sin, heads)
        };
        assert_same::<3>(
            &format!("rotary of {shape:?}"),
            |x| turned(x.get(0)),
            |x| formula(x.get(0), tables(length, half), heads),
            &[&shape],
            // The same products and sums.
            0.0,
        );
    }
}

#[test]
fn a_slice_of_wider_rows_is_turned() {
    let [cos, sin] = tables(5, 4);
    let wide = constant::<3>(1, [2, 5, 3 * 16]);
    let [_, middle, _] = fused::parts(wide.clone());
    let turned = fused::rotary(middle, cos.clone(), sin.clone(), 2);
    let expected = formula(wide.narrow(2, 16, 16), [cos, sin], 2);
    assert_close("rotary of a slice", turned, expected, 0.0);
}

#[test]
fn half_precision_is_turned_in_single_precision() {
    for dtype in [FloatDType::F16, FloatDType::BF16] {
        let [cos, sin] = tables(5, 4);
        let x = leaf::<3>(1, [2, 5, 16]).cast(dtype);
        let turned = fused::rotary(x.clone(), cos.clone(), sin.clone(), 2);
        let wide = formula(x.cast(FloatDType::F32), [cos, sin], 2);
        assert_eq!(values(turned), values(wide.cast(dtype)), "{dtype:?}");
    }
}
