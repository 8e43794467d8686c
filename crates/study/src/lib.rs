//! A comparison as data: what is asked, what each run did, what the numbers say.
//!
//! No tensors here. Training is `finetune`'s; it takes a [`StudyConfig`], works through the [`plan`], and leaves a
//! [`RunRecord`] per run, from which a [`StudySummary`] is computed. A report needs nothing else.
//!
//! | module | what it is |
//! |---|---|
//! | [`arm`] | what a run does beside plain finetuning: noise × method, as data |
//! | [`kind`], [`config`], [`plan`] | the questions, the settings, the runs they need |
//! | [`recipe`], [`precision`] | the hyperparameters of a run, checked |
//! | [`record`], [`summary`] | what a study leaves on disk |
//! | [`statistics`] | what the numbers say |

pub mod arm;
pub mod config;
mod error;
pub mod kind;
pub mod method;
pub mod noise;
pub mod plan;
pub mod precision;
mod range;
pub mod recipe;
pub mod record;
pub mod statistics;
pub mod summary;

pub use arm::Arm;
pub use config::StudyConfig;
pub use error::StudyError;
pub use kind::StudyKind;
pub use method::Method;
pub use noise::Noise;
pub use precision::Precision;
pub use recipe::{Batching, Recipe};
pub use record::RunRecord;
pub use summary::StudySummary;
