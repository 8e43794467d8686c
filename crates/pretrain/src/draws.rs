//! Random generators keyed by their purpose.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a draw decides. Different purposes give unrelated draws, even for the same seed and position.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Where short sequences end: position of the document.
    Packing = 1,
    /// Order of the sequences in an epoch.
    Order = 2,
    /// Masked words: position of the sequence.
    Masking = 3,
}

/// The generator for one position, which does not depend on any other draws.
pub(crate) fn generator(seed: u64, purpose: Purpose, epoch: u64, position: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (part, value) in key
        .chunks_exact_mut(8)
        .zip([seed, purpose as u64, epoch, position])
    {
        part.copy_from_slice(&value.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}
