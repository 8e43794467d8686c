//! The `glue_sst2` example: arguments, device, study, table, report.

mod arguments;
mod jobs;
mod preset;
mod running;
mod sources;
mod table;
mod terminal;

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use finetune::{FinetuneError, Session, bench};
use program::{DeviceOptions, Failure, Program, print, print_json, stop};
use report::Material;
use study::plan;
use study::record::{RunLog, RunRecord};

use crate::arguments::{Arguments, Resolved};
use crate::terminal::Terminal;

/// Keeps freed pages for the next step; glibc would return them to the kernel, which zeroes them again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How cargo runs this program.
const PROGRAM: Program = Program {
    name: "glue_sst2",
    features: &[
        ("hub", cfg!(feature = "hub")),
        ("persistence", cfg!(feature = "persistence")),
    ],
};

/// Runs the program with the process's arguments: exit code 0, 2 for usage, 130 after Ctrl-C, 1 for everything else.
pub fn main() -> ExitCode {
    let known = program::run_glue::check(&Arguments::command(), std::env::args_os().skip(1));
    program::exit_code_of(known.and_then(|()| run(&Arguments::parse())))
}

/// Classifies an error before the first run: an option out of range is the fault of the arguments.
fn not_started(error: FinetuneError) -> Failure {
    match error {
        FinetuneError::Study(ref study) if study.is_of_settings() => Failure::usage(error),
        FinetuneError::Encoder(encoders::EncoderError::MaxLength { .. }) => Failure::usage(error),
        other => Failure::world(other),
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.devices.list_devices {
        return DeviceOptions::list();
    }
    let Resolved {
        preset,
        model,
        data,
        study,
    } = arguments.resolve();
    study
        .validate()
        .map_err(|error| not_started(error.into()))?;
    let jobs = jobs::asked(arguments)?;
    let device = arguments.devices.open(&PROGRAM)?;
    if let Some(passes) = arguments.bench_noise {
        return print_json(&bench::time_noise(&device, passes).map_err(not_started)?);
    }
    let model = model.find(&sources::model(), &PROGRAM, arguments.quiet)?;
    let data = data.find(&sources::data(), &PROGRAM, arguments.quiet)?;
    let task = tasks::glue::sst2().in_folder(&data.folder);
    let device_name = arguments.devices.device;
    let study = Session::open(
        study,
        task.map_err(|error| not_started(error.into()))?,
        &model.folder,
        &device,
        &device_name.to_string(),
    )
    .map_err(not_started)?
    .with_model_name(&model.name);
    if let Some(steps) = arguments.bench_steps {
        let timing = bench::time_steps(&study, steps, arguments.bench_ceiling);
        return print_json(&timing.map_err(not_started)?);
    }
    let out = &arguments.out;
    stop::catch();
    let heading = heading(preset.name, &model.name, &data.name, &study);
    let jobs = jobs::or_suited(jobs, device_name, &study);
    let study = study.with_jobs(jobs);
    let mut terminal = Terminal::new(arguments.quiet, heading, jobs.get());
    let summary = study.run(out, &mut terminal).map_err(|error| match error {
        FinetuneError::Stopped => Failure::Stopped(format!(
            "finished runs are in {}; to continue: {}",
            out.join("runs.jsonl").display(),
            PROGRAM.command()
        )),
        other => Failure::world(other),
    })?;
    drop(terminal);
    let records = RunLog::read(out).map_err(Failure::world)?;
    let material = Material {
        config: study.config(),
        summary: &summary,
        records: &records,
        data: &data.name,
        command: &PROGRAM.command(),
    };
    let report = report::write(out, &material).map_err(Failure::world)?;
    if arguments.json {
        print(&summary.to_json())?;
        return some_run_has_a_score(&records);
    }
    let mut text = table::render(&summary);
    for (name, value) in [
        ("model", model.name),
        ("data", data.name),
        ("runs", out.join("runs.jsonl").display().to_string()),
        ("summary", out.join("summary.json").display().to_string()),
        ("report", report.html.display().to_string()),
    ] {
        let _ = writeln!(text, "{name:<8} {value}");
    }
    print(&text)?;
    some_run_has_a_score(&records)
}

/// A study whose every run failed is recorded and reported, and still a failure.
fn some_run_has_a_score(records: &[RunRecord]) -> Result<(), Failure> {
    let mut reasons = records.iter().map(|record| record.failed.as_ref());
    match reasons.next().flatten() {
        Some(first) if reasons.all(|reason| reason.is_some()) => Err(Failure::world(format!(
            "every run failed, the first one: {first}"
        ))),
        _ => Ok(()),
    }
}

/// What is about to run, in one line, then what a user should know about the model and the data, one line each.
fn heading(preset: &str, model: &str, data: &str, study: &Session) -> String {
    let config = study.config();
    let mut heading = format!(
        "preset {preset}: {model} on {data}; runs {}, epochs {}, batch size {}, learning rate {:e}, λ {}",
        plan::runs(&study.plan()).len(),
        config.recipe.epochs,
        config.recipe.batch_size,
        config.recipe.learning_rate,
        config.lambda,
    );
    for note in study.notes() {
        let _ = write!(heading, "\nnote: {note}");
    }
    heading
}

/// Compiles and runs the README's code.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
