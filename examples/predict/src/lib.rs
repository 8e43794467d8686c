//! The `predict` example: arguments, device, progress.

mod arguments;
mod terminal;

use std::io::IsTerminal;
use std::process::ExitCode;

use encoders::Snapshot;
use predict::{Output, Predictor, Summary};
use program::progress::say;
use program::{DeviceOptions, Failure, Program, stop};
use tasks::counted;

use crate::arguments::{Arguments, not_opened};
use crate::terminal::Terminal;

/// How cargo runs this program.
const PROGRAM: Program = Program {
    name: "predict",
    features: &[
        ("hub", cfg!(feature = "hub")),
        ("persistence", cfg!(feature = "persistence")),
    ],
};

/// Runs the program with the process's arguments: exit code 0, 2 for usage, 130 after Ctrl-C, 143 after SIGTERM, 1 for
/// everything else.
pub fn main() -> ExitCode {
    program::exit_code_of(run)
}

fn run() -> Result<(), Failure> {
    match program::parse(std::env::args_os())? {
        Some(arguments) => predict(&arguments),
        None => Ok(()),
    }
}

fn predict(arguments: &Arguments) -> Result<(), Failure> {
    let (Some((source, wanted)), false) = (arguments.model(), arguments.devices.list_devices)
    else {
        return DeviceOptions::list();
    };
    let format = arguments.format()?;
    // Before the model is loaded, which takes longer than to find a fault here.
    let mut input = arguments.input()?;
    let device = arguments.devices.open(&PROGRAM)?;
    let model = source.find(&wanted, &PROGRAM, arguments.quiet)?;
    let snapshot = Snapshot::open(&model.folder).map_err(Failure::world)?;
    let predictor =
        Predictor::open(&snapshot, &arguments.settings(), &device).map_err(not_opened)?;
    let output = match &arguments.output {
        None => Ok(Output::stream("standard output", std::io::stdout(), format)),
        Some(path) => Output::file(path, format, &predictor),
    };
    let output = output.map_err(Failure::world)?;
    if !arguments.quiet {
        notes(arguments, &input, &predictor);
    }
    // A program that waits for a line would not notice that it was asked to stop.
    if !arguments.reads_standard_input() && !arguments.reads_a_pipe() {
        stop::catch();
    }
    let mut terminal = Terminal::new(arguments);
    let summary = predict::run(
        &predictor,
        &mut input,
        output,
        arguments.skip_bad,
        &mut terminal,
    );
    terminal.clear();
    match summary {
        Ok(summary) => ended(arguments, &predictor, &summary),
        Err(error) if error.is_closed_pipe() => Ok(()),
        Err(error) => Err(Failure::world(error)),
    }
}

/// What is worth knowing before the first prediction.
fn notes(arguments: &Arguments, input: &predict::Input, predictor: &Predictor) {
    for note in predictor.notes() {
        say(&format_args!("note: {note}"));
    }
    if let Some(statement) = input.statement() {
        say(&format_args!("texts    {statement}"));
    }
    if arguments.reads_standard_input() && std::io::stdin().is_terminal() {
        say(&"a text per line; Ctrl-D ends them");
    }
}

/// Says what was done, as far as the predictions do not.
fn ended(arguments: &Arguments, predictor: &Predictor, summary: &Summary) -> Result<(), Failure> {
    let Summary {
        found,
        predicted,
        cut,
        broken,
        ..
    } = summary;
    if *cut > 0 {
        let most = predictor.max_length();
        say(&format_args!(
            "{cut} of {} longer than {most} tokens, and cut",
            counted(*predicted, "text")
        ));
    }
    if let Some(first) = &summary.first_broken {
        say(&format_args!(
            "{} skipped, the first: {first}",
            counted(*broken, "broken row")
        ));
    }
    let written = arguments.output.as_ref().map(|path| {
        let before = match found {
            0 => String::new(),
            _ => format!(", {found} of them from before"),
        };
        format!(
            "{} in {}{before}",
            predictions(found + predicted),
            path.display()
        )
    });
    if summary.is_stopped {
        let written = written.map(|written| format!("{written}; the same command continues"));
        return Err(Failure::Stopped(
            written.unwrap_or_else(|| format!("{} written", predictions(*predicted))),
        ));
    }
    if let Some(written) = written.filter(|_| !arguments.quiet) {
        say(&written);
    }
    Ok(())
}

fn predictions(count: usize) -> String {
    counted(count, "prediction")
}
