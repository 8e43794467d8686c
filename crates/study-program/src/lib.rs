//! What the programs that run studies share: their options, presets, progress, tables and files.
//!
//! A program flattens [`StudyArguments`] into its own arguments, says with [`Sentences`] what to train on, and calls
//! [`Conductor::run`]. `examples/glue_sst2` does nothing else; `examples/glue` and `examples/xtreme` choose among tasks before
//! they do.
//!
//! ```no_run
//! # use std::path::Path;
//! # use clap::Parser;
//! # use program::{Failure, Program};
//! # use study_program::{Conductor, Sentences, StudyArguments};
//! #[derive(Parser)]
//! struct Arguments {
//!     #[command(flatten)]
//!     study: StudyArguments,
//! }
//!
//! const PROGRAM: Program = Program { name: "glue_sst2", features: &[] };
//!
//! fn run(arguments: &Arguments) -> Result<(), Failure> {
//!     let conductor = Conductor::new(&PROGRAM, &arguments.study);
//!     let sentences = Sentences::Glue { task: Box::new(tasks::glue::sst2()), data: None };
//!     conductor.run(&sentences, Path::new("out/glue_sst2"))
//! }
//! ```

mod arguments;
mod benchmark;
mod conductor;
mod jobs;
mod languages;
mod preset;
mod resolved;
mod running;
mod saving;
mod sentences;
mod sharded;
mod submission;
mod table;
mod terminal;
mod training_devices;
mod values;
mod wanted;
mod without_effect;

pub use arguments::StudyArguments;
pub use conductor::Conductor;
pub use sentences::Sentences;
pub use table::render;
