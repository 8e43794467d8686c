//! The words in CubeCL kernels: each unit makes one block.

use cubecl::prelude::*;

use crate::{BLOCK_WORDS, DOUBLE_ROUNDS};

/// The key of a stream, as an argument of a kernel: `KeyLaunch::new(..)` takes its words.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub struct Key {
    /// Word 0.
    pub k0: u32,
    /// Word 1.
    pub k1: u32,
    /// Word 2.
    pub k2: u32,
    /// Word 3.
    pub k3: u32,
    /// Word 4.
    pub k4: u32,
    /// Word 5.
    pub k5: u32,
    /// Word 6.
    pub k6: u32,
    /// Word 7.
    pub k7: u32,
}

/// The sixteen words of block `counter`, which is below 2³².
#[cube]
pub fn block(key: &Key, counter: u32) -> Array<u32> {
    let mut start = Array::<u32>::new(BLOCK_WORDS);
    // "expand 32-byte k"
    start[0] = 0x6170_7865;
    start[1] = 0x3320_646e;
    start[2] = 0x7962_2d32;
    start[3] = 0x6b20_6574;
    start[4] = key.k0;
    start[5] = key.k1;
    start[6] = key.k2;
    start[7] = key.k3;
    start[8] = key.k4;
    start[9] = key.k5;
    start[10] = key.k6;
    start[11] = key.k7;
    start[12] = counter;
    start[13] = 0;
    start[14] = 0;
    start[15] = 0;
    let mut words = Array::<u32>::new(BLOCK_WORDS);
    #[unroll]
    for i in 0..BLOCK_WORDS {
        words[i] = start[i];
    }
    #[unroll]
    for _ in 0..DOUBLE_ROUNDS as u32 {
        quarter_round(&mut words, 0usize, 4usize, 8usize, 12usize);
        quarter_round(&mut words, 1usize, 5usize, 9usize, 13usize);
        quarter_round(&mut words, 2usize, 6usize, 10usize, 14usize);
        quarter_round(&mut words, 3usize, 7usize, 11usize, 15usize);
        quarter_round(&mut words, 0usize, 5usize, 10usize, 15usize);
        quarter_round(&mut words, 1usize, 6usize, 11usize, 12usize);
        quarter_round(&mut words, 2usize, 7usize, 8usize, 13usize);
        quarter_round(&mut words, 3usize, 4usize, 9usize, 14usize);
    }
    #[unroll]
    for i in 0..BLOCK_WORDS {
        words[i] += start[i];
    }
    words
}

#[cube]
fn quarter_round(
    words: &mut Array<u32>,
    #[comptime] a: usize,
    #[comptime] b: usize,
    #[comptime] c: usize,
    #[comptime] d: usize,
) {
    words[a] += words[b];
    words[d] = rotate_left(words[d] ^ words[a], 16u32);
    words[c] += words[d];
    words[b] = rotate_left(words[b] ^ words[c], 12u32);
    words[a] += words[b];
    words[d] = rotate_left(words[d] ^ words[a], 8u32);
    words[c] += words[d];
    words[b] = rotate_left(words[b] ^ words[c], 7u32);
}

#[cube]
#[allow(clippy::manual_rotate)] // CubeCL has no rotation.
fn rotate_left(x: u32, #[comptime] bits: u32) -> u32 {
    (x << bits) | (x >> (32 - bits))
}
