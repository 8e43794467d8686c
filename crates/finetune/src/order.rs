//! Which examples share a batch, and the order of the batches.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use study::{Batching, Recipe};

/// Number of batches whose examples [`Batching::Bucketed`] sorts by length together.
///
/// 50, as in transformers' `group_by_length`: enough for a batch to hold similar lengths, and few
/// enough for an epoch's order to stay random.
const POOL: usize = 50;

/// The batches of an epoch, as positions of examples; depends only on the arguments.
///
/// `lengths` are the numbers of tokens of each example. Every example occurs exactly once. One batch may be short:
/// the last, unless batching is [`Batching::Bucketed`].
pub fn epoch_batches(
    batching: Batching,
    seed: u64,
    epoch: usize,
    lengths: &[usize],
    batch_size: usize,
) -> Vec<Vec<usize>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // The upper half of the streams; the lower half is for other draws of the same seed.
    rng.set_stream(1 << 63 | epoch as u64);
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.shuffle(&mut rng);
    match batching {
        Batching::Shuffled | Batching::Packed => {
            order.chunks(batch_size).map(<[usize]>::to_vec).collect()
        }
        Batching::Bucketed => {
            for pool in order.chunks_mut(POOL.saturating_mul(batch_size)) {
                pool.sort_by_key(|&position| lengths[position]);
            }
            let mut batches: Vec<Vec<usize>> =
                order.chunks(batch_size).map(<[usize]>::to_vec).collect();
            batches.shuffle(&mut rng);
            batches
        }
    }
}

/// The batches of an epoch by optimizer step.
pub fn epoch_steps(
    recipe: &Recipe,
    seed: u64,
    epoch: usize,
    lengths: &[usize],
) -> Vec<Vec<Vec<usize>>> {
    let batches = epoch_batches(recipe.batching, seed, epoch, lengths, recipe.batch_size);
    let steps = batches.chunks(recipe.gradient_accumulation);
    steps.map(<[Vec<usize>]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Batching; 3] = [Batching::Shuffled, Batching::Bucketed, Batching::Packed];

    fn lengths() -> Vec<usize> {
        (0..1_003).map(|i| 3 + i * 7 % 40).collect()
    }

    #[test]
    fn every_example_occurs_once_per_epoch() {
        for kind in KINDS {
            let mut all = epoch_batches(kind, 3, 1, &lengths(), 8).concat();
            all.sort_unstable();
            assert_eq!(all, (0..1_003).collect::<Vec<_>>(), "{kind:?}");
        }
    }

    #[test]
    fn every_batch_but_one_is_full() {
        for kind in KINDS {
            let batches = epoch_batches(kind, 3, 1, &lengths(), 8);
            assert_eq!(batches.len(), 126);
            let short = batches.iter().filter(|batch| batch.len() < 8);
            assert_eq!(short.count(), 1, "{kind:?}");
        }
    }

    #[test]
    fn the_order_depends_only_on_seed_and_epoch() {
        for kind in KINDS {
            let batches = |seed, epoch| epoch_batches(kind, seed, epoch, &lengths(), 8);
            assert_eq!(batches(3, 1), batches(3, 1));
            assert_ne!(batches(3, 1), batches(3, 2));
            assert_ne!(batches(3, 1), batches(4, 1));
        }
    }

    #[test]
    fn buckets_need_less_padding_and_do_not_come_in_order_of_length() {
        let lengths = lengths();
        let padded = |kind| -> usize {
            let batches = epoch_batches(kind, 3, 1, &lengths, 8);
            let longest = |batch: &Vec<usize>| batch.iter().map(|&i| lengths[i]).max();
            batches
                .iter()
                .map(|batch| batch.len() * longest(batch).unwrap_or(0))
                .sum()
        };
        let tokens: usize = lengths.iter().sum();
        assert!(padded(Batching::Bucketed) * 100 < tokens * 110);
        assert!(padded(Batching::Shuffled) * 100 > tokens * 150);

        let firsts: Vec<usize> = epoch_batches(Batching::Bucketed, 3, 1, &lengths, 8)
            .iter()
            .map(|batch| lengths[batch[0]])
            .collect();
        let rises = firsts.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((40..85).contains(&rises), "{rises} of 125 steps rise");
    }

    #[test]
    fn accumulated_batches_hold_what_one_large_batch_would() {
        let recipe = |batch_size, gradient_accumulation| Recipe {
            batch_size,
            gradient_accumulation,
            ..Recipe::default()
        };
        let (small, large) = (recipe(8, 4), recipe(32, 1));
        let flat = |recipe| -> Vec<Vec<usize>> {
            let steps = epoch_steps(recipe, 3, 1, &lengths());
            assert_eq!(steps.len(), recipe.steps_per_epoch(1_003));
            steps.into_iter().map(|step| step.concat()).collect()
        };
        assert_eq!(flat(&small), flat(&large));
    }
}
