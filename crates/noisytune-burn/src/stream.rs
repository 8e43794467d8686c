//! The unit draws: a pure function of (seed, parameter path, element index).
//!
//! A parameter's key is SHA-256 over a version tag, the seed and the path. The key opens a ChaCha8
//! stream, whose 32-bit words are read by position, so any part of it can be made on its own: by any
//! thread, in any order, or by a device, because ChaCha needs only additions, exclusive ors and
//! rotations of 32-bit words.

use chacha8_lanes::{GROUP, Words, dispatch};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::NoiseKind;
use crate::moments::BLOCK;

/// Changing how draws are made means changing this tag, so that equal seeds mean equal noise.
const VERSION: &[u8] = b"noisytune-burn/1";

/// The infinite sequence of unit draws that belongs to one parameter under one seed.
#[derive(Clone)]
pub(crate) struct UnitStream {
    key: [u32; 8],
    gaussian: bool,
}

impl UnitStream {
    pub(crate) fn new(seed: u64, path: &str, kind: NoiseKind) -> Self {
        let mut hash = Sha256::new();
        hash.update(VERSION);
        hash.update(seed.to_le_bytes());
        hash.update(path.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let (words, _) = digest.as_chunks::<4>();
        Self {
            key: std::array::from_fn(|word| u32::from_le_bytes(words[word])),
            gaussian: !matches!(kind, NoiseKind::Uniform),
        }
    }

    /// What the words are made from.
    pub(crate) fn key(&self) -> &[u32; 8] {
        &self.key
    }

    /// Whether the draws are normal rather than uniform.
    pub(crate) fn is_gaussian(&self) -> bool {
        self.gaussian
    }

    /// A bound of the draws' absolute values.
    pub(crate) fn largest(&self) -> f64 {
        if self.gaussian { 6.77 } else { 0.5 }
    }

    /// Hands the draws `start..start + len` to `consume`, in order, as (offset in the range, draws).
    #[inline(always)]
    pub(crate) fn for_each_batch<S: Simd>(
        &self,
        simd: S,
        start: usize,
        len: usize,
        mut consume: impl FnMut(usize, &[f32]),
    ) {
        let mut draws = [0f32; GROUP];
        let mut offset = 0;
        while offset < len {
            let position = start + offset;
            let (group, skipped) = (position / GROUP, position % GROUP);
            let count = (GROUP - skipped).min(len - offset);
            let words = Words {
                key: &self.key,
                group: group as u64,
            };
            let words = words.with_simd(simd);
            if self.gaussian {
                for (pair, out) in words.chunks_exact(2).zip(draws.chunks_exact_mut(2)) {
                    (out[0], out[1]) = gaussian_pair(pair[0], pair[1]);
                }
            } else {
                for (word, out) in words.iter().zip(&mut draws) {
                    *out = uniform(*word);
                }
            }
            consume(offset, &draws[skipped..skipped + count]);
            offset += count;
        }
    }

    /// The draws `start..start + len`, made on all cores.
    pub(crate) fn draws(&self, start: usize, len: usize) -> Vec<f32> {
        let mut draws = vec![0f32; len];
        draws
            .par_chunks_mut(BLOCK)
            .enumerate()
            .for_each(|(index, out)| {
                dispatch(Draws {
                    stream: self,
                    start: start + index * BLOCK,
                    out,
                });
            });
        draws
    }
}

/// Writes the draws from `start` on.
struct Draws<'a> {
    stream: &'a UnitStream,
    start: usize,
    out: &'a mut [f32],
}

impl WithSimd for Draws<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { stream, start, out } = self;
        stream.for_each_batch(simd, start, out.len(), |offset, batch| {
            out[offset..offset + batch.len()].copy_from_slice(batch);
        });
    }
}

/// Maps a word to `(⌊word / 2⁸⌋ + 1/2) / 2²⁴ - 1/2`: one of 2²⁴ values, symmetric around 0, inside
/// (-1/2, 1/2), each an odd multiple of 2⁻²⁵ and so exact in f32.
#[inline(always)]
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

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: usize = 10_000_000;

    fn draws(seed: u64, path: &str, kind: NoiseKind) -> Vec<f32> {
        UnitStream::new(seed, path, kind).draws(0, COUNT)
    }

    /// Kolmogorov's statistic √n · sup |F_n - F|; above 1.95 with probability 0.1 %.
    fn kolmogorov(mut draws: Vec<f32>, cdf: impl Fn(f64) -> f64) -> f64 {
        draws.sort_unstable_by(f32::total_cmp);
        let n = draws.len() as f64;
        let distance = draws.iter().enumerate().fold(0f64, |distance, (i, draw)| {
            let expected = cdf(f64::from(*draw));
            let (below, above) = (i as f64 / n, (i + 1) as f64 / n);
            distance
                .max((expected - below).abs())
                .max((above - expected).abs())
        });
        distance * n.sqrt()
    }

    /// Pearson's correlation times √n: normal with sd 1 for independent draws.
    fn correlation(a: &[f32], b: &[f32]) -> f64 {
        let sum = |x: &[f32], y: &[f32]| -> f64 {
            x.iter()
                .zip(y)
                .map(|(x, y)| f64::from(*x) * f64::from(*y))
                .sum()
        };
        // Both means are 0 up to an error that vanishes in the product.
        let n = a.len().min(b.len());
        let (a, b) = (&a[..n], &b[..n]);
        sum(a, b) / (sum(a, a) * sum(b, b)).sqrt() * (n as f64).sqrt()
    }

    #[test]
    fn ten_million_uniform_draws_pass_the_kolmogorov_smirnov_test() {
        let draws = draws(7, "encoder.weight", NoiseKind::Uniform);
        let statistic = kolmogorov(draws, |x| x + 0.5);
        assert!(statistic < 1.95, "{statistic}");
    }

    #[test]
    fn ten_million_gaussian_draws_pass_the_kolmogorov_smirnov_test() {
        let draws = draws(7, "encoder.weight", NoiseKind::Gaussian);
        let cdf = |x: f64| 0.5 * libm::erfc(-x / core::f64::consts::SQRT_2);
        let statistic = kolmogorov(draws, cdf);
        assert!(statistic < 1.95, "{statistic}");
    }

    #[test]
    fn streams_of_other_seeds_and_paths_and_later_draws_are_uncorrelated() {
        let base = draws(7, "layers.1.weight", NoiseKind::Uniform);
        let others = [
            draws(8, "layers.1.weight", NoiseKind::Uniform),
            draws(7 << 32, "layers.1.weight", NoiseKind::Uniform),
            draws(7, "layers.2.weight", NoiseKind::Uniform),
            draws(7, "layers.11.weight", NoiseKind::Uniform),
            base[1..].to_vec(),
            base[2..].to_vec(),
            base[16..].to_vec(),
            base[64..].to_vec(),
        ];
        for (index, other) in others.iter().enumerate() {
            let statistic = correlation(&base, other);
            // Four sd: once in 16,000 tests, and the draws are the same in every run.
            assert!(statistic.abs() < 4.0, "{index}: {statistic}");
        }
    }

    #[test]
    fn any_part_of_a_stream_can_be_made_alone() {
        for kind in [NoiseKind::Uniform, NoiseKind::Gaussian] {
            let stream = UnitStream::new(1, "weight", kind);
            let whole = stream.draws(0, 10_000);
            for (start, len) in [
                (0, 1),
                (1, 3),
                (255, 2),
                (1023, 5),
                (1024, 2048),
                (8191, 1001),
            ] {
                assert_eq!(stream.draws(start, len), whole[start..start + len]);
            }
        }
    }

    #[test]
    fn uniform_draws_are_symmetric_exact_and_inside_the_open_interval() {
        assert_eq!(uniform(0), -0.5 + 1.0 / (1 << 25) as f32);
        assert_eq!(uniform(u32::MAX), 0.5 - 1.0 / (1 << 25) as f32);
        for word in (0..u32::MAX).step_by(65_537) {
            assert_eq!(uniform(word), -uniform(!word));
            let exact = (f64::from(word >> 8) + 0.5) / f64::from(1 << 24) - 0.5;
            assert_eq!(f64::from(uniform(word)), exact);
        }
    }

    #[test]
    fn gaussian_draws_are_finite_at_the_ends_of_the_range() {
        for first in [0, u32::MAX] {
            for second in [0, u32::MAX] {
                let (a, b) = gaussian_pair(first, second);
                assert!(a.abs() < 6.77 && b.abs() < 6.77, "{a} {b}");
            }
        }
    }
}
