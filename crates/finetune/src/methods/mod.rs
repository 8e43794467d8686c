//! What a run does while it trains: one file per method.
//!
//! `study` lists the methods, with their names and numbers ([`Method`]).

mod companion;
mod draws;
mod hype;
mod mixout;
mod neftune;
mod r3f;
mod r_drop;
mod recadam;
mod smart;

use sha2::{Digest, Sha256};
use study::Method;

use crate::error::FinetuneError;
use draws::Distribution;
use mixout::Masks;

pub use companion::{Companion, EmbeddingNoise, HiddenNoise, Start, Weights};

/// What a method does while a run trains. Whatever it leaves out costs nothing.
///
/// # Errors
/// If the model has nothing that the method works on.
pub fn companion(method: Method, start: &Start<'_>) -> Result<Companion, FinetuneError> {
    match method {
        Method::Plain => Ok(Companion::default()),
        Method::Mixout => mixout::companion(start, Masks::OfInputs),
        Method::Mixconnect => mixout::companion(start, Masks::OfWeights),
        Method::RecAdam => recadam::companion(start),
        Method::Neftune => neftune::companion(start),
        Method::TwoPasses => Ok(r_drop::control()),
        Method::RDrop => r_drop::companion(start),
        Method::R3fUniform => r3f::companion(start, Distribution::Uniform),
        Method::R3fNormal => r3f::companion(start, Distribution::Normal),
        Method::SmartAdversarial => smart::companion(start, true, false),
        Method::SmartProximal => smart::companion(start, false, true),
        Method::Smart => smart::companion(start, true, true),
        Method::HypeUniform => hype::companion(start, Distribution::Uniform),
        Method::HypeNormal => hype::companion(start, Distribution::Normal),
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
