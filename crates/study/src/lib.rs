//! A comparison as data: the questions, the record of each run, and the statistics.
//!
//! There are no tensors here. `finetune` trains: it takes a [`StudyConfig`], works through the [`plan`], and leaves
//! one [`RunRecord`] per run. A [`StudySummary`] is computed from those, and a report needs nothing else.
//!
//! | module | contents |
//! |---|---|
//! | [`arm`] | what a run does on top of plain finetuning: noise × method, as data |
//! | [`noise`], [`method`] | the tables from which arms are made |
//! | [`kind`], [`config`], [`plan`] | the questions, the settings, the runs they need |
//! | [`shard`] | a share of the runs, for one of several processes |
//! | [`preregistration`] | what a study sets out to do, written before its first run |
//! | [`recipe`], [`precision`], [`range`] | the hyperparameters of a run, checked |
//! | [`record`], [`summary`], [`data`] | what a study leaves on disk |
//! | [`RecordedStudy`] | a study read back from its folder |
//! | [`fn@model_card`] | what a finetuned model's `README.md` says |
//! | [`benchmark`] | the studies of several tasks side by side |
//! | [`statistics`] | tests, intervals, and sentences about them |

pub mod arm;
pub mod benchmark;
pub mod config;
pub mod data;
mod draw;
mod earlier;
mod error;
mod json_text;
pub mod kind;
pub mod method;
mod model_card;
pub mod noise;
pub mod plan;
pub mod precision;
pub mod preregistration;
pub mod range;
pub mod recipe;
pub mod record;
mod recorded;
pub mod shard;
pub mod statistics;
pub mod summary;
pub mod tuning;

pub use arm::Arm;
pub use benchmark::BenchmarkSummary;
pub use config::StudyConfig;
pub use data::DataSummary;
pub use draw::Draw;
pub use error::StudyError;
pub use kind::StudyKind;
pub use method::Method;
pub use model_card::{CardFacts, model_card};
pub use noise::{Noise, NoiseSelection};
pub use precision::Precision;
pub use preregistration::Preregistration;
pub use recipe::{Batching, ClassifierPooling, Head, Recipe};
pub use record::RunRecord;
pub use recorded::RecordedStudy;
pub use shard::Shard;
pub use summary::StudySummary;
pub use tuning::{GridPoint, Tuning};
