//! Letting every call on files of a study and of a pretraining run fail, tear or kill its process.

use std::process::Command;

use clap::Args;

/// Which calls fail.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Calls from one fault to the next of its kind; the tests of CI have more
    #[arg(long, default_value_t = 1)]
    every: usize,
}

/// Runs the tests that do it, and shows how many calls and faults there were.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if options.every == 0 {
        return Err("every is 0, accepted is at least 1".to_owned());
    }
    let status = Command::new(env!("CARGO"))
        .args(["test", "--workspace", "--test", "cli", "--no-fail-fast"])
        .args(["--", "--nocapture", "faults::after"])
        .env("NOISYTUNE_FAULTS_EVERY", options.every.to_string())
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err("a program did not continue after a fault, see above".to_owned()),
    }
}
