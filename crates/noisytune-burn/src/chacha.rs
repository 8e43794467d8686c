//! The words behind the draws: ChaCha8, sixteen blocks side by side.
//!
//! Word `i` is word `(i mod 256) / 16` of block `16 ⌊i / 256⌋ + i mod 16`: neighbours come from
//! neighbouring blocks, so that a vector register or a warp produces consecutive words without
//! shuffling.

use pulp::Simd;

/// Words made together.
pub(crate) const GROUP: usize = LANES * BLOCK_WORDS;

/// Blocks side by side: the u32 lanes of the widest vectors there are.
pub(crate) const LANES: usize = 16;
pub(crate) const BLOCK_WORDS: usize = 16;
pub(crate) const DOUBLE_ROUNDS: usize = 4;

/// "expand 32-byte k", the constant words of ChaCha.
pub(crate) const SIGMA: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Writes words `256 group..256 (group + 1)` under the key.
#[inline(always)]
pub(crate) fn words<S: Simd>(simd: S, key: &[u32; 8], group: u64, out: &mut [u32; GROUP]) {
    const { assert!(LANES.is_multiple_of(S::U32_LANES)) };
    let first_block = group * LANES as u64;
    let mut counters = [0; LANES];
    for (counter, lane) in counters.iter_mut().zip(0..) {
        // Cannot carry into the upper half: the first block is a multiple of 16.
        *counter = first_block as u32 + lane;
    }
    let mut start = [simd.splat_u32s(0); BLOCK_WORDS];
    for (word, constant) in start[..4].iter_mut().zip(SIGMA) {
        *word = simd.splat_u32s(constant);
    }
    for (word, key) in start[4..12].iter_mut().zip(key) {
        *word = simd.splat_u32s(*key);
    }
    start[13] = simd.splat_u32s((first_block >> 32) as u32);

    let (out, _) = S::as_mut_simd_u32s(out);
    let (counters, _) = S::as_simd_u32s(&counters);
    // Vectors of one row of sixteen lanes.
    let vectors = LANES / S::U32_LANES;
    for (vector, &counter) in counters.iter().enumerate() {
        start[12] = counter;
        let mut x = start;
        for _ in 0..DOUBLE_ROUNDS {
            quarter_round(simd, &mut x, [0, 4, 8, 12]);
            quarter_round(simd, &mut x, [1, 5, 9, 13]);
            quarter_round(simd, &mut x, [2, 6, 10, 14]);
            quarter_round(simd, &mut x, [3, 7, 11, 15]);
            quarter_round(simd, &mut x, [0, 5, 10, 15]);
            quarter_round(simd, &mut x, [1, 6, 11, 12]);
            quarter_round(simd, &mut x, [2, 7, 8, 13]);
            quarter_round(simd, &mut x, [3, 4, 9, 14]);
        }
        for word in 0..BLOCK_WORDS {
            out[word * vectors + vector] = simd.add_u32s(x[word], start[word]);
        }
    }
}

#[inline(always)]
fn quarter_round<S: Simd>(simd: S, x: &mut [S::u32s; BLOCK_WORDS], [a, b, c, d]: [usize; 4]) {
    x[a] = simd.add_u32s(x[a], x[b]);
    x[d] = rotate_left(simd, simd.xor_u32s(x[d], x[a]), 16);
    x[c] = simd.add_u32s(x[c], x[d]);
    x[b] = rotate_left(simd, simd.xor_u32s(x[b], x[c]), 12);
    x[a] = simd.add_u32s(x[a], x[b]);
    x[d] = rotate_left(simd, simd.xor_u32s(x[d], x[a]), 8);
    x[c] = simd.add_u32s(x[c], x[d]);
    x[b] = rotate_left(simd, simd.xor_u32s(x[b], x[c]), 7);
}

#[inline(always)]
fn rotate_left<S: Simd>(simd: S, x: S::u32s, bits: u32) -> S::u32s {
    simd.or_u32s(
        simd.wrapping_dyn_shl_u32s(x, simd.splat_u32s(bits)),
        simd.wrapping_dyn_shr_u32s(x, simd.splat_u32s(32 - bits)),
    )
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::simd::dispatch;

    struct Words<'a> {
        key: &'a [u32; 8],
        group: u64,
    }

    impl WithSimd for Words<'_> {
        type Output = [u32; GROUP];

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let mut out = [0; GROUP];
            words(simd, self.key, self.group, &mut out);
            out
        }
    }

    #[test]
    fn every_instruction_set_gives_the_blocks_of_chacha8_side_by_side() {
        let bytes: [u8; 32] = std::array::from_fn(|i| (37 * i + 11) as u8);
        let (chunks, _) = bytes.as_chunks::<4>();
        let key: [u32; 8] = std::array::from_fn(|i| u32::from_le_bytes(chunks[i]));
        // On both sides of block 2^32, where the counter's upper half begins.
        for group in [0, 1, 77, (1 << 28) - 1, 1 << 28, (1 << 40) + 5] {
            let mut rng = ChaCha8Rng::from_seed(bytes);
            rng.set_word_pos(u128::from(group) * GROUP as u128);
            let stream: Vec<u32> = (0..GROUP).map(|_| rng.next_u32()).collect();
            let expected: [u32; GROUP] = std::array::from_fn(|i| stream[i % 16 * 16 + i / 16]);
            let words = || Words { key: &key, group };
            assert_eq!(dispatch(words()), expected, "best, group {group}");
            let scalar = Simd::vectorize(pulp::Scalar::new(), words());
            assert_eq!(scalar, expected, "scalar, group {group}");
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V3::try_new() {
                let avx2 = Simd::vectorize(simd, words());
                assert_eq!(avx2, expected, "AVX2, group {group}");
            }
        }
    }
}
