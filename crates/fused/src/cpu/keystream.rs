//! The dropout mask, sixteen ChaCha8 blocks at a time.

use chacha8_lanes::{LANES, for_each_vector};
use pulp::{Simd, WithSimd};

use super::simd;
use crate::key::Dropout;
use crate::mask::GROUP;

/// Writes what elements `start..start + out.len()` are multiplied by: 0 or the rescaling factor.
///
/// The same values as [`crate::mask::fill`].
pub(super) fn fill(dropout: &Dropout, start: usize, out: &mut [f32]) {
    simd::dispatch(Fill {
        dropout,
        start,
        out,
    });
}

struct Fill<'a> {
    dropout: &'a Dropout,
    start: usize,
    out: &'a mut [f32],
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut key = [0; 8];
        for (word, bytes) in key.iter_mut().zip(self.dropout.key.bytes().chunks_exact(4)) {
            *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        let threshold = simd.splat_u32s(u32::from(self.dropout.threshold));
        let scale = simd.splat_f32s(self.dropout.scale());
        let mut out = self.out;
        let mut position = self.start;
        while !out.is_empty() {
            let (group, offset) = ((position / GROUP) as u64, position % GROUP);
            let count = (GROUP - offset).min(out.len());
            let (part, rest) = out.split_at_mut(count);
            if let Ok(whole) = <&mut [f32; GROUP]>::try_from(&mut *part) {
                group_multipliers(simd, &key, group, threshold, scale, whole);
            } else {
                let mut whole = [0.0; GROUP];
                group_multipliers(simd, &key, group, threshold, scale, &mut whole);
                part.copy_from_slice(&whole[offset..offset + count]);
            }
            position += count;
            out = rest;
        }
    }
}

/// The multipliers of elements `512 group..512 (group + 1)`.
#[inline(always)]
fn group_multipliers<S: Simd>(
    simd: S,
    key: &[u32; 8],
    group: u64,
    threshold: S::u32s,
    scale: S::f32s,
    out: &mut [f32; GROUP],
) {
    let low_half = simd.splat_u32s(0xffff);
    let zero = simd.splat_f32s(0.0);
    let (out, _) = S::as_mut_simd_f32s(out);
    // Vectors of one row of sixteen lanes.
    let vectors = LANES / S::U32_LANES;
    // Inlined: a function of its own would not be compiled for `S`.
    for_each_vector(
        simd,
        key,
        group,
        #[inline(always)]
        |index, bits| {
            let low = simd.and_u32s(bits, low_half);
            let high = simd.wrapping_dyn_shr_u32s(bits, simd.splat_u32s(16));
            let row = index / vectors * 2 * vectors + index % vectors;
            let kept = simd.greater_than_or_equal_u32s(low, threshold);
            out[row] = simd.select_f32s(kept, scale, zero);
            let kept = simd.greater_than_or_equal_u32s(high, threshold);
            out[row + vectors] = simd.select_f32s(kept, scale, zero);
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::DropoutKey;
    use crate::mask;

    #[test]
    fn every_instruction_set_gives_the_reference_mask() {
        let key = DropoutKey {
            seed: 0x0123_4567_89ab_cdef,
            step: 1 << 33,
            site: 9,
        };
        for (threshold, start, count) in [
            (6554, 0, 2048),
            (1, 3, 1),
            (40_000, 500, 30),
            (65_535, 511, 1030),
            // Blocks on both sides of 2^32.
            (32_768, 32 * (1 << 32) - 700, 1400),
        ] {
            let dropout = &Dropout { threshold, key };
            let mut expected = vec![f32::NAN; count];
            mask::fill(dropout, start, &mut expected);
            simd::on_every_instruction_set(|run| {
                let mut got = vec![f32::NAN; count];
                let out = &mut got;
                run.call(Fill {
                    dropout,
                    start,
                    out,
                });
                assert_eq!(got, expected, "{run:?}: {count} elements from {start}");
            });
        }
    }
}
