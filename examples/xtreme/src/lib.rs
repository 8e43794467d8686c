//! The `xtreme` example: chooses task and languages, and leaves the rest to the program of every study.

mod arguments;

use std::path::Path;
use std::process::ExitCode;

use program::{Failure, Program};
use study_program::{Conductor, Sentences};

use crate::arguments::Arguments;

/// How cargo runs this program.
const PROGRAM: Program = Program {
    name: "xtreme",
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
    let Some(arguments) = program::run_glue::parse::<Arguments>(std::env::args_os())? else {
        return Ok(());
    };
    let task = arguments.task();
    let out = Path::new("out/xtreme").join(task.name);
    let sentences = Sentences::Xtreme {
        languages: arguments.languages(&task)?,
        sets: arguments.sets(),
        data: arguments.data,
        task: Box::new(task),
    };
    let study = arguments.study.for_xtreme();
    Conductor::new(&PROGRAM, &study).run(&sentences, &out)
}
