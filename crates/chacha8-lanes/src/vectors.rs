//! The words in vector registers.

use pulp::{Simd, WithSimd};

use crate::{BLOCK_WORDS, CONSTANTS, DOUBLE_ROUNDS, GROUP, LANES};

/// Makes words `256 group..256 (group + 1)` of a stream, and hands each vector of them to `take`, with
/// its index among the group's vectors: word `i` of the group is lane `i mod U32_LANES` of vector
/// `i / U32_LANES`. A stream has 2⁶⁰ groups and then begins anew.
///
/// Call it from a [`WithSimd`], so that it is compiled for `S`.
#[inline(always)]
pub fn for_each_vector<S: Simd>(
    simd: S,
    key: &[u32; 8],
    group: u64,
    mut take: impl FnMut(usize, S::u32s),
) {
    const { assert!(LANES.is_multiple_of(S::U32_LANES)) };
    let first_block = group.wrapping_mul(LANES as u64);
    let mut counters = [0; LANES];
    for (counter, lane) in counters.iter_mut().zip(0..) {
        // Cannot carry into the upper half: the first block is a multiple of 16.
        *counter = first_block as u32 + lane;
    }
    let mut start = [simd.splat_u32s(0); BLOCK_WORDS];
    for (word, constant) in start[..4].iter_mut().zip(CONSTANTS) {
        *word = simd.splat_u32s(constant);
    }
    for (word, key) in start[4..12].iter_mut().zip(key) {
        *word = simd.splat_u32s(*key);
    }
    start[13] = simd.splat_u32s((first_block >> 32) as u32);

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
            take(word * vectors + vector, simd.add_u32s(x[word], start[word]));
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

/// Words `256 group..256 (group + 1)` of a stream, made in the widest vectors of this processor. A stream has 2⁶⁰ groups and then
/// begins anew.
pub fn words(key: &[u32; 8], group: u64) -> [u32; GROUP] {
    dispatch(Words { key, group })
}

/// Runs an operation compiled for the widest vectors of this processor: AVX-512, AVX2 or NEON.
///
/// [`pulp::Arch`] alone leaves AVX2 out, unless one of pulp's features is on.
#[inline]
pub fn dispatch<Op: WithSimd>(operation: Op) -> Op::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V4::try_new() {
            return Simd::vectorize(simd, operation);
        }
        if let Some(simd) = pulp::x86::V3::try_new() {
            return Simd::vectorize(simd, operation);
        }
    }
    pulp::Arch::new().dispatch(operation)
}

/// What [`words`] makes, as a part of another vectorised operation.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// The key of the stream.
    pub key: &'a [u32; 8],
    /// Which group: words `256 group..256 (group + 1)`.
    pub group: u64,
}

impl WithSimd for Words<'_> {
    type Output = [u32; GROUP];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let mut out = [0; GROUP];
        let (vectors, _) = S::as_mut_simd_u32s(&mut out);
        for_each_vector(simd, self.key, self.group, |index, words| {
            vectors[index] = words;
        });
        out
    }
}
