//! The table of GLUE's tasks, one file for each.
//!
//! A new task is a file with a function that returns its [`GlueTask`], and a line in [`all`].
//!
//! Source: Wang et al., "GLUE: A Multi-Task Benchmark and Analysis Platform for Natural Language
//! Understanding", ICLR 2019, arXiv:1804.07461, table 1; layout and file names are those of the
//! official archives and of the repository `nyu-mll/glue` of the Hugging Face hub.

mod layout;
mod sst2;

pub use layout::{GlueFile, GlueTask};
pub use sst2::sst2;

/// Returns every GLUE task that this crate knows.
pub fn all() -> Vec<GlueTask> {
    vec![sst2()]
}
