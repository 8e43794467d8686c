//! Words masked for the model to predict.

use rand::RngExt;
use rand::seq::SliceRandom;

use crate::draws::{Purpose, generator};
use crate::recipe::Recipe;
use crate::vocabulary::{MASK, Vocabulary};

/// Share of the chosen tokens that become `[MASK]`.
const MASKED: f64 = 0.8;
/// Share of the chosen tokens that become `[MASK]` or a random word; the others stay.
const MASKED_OR_RANDOM: f64 = 0.9;

/// A sequence with masked words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// What the model sees, as long as the sequence.
    pub ids: Vec<u32>,
    /// The positions to predict, ascending.
    pub places: Vec<usize>,
    /// The right tokens there.
    pub targets: Vec<u32>,
}

/// Masks a share of a sequence, at least one token.
///
/// Of the chosen tokens, 80 % become `[MASK]`, 10 % a random word, and 10 % stay. With whole words, the
/// pieces of a word are chosen together if they fit into the share. The draws depend only on the seed,
/// the epoch and the sequence's position.
///
/// Source: Devlin et al. (2019), arXiv:1810.04805, section 3.1 and the reference implementation's
/// `create_masked_lm_predictions`.
pub fn mask(
    sequence: &[u32],
    vocabulary: &Vocabulary,
    recipe: &Recipe,
    epoch: u64,
    position: u64,
) -> Masked {
    let mut rng = generator(recipe.seed, Purpose::Masking, epoch, position);
    let share = (sequence.len() as f64 * recipe.masked_share).round() as usize;
    let budget = share.max(1);

    let mut units: Vec<std::ops::Range<usize>> = Vec::new();
    for (place, &id) in sequence.iter().enumerate() {
        match units.last_mut() {
            Some(unit) if recipe.whole_words && vocabulary.continues(id) => unit.end = place + 1,
            _ => units.push(place..place + 1),
        }
    }
    units.shuffle(&mut rng);
    let mut places: Vec<usize> = Vec::with_capacity(budget);
    for unit in units {
        // The first may be longer than the share: something must be predicted.
        if places.is_empty() || places.len() + unit.len() <= budget {
            places.extend(unit);
        }
    }
    places.sort_unstable();

    let mut ids = sequence.to_vec();
    let targets = places.iter().map(|&place| sequence[place]).collect();
    for &place in &places {
        let draw: f64 = rng.random();
        if draw < MASKED {
            ids[place] = MASK;
        } else if draw < MASKED_OR_RANDOM {
            ids[place] = rng.random_range(vocabulary.words());
        }
    }
    Masked {
        ids,
        places,
        targets,
    }
}
