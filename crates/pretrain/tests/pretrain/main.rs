//! What the crate promises, on text made here.

mod batching;
mod corpora;
mod masks;
mod runs;
mod setup;
mod stops;
mod vocabularies;
