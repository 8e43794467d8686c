//! Tasks on sentences and pairs of sentences: their files, labels and metrics.
//!
//! A [`Task`] says what to train on, what to evaluate on, what a model's head outputs, and how
//! predictions are scored. No code outside this crate depends on which task it is. A GLUE task is a
//! file in [`glue`], one of XTREME's a file in [`xtreme`], and [`OwnFiles`] describes one by files of one's own. Reading one of its files gives a
//! [`Split`] of sentences with [`Targets`], which are classes or scores, and [`SplitFacts`] counts what is
//! in it. [`Metric::score`] compares targets with [`Predictions`] of the same kind; [`submission`] writes
//! predictions for a test set as GLUE's server takes them.
//!
//! A row that does not fit its description is a [`TaskError`] that names its place. Nothing is skipped but the
//! broken rows of QQP and the untranslated ones of PAWS-X, which a [note](Split::notes) counts, and nothing is guessed but the columns of files of
//! one's own, of which [`OwnTask::statement`] says how. The crate has no tensors, no tokenizer and no model, and
//! downloads nothing.
//!
//! ```no_run
//! use std::path::Path;
//! use tasks::{Predictions, glue};
//!
//! let sst2 = glue::sst2().in_folder(Path::new("SST-2"))?;
//! let dev = sst2.read_evaluation_set("dev")?;
//! let all_positive = Predictions::Classes(vec![1; dev.count]);
//! if let Some(targets) = &dev.targets {
//!     println!("{:.3}", sst2.headline().score(&all_positive, targets)?);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to add | where |
//! |---|---|
//! | a GLUE task | a file in `glue/`, a line in [`glue::all`] |
//! | a task of XTREME | a file in `xtreme/`, a line in [`xtreme::all`] |
//! | a task with files of one's own | nowhere: [`OwnFiles`], or [`Task::new`] |
//! | a file format with named columns | a file in `source/table/` |
//! | any other file format | a file in `source/`, a variant of [`Format`] |
//! | a metric | a file in `metrics/`, a variant of [`Metric`] |

mod counted;
mod error;
mod facts;
pub mod glue;
mod kind;
mod metrics;
mod outputs;
mod own;
mod predictions;
mod source;
mod split;
pub mod submission;
mod targets;
mod task;
pub mod xtreme;

pub use counted::counted;
pub use error::TaskError;
pub use facts::SplitFacts;
pub use kind::ValueKind;
pub use metrics::{Metric, MetricError};
pub use outputs::Outputs;
pub use own::{OwnFiles, OwnTask};
pub use predictions::Predictions;
pub use source::{
    Format, HeldOut, ParquetColumns, Part, Quotes, ShortRows, Source, TableColumns, TextTable,
    TsvColumns,
};
pub use split::{Example, Split};
pub use submission::SubmissionError;
pub use targets::Targets;
pub use task::{EvaluationSet, Task};
