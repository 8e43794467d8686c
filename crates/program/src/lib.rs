//! What the command lines of this workspace's programs share: sources of models and data, presets, devices, progress,
//! Ctrl-C and SIGTERM, errors as exit codes, and the allocator. It depends on no task and no model.
//!
//! This is the only library that prints and reads the process's own arguments. It ends the process only at the second
//! signal.

pub mod preset;
pub mod progress;
pub mod run_glue;
pub mod source;
pub mod stop;
pub mod token;

mod bundled;
mod command;
mod command_line;
mod device;
#[cfg(feature = "hub")]
mod download;
mod failure;
mod hub_name;
mod lost;
mod output;

/// Of every program that links this crate. Keeps freed pages for the next step; glibc would return them to the kernel, which zeroes
/// them again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use command::{Program, Takes};
pub use command_line::parse;
pub use device::DeviceOptions;
pub use failure::{Failure, exit_code_of};
pub use output::{print, print_json};
