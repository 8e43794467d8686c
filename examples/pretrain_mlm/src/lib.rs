//! The `pretrain_mlm` example: arguments, device, progress.

mod arguments;
mod terminal;

use std::process::ExitCode;

use pretrain::{PretrainError, Run};
use program::{DeviceOptions, Failure, Program, print, stop};

use crate::arguments::Arguments;
use crate::terminal::Terminal;

/// How cargo runs this program.
const PROGRAM: Program = Program {
    name: "pretrain_mlm",
    features: &[("persistence", cfg!(feature = "persistence"))],
};

/// Runs the program with the process's arguments: exit code 0, 2 for usage, 130 or 143 after a signal, 1 for everything
/// else.
pub fn main() -> ExitCode {
    program::exit_code_of(run)
}

/// Classifies an error before the first step: an option out of range is the fault of the arguments.
fn not_started(error: PretrainError) -> Failure {
    match error {
        PretrainError::Setting { .. }
        | PretrainError::Encoder(encoders::EncoderError::Setting(_)) => Failure::usage(error),
        other => Failure::world(other),
    }
}

fn run() -> Result<(), Failure> {
    let parsed: Option<Arguments> = program::parse(std::env::args_os())?;
    let Some(arguments) = parsed else {
        return Ok(());
    };
    if arguments.devices.list_devices {
        return DeviceOptions::list();
    }
    let device = arguments.devices.open(&PROGRAM)?;
    let run = Run::open(arguments.run(), &device).map_err(not_started)?;
    stop::catch();
    let scores = run
        .train(&mut Terminal::new())
        .map_err(|error| match error {
            PretrainError::Stopped { step, steps } => Failure::Stopped(format!(
                "step {step} of {steps} is stored; to continue: {}",
                PROGRAM.command()
            )),
            other => Failure::world(other),
        })?;
    print(&format!(
        "held out  masked accuracy {:.2} %, perplexity {:.2}\nsnapshot  {}\n",
        100.0 * scores.accuracy,
        scores.perplexity,
        harmless::shown(&run.snapshot().display().to_string())
    ))
}
