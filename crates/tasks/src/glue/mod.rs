//! The table of GLUE's tasks, one file for each.
//!
//! A new task is a file with a function that returns its [`GlueTask`], and a line in [`all`].
//!
//! Source: Wang et al., "GLUE: A Multi-Task Benchmark and Analysis Platform for Natural Language
//! Understanding", ICLR 2019, arXiv:1804.07461, table 1; layout and file names are those of the
//! official archives and of the repository `nyu-mll/glue` of the Hugging Face hub.

mod cola;
mod layout;
mod mnli;
mod mrpc;
mod qnli;
mod qqp;
mod rte;
mod sst2;
mod stsb;
mod wnli;

pub use cola::cola;
pub use layout::{GlueFile, GlueTask};
pub(crate) use layout::{hub_columns, tsv_columns};
pub use mnli::mnli;
pub use mrpc::mrpc;
pub use qnli::qnli;
pub use qqp::qqp;
pub use rte::rte;
pub use sst2::sst2;
pub use stsb::stsb;
pub use wnli::wnli;

/// Returns every GLUE task, in the order of GLUE's table. The diagnostic set AX is an evaluation set
/// of MNLI.
pub fn all() -> Vec<GlueTask> {
    vec![
        cola(),
        sst2(),
        mrpc(),
        stsb(),
        qqp(),
        mnli(),
        qnli(),
        rte(),
        wnli(),
    ]
}

/// Returns the task that `run_glue.py --task_name` calls `name`.
pub fn named(name: &str) -> Option<GlueTask> {
    all().into_iter().find(|task| task.name == name)
}
