//! What something much simpler scores on the same data.

use std::collections::BTreeMap;

use serde::Deserialize;
use study::record::Settings;

use crate::material::Material;
use crate::number::{percent, thousands};

/// Recorded scores; `crates/xtask/peer/bag_of_words.py` made them.
const RECORDED: &str = include_str!("../yardsticks.json");

/// A score on one task, one number of training rows and one dev set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Yardstick {
    task: String,
    train_sha256: String,
    train_rows: usize,
    set_sha256: String,
    name: String,
    /// By metric.
    scores: BTreeMap<String, f64>,
    made_with: String,
}

impl Yardstick {
    /// Whether it was trained and scored on the data of these settings.
    fn is_of(&self, settings: &Settings) -> bool {
        self.task == settings.task
            && self.train_sha256 == settings.train.sha256
            && self.train_rows == settings.train.used
            && settings
                .headline_rows()
                .is_some_and(|rows| rows.sha256 == self.set_sha256 && rows.used == rows.rows)
    }
}

/// A sentence for each recorded score by the headline metric on the data of the study; none if the data differ.
pub(super) fn of(material: &Material<'_>) -> Vec<String> {
    let all: Vec<Yardstick> = serde_json::from_str(RECORDED).expect("the file is this crate's own");
    let planned = material.planned();
    let Some(settings) = planned
        .iter()
        .find(|run| !run.is_tuning() && run.settings.study_train_rows.is_none())
        .map(|run| &run.settings)
    else {
        return Vec::new();
    };
    let sentence = |yardstick: &Yardstick| {
        let score = yardstick.scores.get(&settings.headline.metric)?;
        Some(format!(
            "A yardstick: a {} trained on the same {} sentences scores {} {} here ({}).",
            yardstick.name,
            thousands(yardstick.train_rows),
            percent(*score),
            material.unit(),
            yardstick.made_with,
        ))
    };
    let here = all.iter().filter(|yardstick| yardstick.is_of(settings));
    here.filter_map(sentence).collect()
}
