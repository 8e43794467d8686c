//! The `glue_sst2` example: arguments, device, study, table, report.

mod arguments;
mod bundled;
mod command;
#[cfg(feature = "hub")]
mod download;
mod jobs;
mod preset;
mod running;
mod source;
mod stop;
mod table;
mod terminal;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use devices::{Backend, DeviceError};
use finetune::record::RunLog;
use finetune::{FinetuneError, Study, bench, plan};
use report::{Material, ReportError};

use crate::arguments::{Arguments, Resolved};
use crate::preset::PresetName;
use crate::source::Wanted;
use crate::terminal::Terminal;

/// Runs the program with the process's arguments: exit code 0, 2 for usage, 130 after Ctrl-C, 1 for
/// everything else.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Err(failure) = run(&arguments) else {
        return ExitCode::SUCCESS;
    };
    let (message, code) = match failure {
        Failure::Run(FinetuneError::Stopped) => (
            format!(
                "stopped: finished runs are in {}; to continue: {}",
                arguments.out.join("runs.jsonl").display(),
                command::with_features(&features())
            ),
            stop::INTERRUPTED,
        ),
        Failure::Usage(message) => (format!("error: {message}"), 2),
        Failure::Device(error) => (format!("error: {error}"), 1),
        Failure::Source(message) => (format!("error: {message}"), 1),
        Failure::Run(error) => (format!("error: {error}"), 1),
        Failure::Report(error) => (format!("error: {error}"), 1),
        Failure::Output(error) => (format!("error: standard output: {error}"), 1),
    };
    // Where nobody can be told, the exit code still says it.
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::from(code)
}

/// The features that this build has beside the default ones.
fn features() -> Vec<&'static str> {
    let devices = Backend::ALL
        .into_iter()
        .filter(|backend| *backend != Backend::Flex && backend.is_compiled())
        .map(Backend::name);
    let others = [
        ("hub", cfg!(feature = "hub")),
        ("persistence", cfg!(feature = "persistence")),
    ];
    let others = others.into_iter().filter(|(_, is_on)| *is_on);
    devices.chain(others.map(|(name, _)| name)).collect()
}

/// Why the program ends early.
enum Failure {
    /// The arguments cannot mean anything.
    Usage(String),
    /// The device cannot be had.
    Device(DeviceError),
    /// The model or the data cannot be had.
    Source(String),
    /// The arguments are fine, the world is not.
    Run(FinetuneError),
    /// The study is complete and recorded, its report is not.
    Report(ReportError),
    /// The study is complete and recorded, its result cannot be printed.
    Output(std::io::Error),
}

impl From<FinetuneError> for Failure {
    fn from(error: FinetuneError) -> Self {
        match error {
            FinetuneError::Setting { .. }
            | FinetuneError::UnknownHyperparameter { .. }
            | FinetuneError::Noise(_)
            | FinetuneError::Encoder(encoders::EncoderError::MaxLength { .. }) => {
                Self::Usage(error.to_string())
            }
            other => Self::Run(other),
        }
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::NotCompiled(name) => {
                let features = [features(), vec![name.backend.name()]].concat();
                let command = command::with_features(&features);
                Self::Usage(format!("{error}; with it: {command}"))
            }
            other => Self::Device(other),
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.list_devices {
        let lines = devices::list().into_iter().map(|line| format!("{line}\n"));
        return print(&lines.collect::<String>());
    }
    let Resolved {
        preset,
        model,
        data,
        study,
    } = arguments.resolve();
    study.validate()?;
    let jobs = jobs::asked(arguments)?;
    let device = devices::open(arguments.device)?;
    if let Some(passes) = arguments.bench_noise {
        return print_json(&bench::time_noise(&device, passes)?);
    }
    let model = source::find(Wanted::Model, &model, arguments.quiet)?;
    let data = source::find(Wanted::Data, &data, arguments.quiet)?;
    let study = Study::open(
        study,
        &glue::SST2,
        &model.folder,
        &data.folder,
        &device,
        &arguments.device.to_string(),
    )?
    .with_model_name(&model.name);
    if let Some(steps) = arguments.bench_steps {
        return print_json(&bench::time_steps(&study, steps, arguments.bench_ceiling)?);
    }
    let out = &arguments.out;
    stop::catch();
    let heading = heading(preset, &model.name, &data.name, &study);
    let jobs = jobs::or_suited(jobs, arguments.device, &study);
    let study = study.with_jobs(jobs);
    let summary = study.run(
        out,
        &mut Terminal::new(arguments.quiet, heading, jobs.get()),
    )?;
    let material = Material {
        config: study.config(),
        summary: &summary,
        records: &RunLog::read(out)?,
        data: &data.name,
        command: &command::with_features(&features()),
    };
    let report = report::write(out, &material).map_err(Failure::Report)?;
    if arguments.json {
        return print(&summary.to_json());
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
    print(&text)
}

fn print_json(timing: &impl serde::Serialize) -> Result<(), Failure> {
    let timing = serde_json::to_string(timing).expect("a timing is plain data");
    print(&(timing + "\n"))
}

/// A reader that is gone, or a full disk behind it, is an error and not a panic.
fn print(text: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(text.as_bytes());
    written
        .and_then(|()| output.flush())
        .map_err(Failure::Output)
}

/// What is about to happen, in one line, and below it what a user should know about the model.
fn heading(preset: PresetName, model: &str, data: &str, study: &Study) -> String {
    let config = study.config();
    let mut heading = format!(
        "preset {}: {model} on {data}; runs {}, epochs {}, batch size {}, learning rate {:e}, λ {}",
        preset.name(),
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
