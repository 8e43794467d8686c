//! Values of options.

use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use study::{Arm, Draw, StudyKind};

/// [`study::Batching`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum BatchingName {
    /// Random order, each batch padded to its longest sentence
    Shuffled,
    /// Sentences of similar length together, which needs less padding
    Bucketed,
    /// Random order, sentences laid end to end without padding
    Packed,
}

/// [`study::NoiseSelection`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NoiseSelectionName {
    /// All of them
    Everything,
    /// All but the token embeddings, as the paper's runs on XTREME have it
    ExceptTokenEmbeddings,
}

/// How several devices share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ParallelName {
    /// Each trains runs of its own
    Runs,
    /// All train each run, on a share of every batch each
    Data,
}

/// [`study::Precision`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum PrecisionName {
    /// Single precision
    F32,
    /// Single precision whose products keep 11 bits of mantissa: what f32 is on cuda
    Tf32,
    /// The range of f32 in two bytes
    Bf16,
    /// Half precision, with the loss scaled
    F16,
}

/// [`study::Head`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum HeadName {
    /// Drawn from the seed; a head of the model is left aside
    Fresh,
    /// The model's own, its labels matched with the task's classes by name, or else in their order
    Checkpoint,
}

/// [`study::ClassifierPooling`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PoolingName {
    /// The first token
    Cls,
    /// The mean of all tokens; BERT then has no pooler
    Mean,
}

/// A value of `--fresh`.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum FreshName {
    /// The layer below the head, for models that were pretrained without it
    Pooler,
}

/// A value of `--save-model`.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum SaveModelName {
    /// No model
    None,
    /// For each arm, that of the seed with the best dev score, which choosing flatters
    Best,
    /// That of every run
    All,
}

/// [`encoders::SaveDtype`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SaveDtypeName {
    /// Single precision, as trained
    F32,
    /// Half precision
    F16,
    /// The range of f32 in two bytes
    Bf16,
}

/// [`encoders::SaveFormat`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SaveFormatName {
    /// model.safetensors, for transformers and for this project
    Safetensors,
    /// model.bpk, for Burn
    Burnpack,
}

/// A value of `--study`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Studies {
    All,
    One(StudyKind),
}

/// A value of `--submit`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Submitted {
    pub(crate) arm: Arm,
    /// The seed; `None` for that of the best run.
    pub(crate) seed: Option<u64>,
}

pub(crate) fn submitted(text: &str) -> Result<Submitted, String> {
    let (arm, seed) = match text.split_once(':') {
        None => (text, None),
        Some((arm, seed)) => {
            let seed = seed.parse().map_err(|_| {
                format!("seed {seed:?} is not a whole number; expected ARM or ARM:SEED")
            })?;
            (arm, Some(seed))
        }
    };
    let names = || {
        let names: Vec<&str> = Arm::ALL.iter().map(|arm| arm.name()).collect();
        names.join(", ")
    };
    let arm = Arm::named(arm)
        .ok_or_else(|| format!("no arm is named {arm:?}; expected one of {}", names()))?;
    Ok(Submitted { arm, seed })
}

/// Parses an arm of the registry; `--help` says what each does, and a wrong name is answered with the nearest one.
pub(crate) fn arm_names() -> impl TypedValueParser<Value = Arm> {
    let names = Arm::ALL
        .iter()
        .map(|arm| PossibleValue::new(arm.name()).help(arm.about()));
    PossibleValuesParser::new(names)
        .map(|name| Arm::named(&name).expect("the parser accepts only the registry's names"))
}

/// Parses a method by its arm without noise.
pub(crate) fn method_names() -> impl TypedValueParser<Value = Arm> {
    let methods = Arm::METHODS.iter().filter(|arm| !arm.has_noise());
    let names = methods.map(|arm| PossibleValue::new(arm.name()).help(arm.about()));
    PossibleValuesParser::new(names)
        .map(|name| Arm::named(&name).expect("the parser accepts only the registry's names"))
}

pub(crate) fn draw_names() -> impl TypedValueParser<Value = Draw> {
    let names = Draw::ALL
        .iter()
        .map(|draw| PossibleValue::new(draw.name()).help(draw.about()));
    PossibleValuesParser::new(names).map(|name| {
        let mut all = Draw::ALL.into_iter();
        all.find(|draw| draw.name() == name)
            .expect("the parser accepts only these names")
    })
}

pub(crate) fn study_names() -> impl TypedValueParser<Value = Studies> {
    let all = PossibleValue::new("all").help("every study by one recipe: all but baseline");
    let names = StudyKind::ALL
        .iter()
        .map(|study| PossibleValue::new(study.name()).help(study.about()));
    PossibleValuesParser::new(names.chain([all])).map(|name| {
        let one = StudyKind::ALL
            .into_iter()
            .find(|study| study.name() == name);
        one.map_or(Studies::All, Studies::One)
    })
}

/// Reads `3`, and also `3.0`, as run_glue.py does.
pub(crate) fn whole_number(text: &str) -> Result<usize, String> {
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => {
            digits
        }
        _ => text,
    };
    digits
        .parse()
        .map_err(|_| "expected a whole number, such as 3 or 3.0".to_owned())
}

pub(crate) fn name_and_value(text: &str) -> Result<(String, f64), String> {
    let parsed = text
        .split_once('=')
        .and_then(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
    parsed.ok_or_else(|| "expected NAME=NUMBER".to_owned())
}
/// Reads a number of minutes, which may have a fraction.
pub(crate) fn minutes(text: &str) -> Result<Duration, String> {
    let minutes = text.parse::<f64>().ok();
    let duration = minutes.and_then(|minutes| Duration::try_from_secs_f64(60.0 * minutes).ok());
    duration.ok_or_else(|| "expected a number of minutes from 0".to_owned())
}
