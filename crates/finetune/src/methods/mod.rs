//! What a run does while it trains: one file per method.
//!
//! `study` lists the methods, with their names and numbers ([`Method`]).

mod companion;
mod mixout;
mod neftune;
mod recadam;

use sha2::{Digest, Sha256};
use study::Method;

use crate::error::FinetuneError;

pub use companion::{Companion, EmbeddingNoise, HiddenNoise, Start, Weights};

/// What a method does while a run trains. Whatever it leaves out costs nothing.
///
/// # Errors
/// If the model has nothing that the method works on.
pub fn companion(method: Method, start: &Start<'_>) -> Result<Companion, FinetuneError> {
    match method {
        Method::Plain => Ok(Companion::default()),
        Method::Mixout => mixout::companion(start),
        Method::RecAdam => recadam::companion(start),
        Method::Neftune => neftune::companion(start),
    }
}

/// The key of the random stream that a method draws from with a seed. No two methods share one.
fn stream_key(seed: u64, method: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(method)
        .finalize()
        .into()
}
