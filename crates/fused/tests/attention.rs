//! Attention against the formula in Burn's operations.

mod reference;

use burn::tensor::{Bool, Device, FloatDType, Tensor, TensorData};
use fused::{Dropout, DropoutKey, Packing};
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

/// Queries and keys of a sequence.
type Size = (usize, usize);

/// Heads, width of a head, and the sequences.
const PACKED: [(usize, usize, &[Size]); 5] = [
    (1, 1, &[(1, 1)]),
    (2, 3, &[(5, 5), (1, 1), (4, 4)]),
    (12, 32, &[(38, 38), (7, 7), (12, 12), (3, 3)]),
    (3, 8, &[(0, 0), (1, 6), (1, 17), (5, 0), (0, 4), (2, 9)]),
    (2, 5, &[(300, 300), (1, 400)]),
];

fn packings(sequences: &[Size]) -> [Packing; 2] {
    [
        Packing::new(sequences.iter().map(|&(queries, _)| queries)),
        Packing::new(sequences.iter().map(|&(_, keys)| keys)),
    ]
    .map(|packing| packing.expect("few rows"))
}

/// Each sequence by itself, with its part of the mask.
fn one_by_one(
    x: &reference::Leaves,
    (heads, d): (usize, usize),
    sequences: &[Size],
    dropout: Option<Dropout>,
) -> Tensor<3> {
    let [queries, keys] = packings(sequences);
    let places = |(m, n): Size| (m * n).next_multiple_of(512);
    let mask = dropout.map(|dropout| {
        let count: usize = sequences.iter().map(|&size| heads * places(size)).sum();
        let ones = Tensor::<1>::ones([count], &Device::flex());
        values(fused::dropout(ones, Some(dropout)))
    });
    let mut next = 0;
    let mut contexts = Vec::new();
    for ((first, start), &(m, n)) in queries.starts().zip(keys.starts()).zip(sequences) {
        let kept = mask.as_ref().map(|mask| {
            let places = places((m, n)).max(1);
            let kept: Vec<f32> = mask[next..next + if m * n == 0 { 0 } else { heads * places }]
                .chunks(places)
                .flat_map(|head| head[..m * n].to_vec())
                .collect();
            Tensor::from_data(TensorData::new(kept, [1, heads, m, n]), &device())
        });
        next += heads * places((m, n));
        contexts.push(match (m, n) {
            (0, _) => continue,
            (_, 0) => Tensor::zeros([1, m, heads * d], &device()),
            _ => {
                let query = x.get::<3>(0).narrow(1, first, m);
                let [key, value] = [1, 2].map(|i| x.get::<3>(i).narrow(1, start, n));
                reference::attention(query, key, value, heads, None, kept)
            }
        });
    }
    Tensor::cat(contexts, 1)
}

fn packed_shapes(heads: usize, d: usize, sequences: &[Size]) -> [[usize; 3]; 3] {
    let [queries, keys] = packings(sequences).map(|packing| [1, packing.rows(), heads * d]);
    [queries, keys, keys]
}

#[test]
fn packed_sequences_attend_as_each_does_alone() {
    let dropout = Dropout::new(0.3, key()).expect("in range");
    for (heads, d, sequences) in PACKED {
        for dropout in [None, dropout] {
            assert_same::<3>(
                &format!("packed attention {sequences:?} with {dropout:?}"),
                |x| {
                    let [query, key, value] = [0, 1, 2].map(|i| x.get(i));
                    let packings = packings(sequences);
                    fused::packed_attention(query, key, value, heads, packings, dropout)
                },
                |x| one_by_one(x, (heads, d), sequences, dropout),
                &packed_shapes(heads, d, sequences)
                    .each_ref()
                    .map(|shape| shape.as_slice()),
                ROUNDING,
            );
        }
    }
}

/// Double precision takes on flex what other backends run.
#[test]
fn burns_primitives_pack_as_the_kernel_does() {
    let dropout = Dropout::new(0.3, key()).expect("in range");
    for (heads, d, sequences) in PACKED {
        let attend = |[query, key, value]: [Tensor<3>; 3]| {
            fused::packed_attention(query, key, value, heads, packings(sequences), dropout)
        };
        let double = |x: Tensor<3>| x.cast(FloatDType::F64);
        assert_same::<3>(
            &format!("packed attention {sequences:?} in double precision"),
            |x| attend([0, 1, 2].map(|i| x.get(i))),
            |x| attend([0, 1, 2].map(|i| double(x.get(i)))).cast(FloatDType::F32),
            &packed_shapes(heads, d, sequences)
                .each_ref()
                .map(|shape| shape.as_slice()),
            ROUNDING,
        );
    }
}

#[test]
fn keys_that_no_query_looks_at_have_no_gradient() {
    let query = Tensor::zeros([2, 0, 8], &device());
    let key = reference::leaf(2, [2, 3, 8]);
    let context = fused::attention(query, key.clone(), key.clone(), 2, None, None);
    let grads = context.sum().backward();
    assert_eq!(values(key.grad(&grads).expect("a leaf")), [0.0; 48]);
}

#[test]
#[should_panic(expected = "attention: key")]
fn a_packing_of_other_rows_is_refused() {
    let x = constant(1, [1, 7, 8]);
    let packings = [[3, 4], [3, 3]].map(|lengths| Packing::new(lengths).expect("few rows"));
    fused::packed_attention(x.clone(), x.clone(), x, 2, packings, None);
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

/// Three sequences: with padding at the end, with a hole, of padding alone.
fn three_masked(keys: usize) -> Vec<bool> {
    let kept = |i: usize| match i / keys {
        0 => i % keys < keys - 2,
        1 => i % keys != 1,
        _ => false,
    };
    (0..3 * keys).map(kept).collect()
}

/// Runs the kernel, and in double precision the default body.
fn on_both(test: impl Fn(&str, &dyn Fn(Tensor<3>) -> Tensor<3>)) {
    test("kernel", &|x| x);
    test("default body", &|x| x.cast(FloatDType::F64));
}

#[test]
fn a_diverged_model_gives_nan() {
    let mask = || {
        let mask = TensorData::new(three_masked(5)[..10].to_vec(), [2, 5]);
        Some(Tensor::<2, Bool>::from_data(mask, &device()))
    };
    let x = constant(1, [2, 5, 8]);
    let nan = x.clone() * f32::NAN;
    // Products of 1e40 that overflow, of either sign.
    let far = x.clone() * 1e20;
    for mask in [None, mask()] {
        for [query, key, value] in [
            [nan.clone(), x.clone(), x.clone()],
            [x.clone(), nan.clone(), x.clone()],
            [x.clone(), x.clone(), nan.clone()],
            [far.clone(), far.clone(), x.clone()],
        ] {
            let context = fused::attention(query, key, value, 2, mask.clone(), None);
            let context = values(context);
            assert!(context.iter().all(|x| x.is_nan()), "{context:?}");
        }
    }
}

#[test]
fn what_stands_in_the_keys_of_padding_changes_nothing() {
    let x = constant::<3>(1, [3, 5, 8]);
    on_both(|what, cast| {
        let attend = |key: Tensor<3>| {
            let mask = TensorData::new(three_masked(5), [3, 5]);
            let mask = Tensor::<2, Bool>::from_data(mask, &device());
            let [query, key, value] = [x.clone(), key, x.clone()].map(cast);
            values(fused::attention(query, key, value, 2, Some(mask), None))
        };
        let expected = attend(x.clone());
        assert_eq!(expected[80..], [0.0; 40], "{what}");
        for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
            let mut key = values(x.clone());
            for (key, kept) in key.chunks_mut(8).zip(three_masked(5)) {
                if !kept {
                    key.fill(special);
                }
            }
            let key = TensorData::new(key, [3, 5, 8]);
            assert_eq!(
                attend(Tensor::from_data(key, &device())),
                expected,
                "{what}: {special}"
            );
        }
    });
}

#[test]
fn padding_stays_out_where_every_score_is_far_below() {
    on_both(|what, cast| {
        let mask = TensorData::new(vec![true, true, false, true, false, true], [2, 3]);
        let mask = Tensor::<2, Bool>::from_data(mask, &device());
        let ones = Tensor::<3>::ones([2, 3, 4], &device());
        let [query, key, value] = [ones.clone() * -1e4, ones.clone() * 1e4, ones].map(cast);
        let context = fused::attention(query, key, value, 1, Some(mask), None);
        assert_eq!(values(context), [1.0; 24], "{what}");
    });
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
