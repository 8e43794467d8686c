//! Attention: padded and packed, with and without dropout, and scores that are not finite.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use fused::{Dropout, DropoutKey, Packing};

use crate::values::{assert_close, leaf, read};
use crate::world::turn;

/// Relative where the numbers are above 1: single precision, products of some hundred terms of order 1 in two orders, and the
/// exponential of two devices.
const ROUNDING: f64 = 1e-4;
/// Batch, queries, keys, heads and width: fewer and more keys than the units of a cube. All tests have these few: a device tunes its
/// products for each size anew.
const SIZES: [[usize; 5]; 2] = [[4, 33, 33, 3, 12], [1, 3, 300, 1, 8]];

fn dropout() -> Option<Dropout> {
    let key = DropoutKey {
        seed: 13,
        step: 1 << 33,
        site: 4,
    };
    Dropout::new(0.2, key).expect("a probability")
}

/// Sequence `b` has padding behind `keys - b` keys, and the last of more than two nothing else.
fn key_mask(batch: usize, keys: usize, device: &Device) -> Tensor<2, Bool> {
    let of_row = |row: usize| match row + 1 == batch && batch > 2 {
        true => 0,
        false => keys.saturating_sub(row).max(1),
    };
    let mask = (0..batch).flat_map(|row| (0..keys).map(move |key| key < of_row(row)));
    let mask: Vec<bool> = mask.collect();
    Tensor::from_data(TensorData::new(mask, [batch, keys]), device)
}

/// The result of `change` and the gradients of what it was given: query, key and value.
fn result_and_gradients(
    shapes: [[usize; 3]; 2],
    change: impl Fn([Tensor<3>; 3]) -> Tensor<3>,
    device: &Device,
) -> Vec<Vec<f32>> {
    let device = &device.clone().autodiff();
    let inputs = [(1, shapes[0]), (2, shapes[1]), (3, shapes[1])];
    let inputs = inputs.map(|(salt, shape)| leaf(salt, shape, device));
    let result = change(inputs.clone());
    let upstream = leaf::<3>(99, result.dims(), device).detach();
    let gradients = (result.clone() * upstream).sum().backward();
    let mut all = vec![read(result)];
    all.extend(inputs.map(|input| read(input.grad(&gradients).expect("it takes part"))));
    all
}

pub(crate) fn attention_is_the_same_in_value_and_gradients(name: &str) {
    let turn = turn(name);
    for [batch, queries, keys, heads, width] in SIZES {
        for dropout in [None, dropout()] {
            for is_padded in [false, true] {
                let on = |device: &Device| {
                    let attend = |[query, key, value]: [Tensor<3>; 3]| {
                        let mask = is_padded.then(|| key_mask(batch, keys, &query.device()));
                        fused::attention(query, key, value, heads, mask, dropout)
                    };
                    let shapes = [[batch, queries, width], [batch, keys, width]];
                    result_and_gradients(shapes, attend, device)
                };
                let what = format!("{queries} queries, {keys} keys, padded: {is_padded}");
                let ours = on(&turn.device);
                assert_close(&what, ROUNDING, &ours, &on(&Device::flex()));
                assert!(ours == on(&turn.device), "{what}: the same bits again");
            }
        }
    }
}

pub(crate) fn attention_by_head_is_the_same_in_value_and_gradients(name: &str) {
    let turn = turn(name);
    for [batch, queries, keys, heads, width] in SIZES {
        for dropout in [None, dropout()] {
            for is_padded in [false, true] {
                let on = |device: &Device| {
                    let attend = |inputs: [Tensor<3>; 3]| {
                        let mask = is_padded.then(|| key_mask(batch, keys, &inputs[0].device()));
                        let [query, key, value] = inputs.map(|x| {
                            let [batch, sequence, _] = x.dims();
                            x.reshape([batch, sequence, heads, width / heads])
                                .swap_dims(1, 2)
                        });
                        fused::attention_by_head(query, key, value, mask, dropout)
                    };
                    let shapes = [[batch, queries, width], [batch, keys, width]];
                    result_and_gradients(shapes, attend, device)
                };
                let what = format!("{queries} queries, {keys} keys, padded: {is_padded}");
                let ours = on(&turn.device);
                assert_close(&what, ROUNDING, &ours, &on(&Device::flex()));
                assert!(ours == on(&turn.device), "{what}: the same bits again");
            }
        }
    }
}

pub(crate) fn packed_attention_is_the_same_in_value_and_gradients(name: &str) {
    let turn = turn(name);
    let [batch, queries, keys, heads, width] = SIZES[0];
    let [of_queries, of_keys] = [[3, 17, 1, queries], [5, 9, 1, keys]];
    assert_eq!(of_keys.len(), batch);
    for dropout in [None, dropout()] {
        let on = |device: &Device| {
            let attend = |[query, key, value]: [Tensor<3>; 3]| {
                let packings =
                    [of_queries, of_keys].map(|lengths| Packing::new(lengths).expect("few rows"));
                fused::packed_attention(query, key, value, heads, packings, dropout)
            };
            let shapes = [of_queries, of_keys].map(|lengths| [1, lengths.iter().sum(), width]);
            result_and_gradients(shapes, attend, device)
        };
        assert_close("packed", ROUNDING, &on(&turn.device), &on(&Device::flex()));
    }
}

pub(crate) fn scores_that_are_not_finite_spoil_their_rows_alone(name: &str) {
    let turn = turn(name);
    let [batch, queries, keys, heads, width] = SIZES[0];
    for special in [f32::NAN, f32::INFINITY] {
        let on = |device: &Device| {
            let attend = |[query, key, value]: [Tensor<3>; 3]| {
                let mut values = vec![0.0; batch * queries * width];
                values[2 * width] = special;
                let change = TensorData::new(values, [batch, queries, width]);
                let query = query.clone() + Tensor::from_data(change, &query.device());
                let mask = Some(key_mask(batch, keys, &query.device()));
                fused::attention(query, key, value, heads, mask, None)
            };
            let shapes = [[batch, queries, width], [batch, keys, width]];
            result_and_gradients(shapes, attend, device)
        };
        let ours = on(&turn.device);
        assert_close(
            &format!("{special}"),
            ROUNDING,
            &ours[..2],
            &on(&Device::flex())[..2],
        );
        // The first head of row 2.
        for (at, value) in ours[0].iter().enumerate() {
            let is_spoilt = at / width == 2 && at % width < width / heads;
            assert_eq!(value.is_nan(), is_spoilt, "{special}, element {at}");
        }
    }
}
