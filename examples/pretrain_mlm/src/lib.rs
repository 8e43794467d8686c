//! The `pretrain_mlm` example: arguments, device, progress.

mod arguments;
mod device;
mod terminal;

use std::process::ExitCode;

use clap::Parser;
use pretrain::{PretrainError, Run};

use crate::arguments::Arguments;
use crate::terminal::Terminal;

/// Runs the program with the process's arguments: exit code 0, 2 for usage, 1 for everything else.
pub fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            match error {
                PretrainError::Setting { .. }
                | PretrainError::Encoder(encoders::EncoderError::Setting(_)) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), PretrainError> {
    let run = Run::open(arguments.run(), &device::open(arguments.device))?;
    let scores = run.train(&mut Terminal::new())?;
    println!(
        "held out  masked accuracy {:.2} %, perplexity {:.2}",
        100.0 * scores.accuracy,
        scores.perplexity
    );
    println!("snapshot  {}", run.snapshot().display());
    Ok(())
}
