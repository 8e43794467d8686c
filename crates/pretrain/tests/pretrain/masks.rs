//! Which words are masked, and with what.

use pretrain::{Masked, Recipe, Vocabulary, mask};

use crate::setup::{documents, recipe, vocabulary};

const MASK: u32 = 4;

/// Sequences of 20 tokens of real text.
fn sequences(vocabulary: &Vocabulary) -> Vec<Vec<u32>> {
    let texts = documents(200);
    let encoded = vocabulary.encode(texts.iter().map(String::as_str).collect());
    let ids: Vec<u32> = encoded.expect("ids").concat();
    ids.chunks_exact(20).map(<[u32]>::to_vec).collect()
}

fn masked(recipe: &Recipe) -> Vec<(Vec<u32>, Masked)> {
    let vocabulary = vocabulary();
    sequences(&vocabulary)
        .into_iter()
        .enumerate()
        .map(|(position, ids)| {
            let masked = mask(&ids, &vocabulary, recipe, 3, position as u64);
            (ids, masked)
        })
        .collect()
}

fn pieces() -> Recipe {
    Recipe {
        whole_words: false,
        ..recipe()
    }
}

/// Fails unless `hits` of `draws` fit a probability within four standard deviations.
#[track_caller]
fn assert_share(what: &str, hits: usize, draws: usize, probability: f64) {
    let expected = draws as f64 * probability;
    let deviation = (expected * (1.0 - probability)).sqrt();
    let off = (hits as f64 - expected).abs();
    assert!(
        off < 4.0 * deviation,
        "{what}: {hits} of {draws}, expected {expected:.0}"
    );
}

#[test]
fn of_the_chosen_tokens_80_percent_are_masked_10_replaced_10_kept() {
    let vocabulary = vocabulary();
    let (mut chosen, mut hidden, mut kept, mut special) = (0, 0, 0, 0);
    let mut replaced = vec![0; vocabulary.size()];
    for (_, masked) in masked(&pieces()) {
        for (&place, &target) in masked.places.iter().zip(&masked.targets) {
            chosen += 1;
            match masked.ids[place] {
                MASK => hidden += 1,
                id if id == target => kept += 1,
                id => {
                    replaced[id as usize] += 1;
                    special += usize::from(!vocabulary.words().contains(&id));
                }
            }
        }
    }
    assert!(chosen > 3_000, "{chosen}");
    assert_share("masked", hidden, chosen, 0.8);
    // A random word is the right one 1 time in 85.
    assert_share("kept", kept, chosen, 0.1 + 0.1 / 85.0);
    assert_eq!(special, 0, "no special token is drawn");
    let different = replaced.iter().filter(|&&count| count > 0).count();
    assert!(different > 70, "{different} of 85 words were drawn");
}

#[test]
fn every_sequence_masks_its_share_and_nothing_else_changes() {
    for (ids, masked) in masked(&pieces()) {
        assert_eq!(masked.places.len(), 3, "15 % of 20 tokens");
        assert!(masked.places.is_sorted());
        for (place, (&before, &after)) in ids.iter().zip(&masked.ids).enumerate() {
            match masked.places.iter().position(|&p| p == place) {
                Some(i) => assert_eq!(masked.targets[i], before),
                None => assert_eq!(after, before, "place {place} was not chosen"),
            }
        }
    }
}

#[test]
fn every_place_is_chosen_equally_often() {
    let all = masked(&pieces());
    let mut counts = [0; 20];
    for (_, masked) in &all {
        for &place in &masked.places {
            counts[place] += 1;
        }
    }
    for (place, count) in counts.into_iter().enumerate() {
        assert_share(&format!("place {place}"), count, all.len(), 0.15);
    }
}

#[test]
fn whole_words_are_masked_together() {
    let vocabulary = vocabulary();
    let mut split = 0;
    for (ids, masked) in masked(&recipe()) {
        assert!(!masked.places.is_empty());
        for place in 0..ids.len() - 1 {
            if vocabulary.continues(ids[place + 1]) {
                let is_chosen = |place| masked.places.contains(&place);
                assert_eq!(
                    is_chosen(place),
                    is_chosen(place + 1),
                    "{:?}",
                    masked.places
                );
                split += usize::from(is_chosen(place));
            }
        }
    }
    assert!(split > 100, "{split} words of several pieces were chosen");
    let torn = masked(&pieces()).into_iter().any(|(ids, masked)| {
        (0..ids.len() - 1).any(|place| {
            let is_chosen = |place| masked.places.contains(&place);
            vocabulary.continues(ids[place + 1]) && is_chosen(place) != is_chosen(place + 1)
        })
    });
    assert!(torn, "without whole words, pieces are chosen one by one");
}

#[test]
fn masks_depend_only_on_seed_epoch_and_position() {
    let vocabulary = vocabulary();
    let ids = sequences(&vocabulary).remove(0);
    let masked = |seed, epoch, position| {
        let recipe = Recipe { seed, ..recipe() };
        mask(&ids, &vocabulary, &recipe, epoch, position)
    };
    assert_eq!(masked(1, 2, 3), masked(1, 2, 3));
    for other in [masked(2, 2, 3), masked(1, 3, 3), masked(1, 2, 4)] {
        assert_ne!(masked(1, 2, 3), other);
    }
}

#[test]
fn a_word_longer_than_the_share_is_masked_if_nothing_else_can_be() {
    let vocabulary = vocabulary();
    let ids = vocabulary.encode(vec!["slowfilm"]).expect("ids").remove(0);
    let masked = mask(&ids, &vocabulary, &recipe(), 0, 0);
    assert_eq!(masked.places, (0..ids.len()).collect::<Vec<_>>());
}
