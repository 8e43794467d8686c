//! The `device_server` example: arguments, token, socket.

mod arguments;
#[cfg(feature = "remote")]
mod serving;

use std::process::ExitCode;

use program::{DeviceOptions, Failure, Program};

use crate::arguments::Arguments;

/// How cargo runs this program.
const PROGRAM: Program = Program {
    name: "device_server",
    features: &[("persistence", cfg!(feature = "persistence"))],
};

/// Runs the program with the process's arguments: exit code 0 after Ctrl-C and SIGTERM, 2 for usage, 1 for everything else.
pub fn main() -> ExitCode {
    program::exit_code_of(run)
}

fn run() -> Result<(), Failure> {
    let parsed: Option<Arguments> = program::parse(std::env::args_os())?;
    let Some(arguments) = parsed else {
        return Ok(());
    };
    if arguments.list_devices {
        return DeviceOptions::list();
    }
    serve(&arguments)
}

#[cfg(feature = "remote")]
use crate::serving::serve;

/// Without the feature there is nothing to serve with.
#[cfg(not(feature = "remote"))]
fn serve(_arguments: &Arguments) -> Result<(), Failure> {
    let command = PROGRAM.command_with(&["remote"]);
    Err(Failure::Usage(format!(
        "this build lacks the feature `remote`; to add it, run: {command}"
    )))
}
