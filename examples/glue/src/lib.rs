//! The `glue` example: chooses the task, and leaves the rest to the program of every study.

mod arguments;
#[cfg(test)]
mod recorded;

use std::path::Path;
use std::process::ExitCode;

use program::{Failure, Program};
use study_program::{Conductor, Sentences};

use crate::arguments::{Arguments, Tasks};

/// How cargo runs this program.
const PROGRAM: Program = Program {
    name: "glue",
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
    let Some(arguments) = program::run_glue::parse(std::env::args_os())? else {
        return Ok(());
    };
    let Arguments {
        task,
        data,
        own,
        mut study,
    } = arguments;
    if own.has_test_file() {
        study.predict_test();
    }
    let conductor = Conductor::new(&PROGRAM, &study);
    let out = Path::new("out/glue");
    match task {
        Some(Tasks::One(task)) => {
            let out = out.join(task.name);
            conductor.run(&Sentences::Glue { task, data }, &out)
        }
        Some(Tasks::All) => conductor.run_all(data.as_ref(), out),
        None => {
            let files = own.files();
            let name = files.train.file_stem().unwrap_or_default();
            // A file named `...csv` must not lead out of the folder.
            let out = out.join(harmless::file_name(&name.to_string_lossy()));
            conductor.run(&Sentences::Own(files), &out)
        }
    }
}
