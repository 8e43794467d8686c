//! Finetuning with and without noise: where the method, the encoder and the task meet.
//!
//! A [`Study`] is a list of runs, arm by seed by setting. For one seed all arms share the head's initial
//! values, the order of the data and the dropout masks; they differ in the noise alone, so that the
//! difference of a pair is the effect of the noise. [`Study::run`] trains and scores them, records
//! each in `runs.jsonl`, and writes `summary.json`.
//!
//! | module | what it is |
//! |---|---|
//! | [`recipe`] | the hyperparameters of a run, checked |
//! | [`data`] | a task's sentences, tokenized once for all runs |
//! | [`order`] | an epoch's batches |
//! | [`training`], [`evaluation`] | the loop, and a metric over a whole split |
//! | [`precision`], [`loss_scale`] | training in half precision |
//! | [`arms`], [`config`], [`plan`], [`study`] | the comparison: what is done, asked and run |
//! | [`record`], [`summary`] | what it leaves on disk |
//! | [`statistics`] | what the numbers say |
//! | [`mod@bench`] | training steps against the clock |

pub mod arms;
pub mod bench;
mod checkpointing;
pub mod config;
pub mod data;
mod error;
pub mod evaluation;
mod jobs;
pub mod loss_scale;
mod measure;
pub mod order;
pub mod plan;
pub mod precision;
pub mod progress;
pub mod recipe;
pub mod record;
mod run;
pub mod statistics;
pub mod study;
pub mod summary;
pub mod training;
pub mod write;

pub use arms::Arm;
pub use config::StudyConfig;
pub use data::TaskData;
pub use error::FinetuneError;
pub use plan::StudyKind;
pub use precision::Precision;
pub use progress::Progress;
pub use recipe::{Batching, Recipe};
pub use record::RunRecord;
pub use study::Study;
pub use summary::StudySummary;
