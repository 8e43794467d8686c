//! The `pretrain_mlm` example: arguments, device, progress.

mod arguments;
mod terminal;

use std::process::ExitCode;

use clap::Parser;
use devices::DeviceError;
use pretrain::{PretrainError, Run};

use crate::arguments::Arguments;
use crate::terminal::Terminal;

/// Runs the program with the process's arguments: exit code 0, 2 for usage, 1 for everything else.
pub fn main() -> ExitCode {
    let Err(failure) = run(&Arguments::parse()) else {
        return ExitCode::SUCCESS;
    };
    match failure {
        Failure::Device(error) => {
            if let DeviceError::NotCompiled(name) = error {
                let feature = name.backend.name();
                let command = format!("cargo run --example pretrain_mlm --features {feature}");
                eprintln!("error: {error}; with it: {command}");
                return ExitCode::from(2);
            }
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
        Failure::Run(error) => {
            eprintln!("error: {error}");
            match error {
                PretrainError::Setting { .. }
                | PretrainError::Encoder(encoders::EncoderError::Setting(_)) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// Why the program ends early.
enum Failure {
    /// There is nothing to compute on.
    Device(DeviceError),
    /// Everything else.
    Run(PretrainError),
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}

impl From<PretrainError> for Failure {
    fn from(error: PretrainError) -> Self {
        Self::Run(error)
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.list_devices {
        for line in devices::list() {
            println!("{line}");
        }
        return Ok(());
    }
    let run = Run::open(arguments.run(), &devices::open(arguments.device)?)?;
    let scores = run.train(&mut Terminal::new())?;
    println!(
        "held out  masked accuracy {:.2} %, perplexity {:.2}",
        100.0 * scores.accuracy,
        scores.perplexity
    );
    println!("snapshot  {}", run.snapshot().display());
    Ok(())
}
