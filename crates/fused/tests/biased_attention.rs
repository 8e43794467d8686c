//! Attention with a bias of the scores against the formula in Burn's operations.

mod reference;

use burn::tensor::activation::softmax;
use burn::tensor::{Bool, FloatDType, Tensor, TensorData};
use fused::{Dropout, DropoutKey};
use reference::{Leaves, ROUNDING, assert_same, device, values};

/// Batch, heads, queries, keys, width of a head.
const SIZES: [[usize; 5]; 6] = [
    [1, 1, 1, 1, 1],
    [2, 3, 5, 5, 4],
    [3, 2, 17, 17, 8],
    [2, 12, 38, 38, 32],
    [4, 2, 1, 33, 16],
    // More scores than one block of the kernel.
    [1, 2, 300, 400, 3],
];

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

/// Query, key, value and a bias that is the same for all sequences or heads, or for neither.
fn shapes([batch, heads, queries, keys, d]: [usize; 5], bias: [bool; 2]) -> [Vec<usize>; 4] {
    let key = vec![batch, keys, heads * d];
    let [sequences, of_heads] =
        [(batch, bias[0]), (heads, bias[1])].map(|(n, is)| if is { n } else { 1 });
    let bias = vec![sequences, of_heads, queries, keys];
    [vec![batch, queries, heads * d], key.clone(), key, bias]
}

fn formula(
    x: &Leaves,
    [batch, heads, queries, keys, d]: [usize; 5],
    mask: Tensor<2, Bool>,
    multipliers: Option<Tensor<4>>,
) -> Tensor<3> {
    let split = |x: Tensor<3>, length| x.reshape([batch, length, heads, d]).swap_dims(1, 2);
    let (query, key, value) = (
        split(x.get(0), queries),
        split(x.get(1), keys),
        split(x.get(2), keys),
    );
    let scores = query.matmul(key.transpose()) / (d as f64).sqrt() + x.get::<4>(3);
    let mask = mask
        .reshape([batch, 1, 1, keys])
        .expand([batch, heads, queries, keys]);
    let probabilities = softmax(scores.mask_fill(mask.bool_not(), -1e9), 3);
    let probabilities = match multipliers {
        Some(multipliers) => probabilities * multipliers,
        None => probabilities,
    };
    probabilities
        .matmul(value)
        .swap_dims(1, 2)
        .reshape([batch, queries, heads * d])
}

fn dropout() -> Option<Dropout> {
    let key = DropoutKey {
        seed: 7,
        step: 3,
        site: 5,
    };
    Dropout::new(0.3, key).expect("in range")
}

/// The documented place of every probability, from the elementwise operation.
fn multipliers([batch, heads, queries, keys, _]: [usize; 5]) -> Tensor<4> {
    let stride = (queries * keys).next_multiple_of(512);
    let ones = Tensor::<2>::ones([batch * heads, stride], &device());
    let mask = values(fused::dropout(ones, dropout()));
    let kept: Vec<f32> = mask
        .chunks(stride)
        .flat_map(|head| head[..queries * keys].to_vec())
        .collect();
    let shape = [batch, heads, queries, keys];
    Tensor::from_data(TensorData::new(kept, shape), &device())
}

fn biased(x: &Leaves, heads: usize, mask: Tensor<2, Bool>, dropout: Option<Dropout>) -> Tensor<3> {
    let inputs = [0, 1, 2].map(|index| x.get(index));
    fused::biased_attention(inputs, x.get(3), heads, mask, dropout)
}

#[test]
fn values_and_gradients_equal_the_formula_with_padding_and_dropout() {
    for size in SIZES {
        let [batch, heads, _, keys, _] = size;
        for of_bias in [[true, true], [false, true], [true, false], [false, false]] {
            for dropout in [None, dropout()] {
                let shapes = shapes(size, of_bias);
                let kept = dropout.map(|_| multipliers(size));
                assert_same::<3>(
                    &format!("biased attention {size:?}, bias {:?}", shapes[3]),
                    |x| biased(x, heads, padded(batch, keys), dropout),
                    |x| formula(x, size, padded(batch, keys), kept.clone()),
                    &shapes.each_ref().map(Vec::as_slice),
                    ROUNDING,
                );
            }
        }
    }
}

/// Double precision takes on flex what other backends run.
#[test]
fn burns_primitives_add_the_bias_as_the_kernel_does() {
    for size in SIZES {
        let [batch, heads, _, keys, _] = size;
        let shapes = shapes(size, [true, true]);
        let double = |x: Tensor<3>| x.cast(FloatDType::F64);
        assert_same::<3>(
            &format!("biased attention {size:?} in double precision"),
            |x| biased(x, heads, padded(batch, keys), dropout()),
            |x| {
                let inputs = [0, 1, 2].map(|index| double(x.get(index)));
                let bias = x.get::<4>(3).cast(FloatDType::F64);
                let mask = padded(batch, keys);
                fused::biased_attention(inputs, bias, heads, mask, dropout()).cast(FloatDType::F32)
            },
            &shapes.each_ref().map(Vec::as_slice),
            ROUNDING,
        );
    }
}

#[test]
fn a_bias_of_zeros_changes_nothing() {
    let [batch, heads, queries, keys, d] = SIZES[2];
    let input = |seed| reference::constant(seed, [batch, keys, heads * d]);
    let inputs = || [1, 2, 3].map(input);
    let mask = || padded(batch, keys);
    let bias = Tensor::zeros([1, 1, queries, keys], &device());
    let biased = fused::biased_attention(inputs(), bias, heads, mask(), dropout());
    let [query, key, value] = inputs();
    let plain = fused::attention(query, key, value, heads, Some(mask()), dropout());
    assert_eq!(values(biased), values(plain));
}

/// Rows whose every key is out of reach or padding, as those of padding are under a local window.
#[test]
fn a_large_negative_bias_is_no_nan() {
    let (batch, heads, length, d) = (2, 2, 9, 4);
    let bias = Tensor::<4>::full([1, 1, length, length], -1e30, &device());
    let mut kept = vec![false; batch * length];
    kept[0] = true;
    let mask = Tensor::from_data(TensorData::new(kept, [batch, length]), &device());
    let inputs = [1, 2, 3].map(|seed| reference::leaf(seed, [batch, length, heads * d]));
    let context = fused::biased_attention(inputs.clone(), bias, heads, mask, None);
    let grads = context.clone().sum().backward();
    assert!(values(context).iter().all(|x| x.is_finite()));
    for input in inputs {
        let grad = input.grad(&grads).expect("it takes part");
        assert!(values(grad).iter().all(|x| x.is_finite()));
    }
}
