//! Which finetuned models are saved, and what is said about them.

use std::fmt::Write as _;
use std::path::Path;

use encoders::{SaveDtype, SaveFormat};
use finetune::SaveModels;
use study::record::{RunRecord, Saving, best_runs};
use study::summary::set_in_words;
use tasks::Metric;

use crate::arguments::StudyArguments;
use crate::values::{SaveDtypeName, SaveFormatName, SaveModelName};

/// How many runs a line names.
const LISTED: usize = 3;

/// The models that the options ask for; `None` for none.
pub(crate) fn asked(arguments: &StudyArguments, data: &str, command: String) -> Option<SaveModels> {
    Some(SaveModels {
        saving: match arguments.save_model? {
            SaveModelName::None => return None,
            SaveModelName::Best => Saving::Best,
            SaveModelName::All => Saving::All,
        },
        dtype: match arguments.save_dtype {
            None | Some(SaveDtypeName::F32) => SaveDtype::F32,
            Some(SaveDtypeName::F16) => SaveDtype::F16,
            Some(SaveDtypeName::Bf16) => SaveDtype::Bf16,
        },
        format: match arguments.save_format {
            None | Some(SaveFormatName::Safetensors) => SaveFormat::Safetensors,
            Some(SaveFormatName::Burnpack) => SaveFormat::Burnpack,
        },
        data: data.to_owned(),
        command,
    })
}

/// A line about recorded runs whose models are among those to save and are not there.
pub(crate) fn lost(saving: Saving, runs: &[&RunRecord]) -> String {
    let named = |run: &&RunRecord| format!("{} seed {}", run.label(), run.seed);
    let mut names = runs
        .iter()
        .take(LISTED)
        .map(named)
        .collect::<Vec<_>>()
        .join("; ");
    if let Some(more) = runs.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = write!(names, "; and {more} more");
    }
    match saving {
        Saving::All => format!(
            "{names}: recorded already, and no model is there to save; to have all models, choose another --out"
        ),
        Saving::Best => format!(
            "{names}: the best of its arm so far, recorded already, and no model is there to save; saved is the best of the \
             arm's other runs"
        ),
    }
}

/// Whether a saved model has the format and the type that are asked for; as far as that can be read.
fn is_as_asked(folder: &Path, models: &SaveModels) -> bool {
    let config = std::fs::read(folder.join("config.json")).unwrap_or_default();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap_or_default();
    let is_of_type = config["dtype"]
        .as_str()
        .is_none_or(|dtype| dtype == models.dtype.name());
    is_of_type && folder.join(models.format.file_name()).is_file()
}

/// A line for each saved model of the planned runs, and what to know about the choice; empty if there is none.
pub(crate) fn lines(
    models: &SaveModels,
    planned: &[RunRecord],
    out: &Path,
    metric: Metric,
) -> String {
    let saving = models.saving;
    let mut text = String::new();
    let there = planned.iter().filter(|run| run.has_model(out));
    let shown: Vec<&RunRecord> = match saving {
        Saving::All => there.collect(),
        Saving::Best => best_runs(there),
    };
    let score = |run: &RunRecord| {
        let points = run.score().map(|score| metric.in_points(score));
        points.map_or(String::new(), |points| {
            let set = set_in_words(&run.settings.headline.set);
            format!("{set} {points:.2} {}", metric.unit())
        })
    };
    for run in &shown {
        if let Some(saved) = &run.saved_model {
            let _ = writeln!(
                text,
                "saved    {} ({})",
                harmless::shown(&out.join(&saved.folder).display().to_string()),
                score(run)
            );
        }
    }
    let saved = shown.iter().filter_map(|run| run.saved_model.as_ref());
    for saved in saved.filter(|saved| !is_as_asked(&out.join(&saved.folder), models)) {
        let _ = writeln!(
            text,
            "note     {}: saved by an earlier start in another format or type; it stays as it is",
            harmless::shown(&out.join(&saved.folder).display().to_string()),
        );
    }
    if saving == Saving::Best {
        for best in best_runs(planned) {
            if best.has_model(out) {
                continue;
            }
            let instead = shown.iter().find(|run| run.is_repeated_by(best));
            let instead = match instead {
                Some(run) => format!("saved is seed {}", run.seed),
                None => "no model of it is saved".to_owned(),
            };
            let _ = writeln!(
                text,
                "note     {}: its best run, seed {} with {}, has no saved model; {instead}",
                best.label(),
                best.seed,
                score(best),
            );
        }
        if let Some(run) = shown.first() {
            let _ = writeln!(
                text,
                "note     the saved seed was chosen by its {} score, which flatters that score; expect less on other data",
                set_in_words(&run.settings.headline.set)
            );
        }
    }
    text
}
