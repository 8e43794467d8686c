//! Dropout masks are a function of their key alone, on every backend.

use burn::tensor::{Device, Tensor};
use fused::{Dropout, DropoutKey, Packing};

use crate::world::turn;

/// Every bit of the key counts.
fn dropout(probability: f64) -> Option<Dropout> {
    let key = DropoutKey {
        seed: 0x0123_4567_89ab_cdef,
        step: 0xfedc_ba98_7654_3210,
        site: 0x0f1e_2d3c,
    };
    Dropout::new(probability, key).expect("a probability")
}

pub(crate) fn dropout_drops_the_same_elements(name: &str) {
    let turn = turn(name);
    // More than one block of the keystream, and a remainder that does not fill one.
    let shape = [3, 1000];
    let on = |device: &Device| -> Vec<f32> {
        let ones = Tensor::<2>::ones(shape, device);
        let dropped = fused::dropout(ones, dropout(0.1));
        dropped.into_data().try_to_vec().expect("f32 elements")
    };
    let (ours, theirs) = (on(&turn.device), on(&Device::flex()));
    // Multiplied by one: not even rounding may differ.
    assert_eq!(ours, theirs);
    assert!(theirs.iter().filter(|x| **x == 0.0).count() > 200);
}

const HEADS: usize = 3;
/// Queries and keys of the longest sequence: more than one block of the keystream, and a remainder.
const QUERIES: usize = 25;
const KEYS: usize = 27;

/// Which probabilities attention keeps, row by row: all scores are 0, and the value of key `j` is 1 in column `j` only.
fn kept(context: Tensor<3>) -> Vec<bool> {
    let context: Vec<f32> = context.into_data().try_to_vec().expect("f32 elements");
    assert!(context.iter().all(|x| x.is_finite()));
    context.iter().map(|x| *x > 0.0).collect()
}

/// One row per key, with a 1 in the key's column of every head.
fn one_hot(of_keys: &[usize], shape: [usize; 3], device: &Device) -> Tensor<3> {
    let rows = of_keys.iter().flat_map(|keys| 0..*keys);
    let values: Vec<f32> = rows
        .flat_map(|key| (0..HEADS * KEYS).map(move |x| if x % KEYS == key { 1.0 } else { 0.0 }))
        .collect();
    Tensor::<1>::from_floats(values.as_slice(), device).reshape(shape)
}

pub(crate) fn attention_drops_the_same_probabilities(name: &str) {
    let turn = turn(name);
    const BATCH: usize = 4;
    let on = |device: &Device| {
        let width = HEADS * KEYS;
        let query = Tensor::zeros([BATCH, QUERIES, width], device);
        let key = Tensor::zeros([BATCH, KEYS, width], device);
        let value = one_hot(&[KEYS; BATCH], key.dims(), device);
        let context = fused::attention(query, key, value, HEADS, None, dropout(0.3));
        kept(context)
    };
    let (ours, theirs) = (on(&turn.device), on(&Device::flex()));
    let dropped = theirs.iter().filter(|kept| !**kept).count() as f64;
    assert!((dropped / theirs.len() as f64 - 0.3).abs() < 0.02);
    assert_eq!(ours, theirs);
}

pub(crate) fn packed_attention_drops_the_same_probabilities(name: &str) {
    let turn = turn(name);
    // The longest is neither first nor last; one has a single key.
    let of_queries = [3, 20, QUERIES, 1, 7];
    let of_keys = [11, KEYS, 26, 1, 7];
    let on = |device: &Device| {
        let width = HEADS * KEYS;
        let [queries, keys] =
            [of_queries, of_keys].map(|lengths| Packing::new(lengths).expect("few rows"));
        let query = Tensor::zeros([1, queries.rows(), width], device);
        let key = Tensor::zeros([1, keys.rows(), width], device);
        let value = one_hot(&of_keys, key.dims(), device);
        let packings = [queries, keys];
        let context = fused::packed_attention(query, key, value, HEADS, packings, dropout(0.3));
        kept(context)
    };
    let (ours, theirs) = (on(&turn.device), on(&Device::flex()));
    let all: usize = of_queries
        .iter()
        .zip(of_keys)
        .map(|(q, k)| q * k * HEADS)
        .sum();
    let kept = theirs.iter().filter(|kept| **kept).count() as f64;
    assert!((kept / all as f64 - 0.7).abs() < 0.04);
    assert_eq!(ours, theirs);
}
