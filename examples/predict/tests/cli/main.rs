//! The program from its arguments to its lines.

mod broken;
mod formats;
mod inputs;
mod models;
mod output;
mod program;
