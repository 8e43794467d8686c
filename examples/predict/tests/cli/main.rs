//! The program from its arguments to its lines.

mod broken;
mod formats;
#[cfg(target_os = "linux")]
mod hostile;
mod inputs;
mod models;
mod output;
mod program;
