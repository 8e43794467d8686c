//! The share of a training file that is held out for validation.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::targets::Targets;

/// What the draw is keyed by, beside the seed.
const PURPOSE: &[u8] = b"tasks held-out rows 1";

/// A draw of rows: the same in every process, for the same file.
///
/// Every class gives its share, by the method of largest remainders, but a class of two rows or more gives
/// at least one and keeps at least one. Scores are drawn as if they were one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldOut {
    /// How many rows are held out; more if that is fewer than the classes that give one.
    pub rows: usize,
    /// Keys the draw, and nothing else.
    pub seed: u64,
}

/// Some of a file's rows, in the file's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The rows that are held out.
    Validation(HeldOut),
    /// The others.
    Train(HeldOut),
}

impl Part {
    /// Returns for each row of a file whether it is in the part.
    pub(super) fn of(self, rows: usize, targets: Option<&Targets>) -> Vec<bool> {
        let (held_out, wanted) = match self {
            Self::Validation(held_out) => (held_out, true),
            Self::Train(held_out) => (held_out, false),
        };
        let classes = match targets {
            Some(Targets::Classes(classes)) => classes.clone(),
            Some(Targets::Scores(_)) | None => vec![0; rows],
        };
        let is_held_out = held_out.draw(&classes);
        is_held_out.into_iter().map(|is| is == wanted).collect()
    }
}

impl HeldOut {
    /// Returns how many rows are held out of a file whose classes have so many rows each.
    pub(crate) fn count(self, classes: &[usize]) -> usize {
        shares(classes, self.rows).iter().sum()
    }

    /// Returns for each row with one of these targets whether it is held out.
    pub fn of(self, targets: &Targets) -> Vec<bool> {
        match targets {
            Targets::Classes(classes) => self.draw(classes),
            Targets::Scores(scores) => self.draw(&vec![0; scores.len()]),
        }
    }

    /// Returns for each row whether it is held out; `classes` has the class of each.
    fn draw(self, classes: &[usize]) -> Vec<bool> {
        let mut counts = vec![0; classes.iter().max().map_or(0, |last| last + 1)];
        for &class in classes {
            counts[class] += 1;
        }
        let mut left = shares(&counts, self.rows);
        let key = Sha256::new()
            .chain_update(PURPOSE)
            .chain_update(self.seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key.finalize().into());
        let mut order: Vec<usize> = (0..classes.len()).collect();
        order.shuffle(&mut rng);
        let mut is_held_out = vec![false; classes.len()];
        for row in order {
            let left = &mut left[classes[row]];
            if *left > 0 {
                *left -= 1;
                is_held_out[row] = true;
            }
        }
        is_held_out
    }
}

/// Shares `total` among classes of these sizes.
fn shares(counts: &[usize], total: usize) -> Vec<usize> {
    let rows = counts.iter().sum::<usize>().max(1);
    let most = |class: usize| counts[class].saturating_sub(1);
    let quota = |class: usize| total as u128 * counts[class] as u128;
    let mut shares: Vec<usize> = (0..counts.len())
        .map(|class| {
            let whole = usize::try_from(quota(class) / rows as u128).unwrap_or(usize::MAX);
            whole.clamp(most(class).min(1), most(class))
        })
        .collect();
    let mut by_remainder: Vec<usize> = (0..counts.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(quota(class) % rows as u128));
    let mut given: usize = shares.iter().sum();
    // Once around is enough for remainders. More is needed where classes cannot give what they should.
    while given < total {
        let before = given;
        for &class in &by_remainder {
            if given < total && shares[class] < most(class) {
                shares[class] += 1;
                given += 1;
            }
        }
        if given == before {
            break;
        }
    }
    // Small classes gave more than their share: the largest give less.
    while given > total {
        let largest = (0..counts.len()).rev().max_by_key(|&class| shares[class]);
        match largest.filter(|&class| shares[class] > 1) {
            Some(class) => shares[class] -= 1,
            None => break,
        }
        given -= 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_gives_its_share() {
        assert_eq!(shares(&[50, 50], 10), [5, 5]);
        assert_eq!(shares(&[900, 100], 100), [90, 10]);
        // Quotas 3.5, 3.3, 3.2: the largest remainder gets the tenth.
        assert_eq!(shares(&[35, 33, 32], 10), [4, 3, 3]);
        assert_eq!(shares(&[], 3), [0; 0]);
    }

    #[test]
    fn a_small_class_gives_one_and_keeps_one() {
        assert_eq!(shares(&[990, 4, 3, 2, 1], 100), [97, 1, 1, 1, 0]);
        assert_eq!(shares(&[2, 2, 2], 1), [1, 1, 1]);
        assert_eq!(shares(&[10, 2], 11), [9, 1]);
        assert_eq!(shares(&[1, 1], 1), [0, 0]);
    }

    #[test]
    fn the_draw_is_a_function_of_the_seed() {
        let classes: Vec<usize> = (0..20).map(|row| row % 2).collect();
        let drawn = |seed| -> Vec<usize> {
            let is_held_out = HeldOut { rows: 4, seed }.draw(&classes);
            (0..20).filter(|&row| is_held_out[row]).collect()
        };
        assert_eq!(drawn(0), drawn(0));
        assert_ne!(drawn(0), drawn(1));
        // Recorded runs depend on it: a change needs another PURPOSE.
        assert_eq!(drawn(0), [5, 8, 10, 19]);
    }
}
