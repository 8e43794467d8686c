//! Masked language modelling from plain text to a Hugging Face snapshot.
//!
//! A [`Corpus`] is read from text files, without the texts that must not be in it ([`Exclusion`]). A
//! [`Vocabulary`] is trained on it, and its sentences are packed into [`Sequences`]. A [`Trainer`] takes
//! optimizer steps over [`Batch`]es whose words are masked anew in every epoch. [`Run`] puts these
//! together: it logs, evaluates on held-out documents, stores checkpoints from which it continues bit
//! for bit, and writes the snapshot.
//!
//! Every random choice is a pure function of (seed, purpose, epoch, position). The crate knows neither
//! noise nor tasks.

mod batches;
mod checkpoint;
mod corpus;
mod draws;
mod error;
mod evaluation;
mod exclusion;
mod log;
mod masking;
mod recipe;
mod run;
mod sequences;
mod text;
mod trainer;
mod vocabulary;

pub use batches::{Batch, Batches};
pub use checkpoint::{Checkpoint, RunState};
pub use corpus::{Corpus, Documents};
pub use error::PretrainError;
pub use evaluation::HeldOut;
pub use exclusion::Exclusion;
pub use log::{Event, Start};
pub use masking::{Masked, mask};
pub use recipe::Recipe;
pub use run::{Observer, Run, RunConfig};
pub use sequences::{DataSummary, Sequences};
pub use trainer::{Step, Trainer};
pub use vocabulary::Vocabulary;
