//! The training rows of a run that takes only some of them.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use study::StudyError;
use tasks::HeldOut;

use crate::data::Examples;

/// What the draw is keyed by, beside the seed.
const PURPOSE: &[u8] = b"finetune subset 1";

/// Checks that [`subset`] draws exactly so many examples: it takes one of every class, and leaves one.
///
/// # Errors
/// [`StudyError::Setting`] if it does not.
pub(crate) fn check(examples: &Examples, count: usize) -> Result<(), StudyError> {
    if subset(examples, count, 0).len() == count {
        return Ok(());
    }
    Err(StudyError::setting(
        "drawn training rows",
        format!("{count} of {}", examples.len()),
        "at least one of every class, with one of every class left",
    ))
}

/// Draws `count` of the examples, of every class its share, in the order of the file.
pub(crate) fn subset(examples: &Examples, count: usize, seed: u64) -> Cow<'_, Examples> {
    if count >= examples.len() {
        return Cow::Borrowed(examples);
    }
    let key = Sha256::new()
        .chain_update(PURPOSE)
        .chain_update(seed.to_le_bytes())
        .finalize();
    let key = key.first_chunk().expect("32 bytes");
    // What is held out of all but so many rows is the subset.
    let drawn = HeldOut {
        rows: count,
        seed: u64::from_le_bytes(*key),
    };
    Cow::Owned(examples.select(&drawn.of(&examples.targets)))
}
