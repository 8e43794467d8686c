//! Reads [GLUE](https://gluebenchmark.com) tasks from their official TSV files, or with the feature
//! `parquet` from those of the Hugging Face hub, and scores predictions.
//!
//! One [`TaskSpec`] describes a task: its files, columns, labels and metrics. [`TaskSpec::read`]
//! turns a file into a [`Split`]: the examples, how many the file holds, and the SHA-256 of its
//! bytes. A row that does not fit the description is an [`Error`] that names its place; nothing is
//! skipped or guessed.
//!
//! The crate knows no tensors, no tokenizer and no model. It downloads nothing.
//!
//! ```no_run
//! use tasks::{SST2, SplitName, accuracy};
//!
//! let dev = SST2.read("SST-2".as_ref(), SplitName::Dev)?;
//! let labels: Vec<usize> = dev.examples.iter().filter_map(|e| e.label?.class()).collect();
//! let all_positive = vec![1; labels.len()];
//! println!("{} examples, {:.3} are positive", dev.count, accuracy(&all_positive, &labels)?);
//! # Ok::<(), tasks::Error>(())
//! ```

mod error;
mod metrics;
#[cfg(feature = "parquet")]
mod parquet;
mod split;
mod tasks;
mod tsv;

pub use error::Error;
pub use metrics::{Metric, accuracy};
pub use split::{Example, Label, Split};
pub use tasks::{Columns, Labels, ParquetColumns, SST2, SplitName, SplitSpec, TASKS, TaskSpec};
