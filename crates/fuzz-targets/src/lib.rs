//! Readers of outside files, given damaged and hostile ones.
//!
//! A [`Target`] is a reader with the place of its file. Of every input, valid or not, it may make an error of one line, but it
//! must not panic, hang, take more memory than [`Target::most`] of the input's bytes, or touch anything outside its
//! folder. [`Trial`] looks at each. [`mutation`] makes inputs from those in `corpus`; `libfuzzer` beside this crate makes
//! them by coverage, for the same targets.

pub mod corpus;
mod folder;
pub mod mutation;
mod targets;
mod trial;

pub use faults::Draws;
pub use folder::Folder;
pub use targets::{TARGETS, Target};
pub use trial::{Fault, Found, PATIENCE, Trial, peak, quiet};

/// Counts what every program that links this crate allocates.
#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, usize::MAX);
