//! Attention against the formula in Burn's operations.

mod reference;

use burn::tensor::{Bool, Device, Tensor, TensorData};
use fused::{Dropout, DropoutKey};
use reference::{ROUNDING, assert_close, assert_same, constant, device, values};

/// Batch, heads, queries, keys, width of a head.
const SIZES: [[usize; 5]; 7] = [
    [1, 1, 1, 1, 1],
    [2, 3, 5, 5, 4],
    [3, 2, 17, 17, 8],
    [2, 12, 38, 38, 32],
    [2, 2, 7, 33, 16],
    [1, 2, 130, 65, 64],
    [1, 1, 300, 400, 3],
];

fn shapes([batch, heads, queries, keys, d]: [usize; 5]) -> [[usize; 3]; 3] {
    let key = [batch, keys, heads * d];
    [[batch, queries, heads * d], key, key]
}

/// True up to a length that differs from one sequence to the next, with a hole.
fn padded(batch: usize, keys: usize) -> Tensor<2, Bool> {
    let kept: Vec<bool> = (0..batch * keys)
        .map(|i| {
            let (sequence, key) = (i / keys, i % keys);
            key == 0 || (key != 2 && key < keys - sequence * keys / (batch + 1))
        })
        .collect();
    Tensor::from_data(TensorData::new(kept, [batch, keys]), &device())
}

fn key() -> DropoutKey {
    DropoutKey {
        seed: 7,
        step: 3,
        site: 5,
    }
}

/// The documented place of every probability, from the elementwise operation.
fn multipliers([batch, heads, queries, keys, _]: [usize; 5], dropout: Dropout) -> Tensor<4> {
    let stride = (queries * keys).next_multiple_of(512);
    let ones = Tensor::<2>::ones([batch * heads, stride], &Device::flex());
    let mask = values(fused::dropout(ones, Some(dropout)));
    let kept: Vec<f32> = mask
        .chunks(stride)
        .flat_map(|head| head[..queries * keys].to_vec())
        .collect();
    Tensor::from_data(
        TensorData::new(kept, [batch, heads, queries, keys]),
        &device(),
    )
}

#[test]
fn attention_equals_the_formula_in_value_and_gradients() {
    for size in SIZES {
        let [_, heads, ..] = size;
        let shapes = shapes(size);
        assert_same::<3>(
            &format!("attention {size:?}"),
            |x| fused::attention(x.get(0), x.get(1), x.get(2), heads, None, None),
            |x| reference::attention(x.get(0), x.get(1), x.get(2), heads, None, None),
            &shapes.each_ref().map(|shape| shape.as_slice()),
            ROUNDING,
        );
    }
}

#[test]
fn padding_and_dropout_equal_the_formula() {
    let dropout = Dropout::new(0.3, key()).expect("in range");
    for size in SIZES {
        let [batch, heads, _, keys, _] = size;
        let shapes = shapes(size);
        let mask = || Some(padded(batch, keys));
        let kept = multipliers(size, dropout.expect("not zero"));
        assert_same::<3>(
            &format!("attention with padding and dropout {size:?}"),
            |x| fused::attention(x.get(0), x.get(1), x.get(2), heads, mask(), dropout),
            |x| {
                let kept = Some(kept.clone());
                reference::attention(x.get(0), x.get(1), x.get(2), heads, mask(), kept)
            },
            &shapes.each_ref().map(|shape| shape.as_slice()),
            ROUNDING,
        );
    }
}

#[test]
fn a_sequence_of_padding_gives_zeros() {
    let mask = TensorData::new(vec![true, true, false, false, false, false], [2, 3]);
    let mask = Tensor::<2, Bool>::from_data(mask, &device());
    let x = reference::leaf(1, [2, 3, 8]);
    let context = fused::attention(x.clone(), x.clone(), x.clone(), 2, Some(mask), None);
    let grads = (context.clone() * constant(2, [2, 3, 8])).sum().backward();
    assert_eq!(values(context)[24..], [0.0; 24]);
    assert_eq!(values(x.grad(&grads).expect("a leaf"))[24..], [0.0; 24]);
}

#[test]
fn views_of_one_projection_give_what_their_copies_give() {
    let part =
        |x: &reference::Leaves, i: usize| x.get::<3>(0).slice([0..3, 0..7, i * 8..(i + 1) * 8]);
    assert_same::<3>(
        "slices",
        |x| fused::attention(part(x, 0), part(x, 1), part(x, 2), 2, None, None),
        |x| reference::attention(part(x, 0), part(x, 1), part(x, 2), 2, None, None),
        &[&[3, 7, 24]],
        ROUNDING,
    );
    let view = |x: &reference::Leaves| x.get::<3>(0).swap_dims(1, 2);
    assert_same::<3>(
        "transposed",
        |x| fused::attention(view(x), view(x), view(x), 2, None, None),
        |x| reference::attention(view(x), view(x), view(x), 2, None, None),
        &[&[3, 8, 7]],
        ROUNDING,
    );
    let view = |x: &reference::Leaves| x.get::<3>(0).expand([3, 7, 8]);
    assert_same::<3>(
        "broadcast",
        |x| fused::attention(view(x), view(x), view(x), 2, None, None),
        |x| reference::attention(view(x), view(x), view(x), 2, None, None),
        &[&[1, 7, 8]],
        ROUNDING,
    );
}

#[test]
fn an_empty_batch_gives_an_empty_result() {
    let x = constant(1, [0, 4, 8]);
    let context = fused::attention(x.clone(), x.clone(), x, 2, None, None);
    assert_eq!(context.dims(), [0, 4, 8]);
}

#[test]
fn large_scores_do_not_overflow() {
    let x = constant(1, [2, 9, 8]) * 200.0;
    assert_close(
        "large",
        fused::attention(x.clone(), x.clone(), x.clone(), 2, None, None),
        reference::attention(x.clone(), x.clone(), x, 2, None, None),
        1e-3, // Scores of tens of thousands carry an error of thousandths into the exponential.
    );
}
