//! Finetuning with and without noise: where the method, the encoder and the task meet.
//!
//! A [`Session`] is a [study](study::StudyConfig) with its model and data. With the same seed, all arms share the
//! head's initial values, the order of the data and the dropout masks. A pair differs only in the noise, so its
//! difference is the effect of the noise. [`Session::run`] trains and scores the runs, records each in `runs.jsonl`,
//! and writes `summary.json`.
//!
//! | module | contents |
//! |---|---|
//! | [`data`], [`batch`], [`order`] | a task's sentences, tokenized once for all runs; batches; their order |
//! | [`trainer`], [`evaluation`] | the loop, and metrics over a whole set |
//! | [`objective`], [`passes`] | what training minimises, and the forward passes it may ask for |
//! | [`methods`] | what a run does while it trains: one file per method |
//! | [`session`], [`progress`], [`SaveModels`] | the runs of a study, and how to watch them |
//! | [`ShardRuns`] | one study by several processes |
//! | [`mod@bench`] | timing of training steps and noise |

pub mod batch;
pub mod bench;
mod checkpoint;
mod checkpointing;
mod course;
pub mod data;
mod error;
pub mod evaluation;
mod foreign;
mod held_out;
mod jobs;
mod lost_device;
pub mod methods;
pub mod objective;
mod optimizer;
pub mod order;
pub mod passes;
mod precision;
pub mod progress;
mod run;
mod saving;
pub mod session;
mod setup;
mod shards;
mod subset;
pub mod trainer;

#[doc(hidden)]
pub use checkpoint::read_state;
pub use checkpoint::{CHECKPOINTS, checkpoints_of};
pub use data::TaskData;
pub use error::FinetuneError;
pub use progress::Progress;
pub use saving::SaveModels;
pub use session::Session;
pub use shards::ShardRuns;
