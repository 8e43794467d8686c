//! The `glue_sst2` example: arguments, device, study, table, report.

mod arguments;
mod bundled;
mod command;
mod device;
#[cfg(feature = "hub")]
mod download;
mod source;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::Parser;
use finetune::record::RunLog;
use finetune::{FinetuneError, Study, bench};
use report::{Material, ReportError};

use crate::arguments::Arguments;
use crate::source::Wanted;
use crate::terminal::Terminal;

/// Runs the program with the process's arguments: exit code 0, 2 for usage, 1 for everything else.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
        Err(Failure::Source(message)) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
        Err(Failure::Run(error)) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
        Err(Failure::Report(error)) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The features that this build has beside the default ones.
const FEATURES: &[&str] = if cfg!(feature = "hub") { &["hub"] } else { &[] };

/// Why the program ends early.
enum Failure {
    /// The arguments cannot mean anything.
    Usage(String),
    /// The model or the data cannot be had.
    Source(String),
    /// The arguments are fine, the world is not.
    Run(FinetuneError),
    /// The study is complete and recorded, its report is not.
    Report(ReportError),
}

impl From<FinetuneError> for Failure {
    fn from(error: FinetuneError) -> Self {
        match error {
            FinetuneError::Setting { .. }
            | FinetuneError::Noise(_)
            | FinetuneError::Encoder(encoders::EncoderError::MaxLength { .. }) => {
                Self::Usage(error.to_string())
            }
            other => Self::Run(other),
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (model, data) = arguments.model_and_data().map_err(Failure::Usage)?;
    let config = arguments.study();
    config.validate()?;
    let model = source::find(Wanted::Model, model)?;
    let data = source::find(Wanted::Data, data)?;
    let device = device::open(arguments.device);
    let study = Study::open(
        config,
        &glue::SST2,
        &model.folder,
        &data.folder,
        &device,
        arguments.device.name(),
    )?
    .with_model_name(&model.name);
    if let Some(steps) = arguments.bench_steps {
        let timing = bench::time_steps(&study, steps)?;
        println!(
            "{}",
            serde_json::to_string(&timing).expect("a timing is plain data")
        );
        return Ok(());
    }
    let out = &arguments.out;
    let summary = study.run(out, &mut Terminal::new())?;
    print!("{}", table::render(&summary));
    println!("model    {}", model.name);
    println!("data     {}", data.name);
    println!("runs     {}", out.join("runs.jsonl").display());
    println!("summary  {}", out.join("summary.json").display());
    let material = Material {
        config: study.config(),
        summary: &summary,
        records: &RunLog::read(out)?,
        data: &data.name,
        command: &command::with_features(FEATURES),
    };
    let report = report::write(out, &material).map_err(Failure::Report)?;
    println!("report   {}", report.html.display());
    Ok(())
}

/// Compiles and runs the README's code.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
