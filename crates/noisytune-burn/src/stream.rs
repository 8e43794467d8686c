//! The unit draws: a pure function of (seed, parameter path, element index).
//!
//! A parameter's key is SHA-256 over a version tag, the seed and the path. The key opens a ChaCha8
//! stream, whose 32-bit words are read by position, so any part of it can be made alone: by any
//! thread, in any order, or by a device, since ChaCha needs nothing but additions, exclusive ors
//! and rotations of 32-bit words.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

use crate::NoiseKind;

/// Changing how draws are made means changing this tag, so that equal seeds mean equal noise.
const VERSION: &[u8] = b"noisytune-burn/1";

/// Words made at a time; 4 KiB stay in the first cache level next to the elements they perturb.
const BATCH: usize = 1024;

/// The infinite sequence of unit draws that belongs to one parameter under one seed.
#[derive(Clone)]
pub(crate) struct UnitStream {
    key: [u8; 32],
    gaussian: bool,
}

impl UnitStream {
    pub(crate) fn new(seed: u64, path: &str, kind: NoiseKind) -> Self {
        let mut hash = Sha256::new();
        hash.update(VERSION);
        hash.update(seed.to_le_bytes());
        hash.update(path.as_bytes());
        Self {
            key: hash.finalize().into(),
            gaussian: !matches!(kind, NoiseKind::Uniform),
        }
    }

    /// Hands the draws `start..start + len` to `consume`, in order, as (offset in the range, draws).
    ///
    /// `start` must be even, because a pair of Gaussian draws shares a pair of words.
    pub(crate) fn for_each_batch(
        &self,
        start: usize,
        len: usize,
        mut consume: impl FnMut(usize, &[f32]),
    ) {
        debug_assert!(start.is_multiple_of(2));
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_word_pos(start as u128);
        let mut bytes = [0u8; 4 * BATCH];
        let mut draws = [0f32; BATCH];
        for offset in (0..len).step_by(BATCH) {
            let count = BATCH.min(len - offset);
            // An odd tail still needs both words of its last pair.
            let words = count.next_multiple_of(2);
            rng.fill_bytes(&mut bytes[..4 * words]);
            let (words, _) = bytes[..4 * words].as_chunks::<4>();
            if self.gaussian {
                for (pair, out) in words.chunks_exact(2).zip(draws.chunks_exact_mut(2)) {
                    let (first, second) =
                        gaussian_pair(u32::from_le_bytes(pair[0]), u32::from_le_bytes(pair[1]));
                    out[0] = first;
                    out[1] = second;
                }
            } else {
                for (word, out) in words.iter().zip(&mut draws) {
                    *out = uniform(u32::from_le_bytes(*word));
                }
            }
            consume(offset, &draws[..count]);
        }
    }
}

/// Maps a word to `(⌊word / 2⁸⌋ + 1/2) / 2²⁴ - 1/2`: one of 2²⁴ values, symmetric around 0, inside
/// (-1/2, 1/2), each an odd multiple of 2⁻²⁵ and so exact in f32.
#[inline]
fn uniform(word: u32) -> f32 {
    let odd = ((word >> 8) << 1) as i32 + 1 - (1 << 24);
    odd as f32 * (1.0 / (1 << 25) as f32)
}

/// Box–Muller on the midpoints of 2³² cells, in f64, rounded once; |draw| is at most 6.77.
///
/// `libm` and not the functions of `std`, whose last bits depend on the platform.
fn gaussian_pair(first: u32, second: u32) -> (f32, f32) {
    const CELL: f64 = 1.0 / (1u64 << 32) as f64;
    let radius = libm::sqrt(-2.0 * libm::log((f64::from(first) + 0.5) * CELL));
    let angle = core::f64::consts::TAU * ((f64::from(second) + 0.5) * CELL);
    let (sin, cos) = libm::sincos(angle);
    ((radius * cos) as f32, (radius * sin) as f32)
}
