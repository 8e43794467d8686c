//! Why a program ended early, and its exit code.

use std::fmt;
use std::process::ExitCode;

use crate::{lost, progress};

/// Why a program ended early: one line, and an exit code for each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The arguments themselves are wrong: exit code 2.
    Usage(String),
    /// The arguments are fine, but something else is wrong: exit code 1.
    World(String),
    /// A signal: exit code 130 for Ctrl-C, 143 for SIGTERM, as a shell reports them.
    Stopped(String),
}

impl Failure {
    /// Makes a failure from an error caused by the arguments.
    pub fn usage(error: impl fmt::Display) -> Self {
        Self::Usage(error.to_string())
    }

    /// Makes a failure from an error with another cause.
    pub fn world(error: impl fmt::Display) -> Self {
        Self::World(error.to_string())
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::World(_) => 1,
            Self::Usage(_) => 2,
            Self::Stopped(_) => crate::stop::code(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::World(message) => write!(f, "error: {message}"),
            Self::Stopped(message) => write!(f, "stopped: {message}"),
        }
    }
}

/// Runs a program, prints on standard error why it ended early, if it did, and returns its exit code.
pub fn exit_code_of(run: impl FnOnce() -> Result<(), Failure>) -> ExitCode {
    match lost::unless_lost(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            progress::say(&failure);
            ExitCode::from(failure.code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_exit_code_and_one_line() {
        for (failure, code, line) in [
            (Failure::world("no disk"), 1, "error: no disk"),
            (Failure::usage("seeds is 0"), 2, "error: seeds is 0"),
            (
                Failure::Stopped("one run is recorded".to_owned()),
                130,
                "stopped: one run is recorded",
            ),
        ] {
            assert_eq!((failure.code(), failure.to_string().as_str()), (code, line));
        }
    }
}
