//! Chores of this repository: `cargo xtask bench-peer`.

mod bench_peer;
mod peer;
mod rows;
mod table;

use std::process::ExitCode;

use clap::Parser;

/// Chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "xtask")]
enum Task {
    /// Times training steps here and in PyTorch, in turn, and prints the ratios
    BenchPeer(bench_peer::Options),
}

fn main() -> ExitCode {
    let Task::BenchPeer(options) = Task::parse();
    match bench_peer::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
