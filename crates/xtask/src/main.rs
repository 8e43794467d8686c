//! Chores of this repository: `cargo xtask bench-peer` and `cargo xtask bench-noise`.

mod bench_noise;
mod bench_peer;
mod noise_table;
mod peer;
mod records;
mod rows;
mod table;

use std::process::ExitCode;

use clap::Parser;

/// Chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "xtask")]
enum Task {
    /// Times training steps here and in PyTorch, alternately, and prints the ratios
    BenchPeer(bench_peer::Options),
    /// Times the noise here and in PyTorch and the memory traffic alone, alternately, and prints a table
    BenchNoise(bench_noise::Options),
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::BenchPeer(options) => bench_peer::run(&options),
        Task::BenchNoise(options) => bench_noise::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
