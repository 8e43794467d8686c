//! The `glue_sst2` example: SST-2, and nothing to choose but the options of every study.

mod arguments;
#[cfg(test)]
mod recorded;

use std::path::Path;
use std::process::ExitCode;

use program::{Failure, Program};
use study_program::{Conductor, Sentences};

use crate::arguments::Arguments;

/// How cargo runs this program.
const PROGRAM: Program = Program {
    name: "glue_sst2",
    features: &[
        ("hub", cfg!(feature = "hub")),
        ("persistence", cfg!(feature = "persistence")),
    ],
};

/// Runs the program with the process's arguments: exit code 0, 2 for usage, 130 after Ctrl-C, 143 after SIGTERM, 1 for everything else.
pub fn main() -> ExitCode {
    program::exit_code_of(run)
}

fn run() -> Result<(), Failure> {
    let Some(Arguments { study, data, .. }) = program::run_glue::parse(std::env::args_os())? else {
        return Ok(());
    };
    let task = Box::new(tasks::glue::sst2());
    let conductor = Conductor::new(&PROGRAM, &study);
    conductor.run(&Sentences::Glue { task, data }, Path::new("out/glue_sst2"))
}

/// Compiles and runs the README's code.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
