//! Runs with different settings do not mix in one folder.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{RunsOfFile, Settings};
use crate::config::StudyConfig;
use crate::draw::Draw;
use crate::error::StudyError;
use crate::kind::StudyKind;
use crate::plan::RunKey;

impl RunsOfFile<'_> {
    /// Compares the settings of every record with those that the run would have now, field by field so that the message
    /// can name one; `train_rows` are the study's.
    ///
    /// For a setting that a study varies, the value of its other runs is compared instead.
    ///
    /// # Errors
    /// [`StudyError::OtherStudy`] with the first field that differs.
    pub fn refuse_other_studies(
        &self,
        config: &StudyConfig,
        train_rows: usize,
        settings: impl Fn(&RunKey) -> Settings,
    ) -> Result<(), StudyError> {
        // Without sizes to sweep, no run takes only some of the rows, and how they would be chosen does not matter.
        let draws_rows = config.studies.contains(&StudyKind::DataSize);
        let varied = |settings: &Settings| {
            let vary = settings.vary.clone().unwrap_or(Draw::USUAL.to_vec());
            let counts = |draw: &Draw| draws_rows || *draw != Draw::Subset;
            json(&vary.into_iter().filter(counts).collect::<Vec<_>>())
        };
        for (index, record) in self.records().iter().enumerate() {
            let (recorded, current) = (&record.settings, settings(&RunKey::of(record)));
            let lambda = recorded
                .lambda
                .map(|own| recorded.study_lambda.unwrap_or(own));
            let current_lambda = recorded.lambda.map(|_| config.lambda);
            let rows = recorded.study_train_rows.unwrap_or(recorded.train.used);
            let own = |settings: &Settings| json(&(settings.train.rows, &settings.train.sha256));
            let model = recorded.model.clone().with_tokenizer_of(&current.model);
            let fields = [
                ("task", json(&recorded.task), json(&current.task)),
                ("lambda", json(&lambda), json(&current_lambda)),
                ("vary", varied(recorded), varied(&current)),
                (
                    "noise selection",
                    json(&recorded.noise_selection),
                    json(&current.noise_selection),
                ),
                ("recipe", json(&recorded.recipe), json(&current.recipe)),
                (
                    "recipe",
                    json(&recorded.study_grid_point),
                    json(&current.study_grid_point),
                ),
                (
                    "held-out rows",
                    json(&recorded.held_out),
                    json(&current.held_out),
                ),
                ("model", json(&model), json(&current.model)),
                ("training data", own(recorded), own(&current)),
                ("training rows", json(&rows), json(&train_rows)),
                (
                    "headline",
                    json(&recorded.headline),
                    json(&current.headline),
                ),
                (
                    "hyperparameters",
                    json(&recorded.hyperparameters),
                    json(&current.hyperparameters),
                ),
            ];
            let sets = recorded.evaluation.keys().chain(current.evaluation.keys());
            let sets = sets.map(|set| {
                let rows = |settings: &Settings| json(&settings.evaluation.get(set));
                (format!("{set} data"), rows(recorded), rows(&current))
            });
            let fields = fields.map(|(name, recorded, now)| (name.to_owned(), recorded, now));
            let difference = fields
                .into_iter()
                .chain(sets)
                .find_map(|(name, recorded, now)| difference(&name, &recorded, &now));
            if let Some((field, recorded, current)) = difference {
                return Err(StudyError::OtherStudy {
                    path: self.path().to_path_buf(),
                    line: index + 1,
                    field,
                    recorded,
                    current,
                });
            }
            if !config.mixed_devices
                && device_kind(&recorded.device) != device_kind(&current.device)
            {
                return Err(StudyError::OtherDevice {
                    path: self.path().to_path_buf(),
                    line: index + 1,
                    recorded: recorded.device.clone(),
                    current: current.device,
                });
            }
        }
        Ok(())
    }
}

/// The kind of a device that a user named: `wgpu` of `wgpu`, `wgpu:0` and `wgpu:1`. Runs on devices of one kind mix.
///
/// All remote devices are of one kind, `remote`: their servers do not tell what they compute with.
pub fn device_kind(name: &str) -> &str {
    name.split_once(':').map_or(name, |(kind, _)| kind)
}

/// The first value that differs, with its path, `recipe.epochs` rather than two whole recipes, and both values in words.
pub fn difference(
    name: &str,
    recorded: &Value,
    current: &Value,
) -> Option<(String, String, String)> {
    if recorded == current {
        return None;
    }
    let (Value::Object(ours), Value::Object(theirs)) = (recorded, current) else {
        return Some((name.to_owned(), in_words(recorded), in_words(current)));
    };
    let value = |object: &Map<String, Value>, key: &str| object.get(key).cloned();
    ours.keys().chain(theirs.keys()).find_map(|key| {
        let [ours, theirs] = [ours, theirs].map(|object| value(object, key).unwrap_or_default());
        difference(&format!("{name}.{key}"), &ours, &theirs)
    })
}

/// A value as options write it, not as JSON does.
fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "on".to_owned(),
        Value::Bool(false) => "off".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let words: Vec<String> = values.iter().map(in_words).collect();
            words.join(", ")
        }
        Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("settings are plain data")
}

#[cfg(test)]
mod tests {
    use super::device_kind;

    #[test]
    fn devices_of_one_kind_have_one_name() {
        for name in ["wgpu", "wgpu:0", "wgpu:1"] {
            assert_eq!(device_kind(name), "wgpu");
        }
        assert_ne!(device_kind("wgpu"), device_kind("cuda:0"));
        assert_eq!(device_kind("remote:node1:9000"), "remote");
    }
}
