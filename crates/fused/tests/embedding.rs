//! Rows of a table against Burn's.

mod reference;

use burn::tensor::{Int, Tensor, module};
use reference::{ROUNDING, assert_same, device};

fn indices<const N: usize>(indices: [i64; N], shape: [usize; 2]) -> Tensor<2, Int> {
    Tensor::<1, Int>::from_ints(indices, &device()).reshape(shape)
}

#[test]
fn embedding_equals_burn_in_value_and_gradient() {
    for [vocabulary, width] in [[6, 1], [7, 17], [3000, 384]] {
        // Rows that come once, several times, and never; the first and the last.
        let last = vocabulary as i64 - 1;
        let indices = || indices([0, 5, 2, 5, last, 5], [2, 3]);
        assert_same::<3>(
            &format!("embedding {vocabulary}x{width}"),
            |x| fused::embedding(x.get(0), indices()),
            |x| module::embedding(x.get(0), indices()),
            &[&[vocabulary, width]],
            ROUNDING,
        );
    }
}

#[test]
fn every_row_gets_its_own_gradient() {
    let indices = || Tensor::<1, Int>::arange(0..3000, &device()).reshape([2, 1500]);
    assert_same::<3>(
        "all rows",
        |x| fused::embedding(x.get(0), indices()),
        |x| module::embedding(x.get(0), indices()),
        &[&[3000, 384]],
        ROUNDING,
    );
}

#[test]
fn a_transposed_table_and_transposed_indices_are_read_as_such() {
    let indices = || indices([0, 1, 2, 3, 3, 0], [3, 2]).transpose();
    assert_same::<3>(
        "transposed",
        |x| fused::embedding(x.get::<2>(0).transpose(), indices()),
        |x| module::embedding(x.get::<2>(0).transpose(), indices()),
        &[&[5, 4]],
        ROUNDING,
    );
}

#[test]
#[should_panic(expected = "embedding index 5: expected less than 5")]
fn an_index_beyond_the_table_is_told() {
    fused::embedding(Tensor::ones([5, 2], &device()), indices([5], [1, 1]));
}
