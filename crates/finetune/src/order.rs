//! The order in which an epoch sees the examples.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Positions `0..examples`, shuffled by (seed, epoch) alone.
pub fn epoch_order(seed: u64, epoch: usize, examples: usize) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // The upper half of the streams: the lower half belongs to other draws of the same seed.
    rng.set_stream(1 << 63 | epoch as u64);
    let mut order: Vec<usize> = (0..examples).collect();
    order.shuffle(&mut rng);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_comes_once_an_epoch() {
        let mut order = epoch_order(3, 1, 1_000);
        order.sort_unstable();
        assert_eq!(order, (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_depends_on_seed_and_epoch_alone() {
        assert_eq!(epoch_order(3, 1, 100), epoch_order(3, 1, 100));
        assert_ne!(epoch_order(3, 1, 100), epoch_order(3, 2, 100));
        assert_ne!(epoch_order(3, 1, 100), epoch_order(4, 1, 100));
    }
}
