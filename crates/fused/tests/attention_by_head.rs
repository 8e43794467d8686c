//! Projections and attention with the heads apart against the same with the heads side by side.

mod reference;

use burn::tensor::{Bool, Tensor, TensorData};
use fused::{Dropout, DropoutKey, attention, attention_by_head, projections, projections_by_head};
use reference::{Leaves, ROUNDING, assert_same, device};

/// Batch, heads, queries, keys, width of a head.
const SIZES: [[usize; 5]; 5] = [
    [1, 1, 1, 1, 1],
    [2, 3, 5, 5, 4],
    [3, 2, 1, 17, 8],
    [2, 12, 38, 38, 32],
    [1, 2, 130, 65, 16],
];

/// `[batch, sequence, heads * d]` as `[batch, heads, sequence, d]`.
fn split(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [batch, sequence, width] = x.dims();
    x.reshape([batch, sequence, heads, width / heads])
        .swap_dims(1, 2)
}

fn dropout() -> Option<Dropout> {
    let key = DropoutKey {
        seed: 7,
        step: 3,
        site: 5,
    };
    Dropout::new(0.3, key).expect("in range")
}

/// Sequence `b` has padding behind `keys - b` keys, and the last of more than two nothing else.
fn padded(batch: usize, keys: usize) -> Tensor<2, Bool> {
    let kept = |row: usize| match row + 1 == batch && batch > 2 {
        true => 0,
        false => keys.saturating_sub(row).max(1),
    };
    let mask = (0..batch).flat_map(|row| (0..keys).map(move |key| key < kept(row)));
    Tensor::from_data(
        TensorData::new(mask.collect::<Vec<bool>>(), [batch, keys]),
        &device(),
    )
}

#[test]
fn attention_by_head_equals_attention_in_value_and_gradients() {
    for [batch, heads, queries, keys, d] in SIZES {
        let shapes = [[batch, queries, heads * d], [batch, keys, heads * d]];
        let shapes: [&[usize]; 3] = [&shapes[0], &shapes[1], &shapes[1]];
        for dropout in [None, dropout()] {
            for mask in [None, Some(padded(batch, keys))] {
                assert_same::<3>(
                    &format!(
                        "{batch} {heads} {queries} {keys} {d}, {dropout:?}, {}",
                        mask.is_some()
                    ),
                    |x| {
                        let [query, key, value] = [0, 1, 2].map(|i| split(x.get(i), heads));
                        attention_by_head(query, key, value, mask.clone(), dropout)
                    },
                    |x| attention(x.get(0), x.get(1), x.get(2), heads, mask.clone(), dropout),
                    &shapes,
                    ROUNDING,
                );
            }
        }
    }
}

/// The product of all results, so that every element has a gradient of its own.
fn product<const N: usize, const D: usize>(all: [Tensor<D>; N]) -> Tensor<D> {
    let product = all.into_iter().reduce(|product, one| product * one);
    product.expect("some projections")
}

#[track_caller]
fn compare_projections<const N: usize>([batch, sequence, inputs, heads, d]: [usize; 5]) {
    let outputs = heads * d;
    let shapes: [&[usize]; 3] = [
        &[batch, sequence, inputs],
        &[N, inputs, outputs],
        &[N, outputs],
    ];
    let weights = |x: &Leaves| {
        std::array::from_fn::<_, N, _>(|i| x.get::<3>(1).narrow(0, i, 1).squeeze_dim::<2>(0))
    };
    let biases = |x: &Leaves| {
        std::array::from_fn::<_, N, _>(|i| x.get::<2>(2).narrow(0, i, 1).squeeze_dim::<1>(0))
    };
    assert_same::<4>(
        &format!("{N} projections {batch}x{sequence}x{inputs} to {heads} heads of {d}"),
        |x| {
            product(projections_by_head(
                x.get::<3>(0),
                weights(x),
                biases(x),
                heads,
            ))
        },
        |x| {
            let all = projections(x.get::<3>(0), weights(x), biases(x));
            product(all.map(|one| split(one, heads)))
        },
        &shapes,
        // Products of up to three results, each of up to 24 terms.
        100.0 * ROUNDING,
    );
}

#[test]
fn projections_by_head_equal_projections_in_value_and_gradients() {
    for size in [[1, 1, 1, 1, 1], [2, 5, 7, 3, 4], [3, 33, 24, 2, 5]] {
        compare_projections::<2>(size);
        compare_projections::<3>(size);
    }
}

#[test]
fn a_part_that_nothing_uses_takes_no_part_by_head_either() {
    assert_same::<4>(
        "one of two parts",
        |x| {
            let weights = [0, 1].map(|i| x.get::<3>(1).narrow(0, i, 1).squeeze_dim::<2>(0));
            let biases = [0, 1].map(|i| x.get::<2>(2).narrow(0, i, 1).squeeze_dim::<1>(0));
            let [_, second] = projections_by_head(x.get::<3>(0), weights, biases, 3);
            second
        },
        |x| {
            let weight = x.get::<3>(1).narrow(0, 1, 1).squeeze_dim::<2>(0);
            let bias = x.get::<2>(2).narrow(0, 1, 1).squeeze_dim::<1>(0);
            split(fused::linear(x.get::<3>(0), weight, bias), 3)
        },
        &[&[2, 5, 7], &[2, 7, 12], &[2, 12]],
        ROUNDING,
    );
}

#[test]
#[should_panic(expected = "expected a multiple of 3 heads")]
fn outputs_that_the_heads_do_not_divide_are_refused() {
    let weights = [(), ()].map(|()| Tensor::zeros([4, 8], &device()));
    let biases = [(), ()].map(|()| Tensor::zeros([8], &device()));
    let _ = projections_by_head(Tensor::<3>::zeros([1, 2, 4], &device()), weights, biases, 3);
}

#[test]
#[should_panic(expected = "attention by head: query")]
fn queries_of_other_heads_are_refused() {
    let query = Tensor::zeros([1, 2, 5, 4], &device());
    let [key, value] = [(), ()].map(|()| Tensor::zeros([1, 3, 5, 4], &device()));
    let _ = attention_by_head(query, key, value, None, None);
}
