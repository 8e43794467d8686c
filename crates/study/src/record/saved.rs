//! Which runs' finetuned models are saved.

use std::cmp::Ordering;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::RunRecord;

/// The folder of saved models in a study's folder.
pub const MODELS: &str = "models";

/// Which finetuned models of a study are saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Saving {
    /// For each arm, that of the seed with the highest headline score, which choosing flatters. In a sweep, each λ and
    /// each number of training rows has its own.
    Best,
    /// That of every run.
    All,
}

/// A finetuned model that was saved when its run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedModel {
    /// Its folder in the study's folder. If it was the best model of its arm, a better one may have replaced it since.
    pub folder: String,
    /// Why it was saved.
    pub saving: Saving,
}

impl RunRecord {
    /// Whether its finetuned model is in the study's folder.
    pub fn has_model(&self, folder: &Path) -> bool {
        let saved = self.saved_model.as_ref();
        saved.is_some_and(|saved| folder.join(&saved.folder).join("config.json").is_file())
    }

    /// Whether another run has the same arm, λ, training rows and point of a grid.
    pub fn is_repeated_by(&self, other: &Self) -> bool {
        let setting = |run: &Self| {
            let settings = &run.settings;
            let point = settings.grid_point();
            (run.arm, settings.lambda, settings.train.used, point)
        };
        setting(self) == setting(other)
    }

    /// Whether it has the higher headline score; of equal ones, that of the lower seed counts as higher. A failed run has
    /// none.
    pub fn is_better_than(&self, other: &Self) -> bool {
        match (self.score(), other.score()) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(own), Some(others)) => match own.total_cmp(&others) {
                Ordering::Equal => self.seed < other.seed,
                order => order == Ordering::Greater,
            },
        }
    }
}

/// The best run of each arm, λ, number of training rows and point of a grid among those given, in the order in which these occur; failed
/// runs are left out.
pub fn best_runs<'a>(runs: impl IntoIterator<Item = &'a RunRecord>) -> Vec<&'a RunRecord> {
    let mut best: Vec<&RunRecord> = Vec::new();
    for run in runs.into_iter().filter(|run| run.score().is_some()) {
        match best.iter_mut().find(|best| best.is_repeated_by(run)) {
            None => best.push(run),
            Some(best) if run.is_better_than(best) => *best = run,
            Some(_) => {}
        }
    }
    best
}
