//! The dropout mask from the reference ChaCha8 generator, for backends without a kernel of their own.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::dropout::{Dropout, DropoutKey};

/// ChaCha blocks computed side by side.
pub(crate) const LANES: usize = 16;
/// 32-bit words of one ChaCha block.
pub(crate) const BLOCK_WORDS: usize = 16;
/// Elements that sixteen blocks decide, two per word.
pub(crate) const GROUP: usize = 2 * LANES * BLOCK_WORDS;

impl DropoutKey {
    /// The ChaCha key.
    pub(crate) fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.step.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.site.to_le_bytes());
        bytes
    }
}

/// Writes what elements `start..start + out.len()` are multiplied by: 0, or the rescaling.
pub(crate) fn fill(dropout: &Dropout, start: usize, out: &mut [f32]) {
    let mut rng = ChaCha8Rng::from_seed(dropout.key.bytes());
    let scale = dropout.scale();
    let mut done = 0;
    while done < out.len() {
        let (group, offset) = ((start + done) / GROUP, (start + done) % GROUP);
        rng.set_word_pos((group * LANES * BLOCK_WORDS) as u128);
        let mut words = [[0u32; BLOCK_WORDS]; LANES];
        for word in words.as_flattened_mut() {
            *word = rng.next_u32();
        }
        let count = (GROUP - offset).min(out.len() - done);
        for (value, element) in out[done..done + count].iter_mut().zip(offset..) {
            let (word, half, lane) = (element / 32, element / 16 % 2, element % LANES);
            let bits = (words[lane][word] >> (16 * half)) as u16;
            *value = if bits >= dropout.threshold {
                scale
            } else {
                0.0
            };
        }
        done += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mask written out by `tests/golden/dropout_mask/generate.py`.
    #[test]
    fn the_mask_is_the_documented_one() {
        for line in include_str!("../tests/golden/dropout_mask/kept.txt").lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            let number = |i: usize| fields[i].parse::<u64>().expect("a number");
            let dropout = Dropout {
                threshold: number(3) as u16,
                key: DropoutKey {
                    seed: number(0),
                    step: number(1),
                    site: number(2) as u32,
                },
            };
            let expected: Vec<f32> = fields[5]
                .chars()
                .map(|kept| if kept == '1' { dropout.scale() } else { 0.0 })
                .collect();
            let mut got = vec![f32::NAN; expected.len()];
            fill(&dropout, number(4) as usize, &mut got);
            assert_eq!(got, expected, "{line}");
        }
    }
}
