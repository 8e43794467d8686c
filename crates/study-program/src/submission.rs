//! Sets without labels: which ones to predict, and the files that GLUE's server takes.

use std::path::{Path, PathBuf};

use finetune::Session;
use program::Failure;
use study::plan::{self, RunKey, RunRecipe};
use study::record::{PredictionsFile, RecordedPredictions, RunRecord};
use tasks::glue::GlueTask;
use tasks::{Outputs, Predictions, Task, submission};

use crate::arguments::StudyArguments;
use crate::values::Submitted;

/// The word of `--predict` for every set without labels.
const TEST: &str = "test";

/// Whether the options ask for predictions of any set.
pub(crate) fn is_asked(arguments: &StudyArguments) -> bool {
    arguments.predict.is_some() || arguments.do_predict || arguments.submission.is_some()
}

impl StudyArguments {
    /// As if `--predict test` were given, beside what is.
    pub fn predict_test(&mut self) {
        add_test(self.predict.get_or_insert_default());
    }
}

fn add_test(words: &mut Vec<String>) {
    if !words.iter().any(|word| word == TEST) {
        words.push(TEST.to_owned());
    }
}

/// The sets without labels that the options ask for, and notes about those left out.
pub(crate) fn asked<'a>(
    arguments: &StudyArguments,
    task: &'a Task,
) -> Result<(Vec<&'a str>, Vec<String>), Failure> {
    let mut words = arguments.predict.clone().unwrap_or_default();
    if arguments.do_predict || arguments.submission.is_some() {
        add_test(&mut words);
    }
    let sets = task.evaluation_sets();
    let (mut asked, mut notes): (Vec<&str>, _) = (Vec::new(), Vec::new());
    for (at, word) in words.iter().enumerate() {
        if words[..at].contains(word) {
            return Err(Failure::usage(format!(
                "--predict gives {word} twice; expected it once"
            )));
        }
        if let Some(set) = sets.iter().find(|set| set.name == *word) {
            // The predictions of a set with labels are recorded anyway.
            if !set.source.is_labelled() {
                asked.push(set.name.as_str());
            }
            continue;
        }
        let unlabelled: Vec<_> = sets
            .iter()
            .filter(|set| !set.source.is_labelled())
            .collect();
        if *word != TEST || unlabelled.is_empty() {
            let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
            return Err(Failure::usage(format!(
                "--predict {word}: {} has no such set; expected one of {}",
                task.name(),
                names.join(", ")
            )));
        }
        for set in unlabelled {
            // Downloads of GLUE come with or without the diagnostic set.
            if set.name.starts_with(TEST) || set.source.path.exists() {
                asked.push(set.name.as_str());
            } else {
                let path = set.source.path.display();
                notes.push(format!(
                    "{path} is not there, so {} is not predicted",
                    set.name
                ));
            }
        }
    }
    // `test` covers sets that may be named beside it.
    let mut once: Vec<&str> = Vec::new();
    asked.retain(|set| {
        let is_first = !once.contains(set);
        once.push(*set);
        is_first
    });
    Ok((asked, notes))
}

/// Finds out before anything is trained whether there will be a run to submit, and makes the folder.
pub(crate) fn check(arguments: &StudyArguments, session: &Session) -> Result<(), Failure> {
    let Some(folder) = &arguments.submission else {
        return Ok(());
    };
    let runs = plan::runs(&session.plan());
    let rows = session.data().train.len();
    let lambda = session.config().lambda;
    let is_at_study_settings = |run: &&RunKey| {
        run.train_rows == rows
            && run.lambda.is_none_or(|own| own == lambda)
            && run.recipe == RunRecipe::Study
    };
    let runs: Vec<&RunKey> = runs.iter().filter(is_at_study_settings).collect();
    let is_asked = |run: &&&RunKey| match arguments.submit {
        None => true,
        Some(submit) => run.arm == submit.arm && submit.seed.is_none_or(|seed| run.seed == seed),
    };
    if runs.iter().find(is_asked).is_none() {
        let mut names: Vec<String> = Vec::new();
        for run in &runs {
            let name = format!("{}:{}", run.arm.name(), run.seed);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let expected = match names.is_empty() {
            true => "a study with runs at its own λ and on all training rows".to_owned(),
            false => format!("--submit with one of {}", names.join(", ")),
        };
        return Err(Failure::usage(format!(
            "--submission: no run to submit; expected {expected}"
        )));
    }
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::world(format!("--submission {}: {error}", folder.display())))?;
    files::remove_abandoned(folder).map_err(Failure::world)
}

/// Writes the predictions of one run for GLUE's server, and returns the files with a line about each that the server
/// will refuse. `out` is the study's folder.
pub(crate) fn write(
    folder: &Path,
    task: &GlueTask,
    run: &RunRecord,
    out: &Path,
) -> Result<(Vec<PathBuf>, Vec<String>), Failure> {
    let (mut files, mut notes) = (Vec::new(), Vec::new());
    for (set, predictions) in &run.predictions {
        let RecordedPredictions::File(path) = predictions else {
            continue;
        };
        if submission::file_name(task, set).is_none() {
            continue;
        }
        let recorded = PredictionsFile::read(out, path).map_err(Failure::world)?;
        let predictions = typed(&recorded, &task.outputs).ok_or_else(|| {
            Failure::world(format!(
                "{}: not predictions of {}",
                out.join(path).display(),
                task.name
            ))
        })?;
        let mut written = submission::of(task, set, &predictions).map_err(Failure::world)?;
        let path = folder.join(written.file_name);
        files::replace(&path, written.text.as_bytes()).map_err(Failure::world)?;
        notes.append(&mut written.notes);
        files.push(path);
    }
    Ok((files, notes))
}

/// Recorded predictions as positions of classes, or as numbers.
fn typed(recorded: &PredictionsFile, outputs: &Outputs) -> Option<Predictions> {
    let mut predictions = recorded.predictions.iter();
    match outputs {
        Outputs::Classes(names) => predictions
            .map(|text| names.iter().position(|name| name == text))
            .collect::<Option<_>>()
            .map(Predictions::Classes),
        Outputs::Score { .. } => predictions
            .try_fold(Vec::new(), |mut scores, text| {
                scores.push(text.parse().ok()?);
                Some(scores)
            })
            .map(Predictions::Scores),
    }
}

/// The run to submit: the one named, or the best by dev score among the last arm's, or among those of the arm named.
pub(crate) fn chosen<'a>(
    submit: Option<Submitted>,
    planned: &[&'a RunRecord],
) -> Result<&'a RunRecord, Failure> {
    let planned = planned.iter().filter(|run| run.is_at_study_settings());
    let last = planned.clone().next_back().map(|run| run.arm);
    let arm = submit.map(|submit| submit.arm).or(last);
    let seed = submit.and_then(|submit| submit.seed);
    let candidates =
        planned.filter(|run| Some(run.arm) == arm && seed.is_none_or(|seed| run.seed == seed));
    let scored = candidates.filter_map(|run| Some((run.score()?, *run)));
    // The first of equals: a higher seed is no better.
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, run)| run).ok_or_else(|| {
        let arm = arm.map_or("any arm", |arm| arm.name());
        let seed = seed.map_or(String::new(), |seed| format!(" with seed {seed}"));
        Failure::world(format!("no finished run of {arm}{seed} to submit"))
    })
}
