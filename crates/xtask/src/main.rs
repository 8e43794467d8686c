//! Chores of this repository: benchmarks against PyTorch and Python.

mod agreement;
mod bench_families;
mod bench_noise;
mod bench_peer;
mod bench_predict;
mod bench_tokenize;
mod crash;
mod crash_place;
mod crash_results;
mod families_table;
mod faults;
mod fuzz;
mod growth;
mod growth_table;
mod launches;
mod noise_table;
mod peer;
mod predict_table;
mod preparation;
mod records;
mod rows;
mod soak;
mod soak_figure;
mod table;
mod tokenize_table;
mod tuned;

use std::process::ExitCode;

use clap::Parser;

/// Chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "xtask")]
enum Task {
    /// Times training steps here and in PyTorch, alternately, and prints the ratios
    BenchPeer(bench_peer::Options),
    /// Times training steps of each family of encoders here, padded and packed, and in PyTorch, and prints the ratios
    BenchFamilies(bench_families::Options),
    /// Times the noise here and in PyTorch and the memory traffic alone, alternately, and prints a table
    BenchNoise(bench_noise::Options),
    /// Compares the scores of recorded runs with those of PyTorch's, and prints a table
    Agreement(agreement::Options),
    /// Times reading and tokenizing as many pairs as QQP has, here and in Python, alternately, and prints a table
    BenchTokenize(bench_tokenize::Options),
    /// Times predictions here, with PyTorch and with ONNX Runtime, alternately, and prints a table
    BenchPredict(bench_predict::Options),
    /// Lets every call on files of a study and of a pretraining run fail, tear or kill its process, and continues
    Faults(faults::Options),
    /// Gives every reader of outside files damaged and hostile ones, and prints what each did
    Fuzz(fuzz::Options),
    /// Kills a study at random moments, continues it, and compares what it leaves with an undisturbed one
    Crash(crash::Options),
    /// Counts what a training step asks of a CUDA driver, on one that only pretends
    Launches(launches::Options),
    /// Prints what runs and studies cost by sentences, parameters and shards, and computes it for larger machines
    Growth(growth::Options),
    /// Watches a study of many runs from outside: its resident memory and open files must stay flat
    Soak(soak::Options),
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::BenchPeer(options) => bench_peer::run(&options),
        Task::BenchFamilies(options) => bench_families::run(&options),
        Task::BenchNoise(options) => bench_noise::run(&options),
        Task::Agreement(options) => agreement::run(&options),
        Task::BenchTokenize(options) => bench_tokenize::run(&options),
        Task::BenchPredict(options) => bench_predict::run(&options),
        Task::Faults(options) => faults::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Crash(options) => crash::run(&options),
        Task::Launches(options) => launches::run(&options),
        Task::Growth(options) => growth::run(&options),
        Task::Soak(options) => soak::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
