//! What earlier versions called by other names.

use serde_json::{Map, Value, json};

/// Up to version 2 of the records, `mixout` was what its authors call mixconnect.
const RENAMED: [[&str; 2]; 2] = [
    ["mixout", "mixconnect"],
    ["mixout-noisytune", "mixconnect-noisytune"],
];

/// Gives an arm today's name.
pub(crate) fn rename_arm(arm: &mut Value) {
    let found = RENAMED.iter().find(|[earlier, _]| *arm == *earlier);
    if let Some([_, now]) = found {
        *arm = json!(now);
    }
}

/// Gives the numbers of methods today's names.
pub(crate) fn rename_numbers(numbers: &mut Map<String, Value>) {
    if let Some(probability) = numbers.remove("mixout.probability") {
        numbers.insert("mixconnect.probability".to_owned(), probability);
    }
}

/// RecAdam's pull was cut off at 1, which no number said.
pub(crate) const LARGEST_PULL: (&str, f64) = ("recadam.largest-pull", 1.0);

/// RecAdam's slope where no other was set.
const SLOPE: (&str, f64) = ("recadam.slope", 100.0);

/// Converts a configuration from before it named the companions, when `mixout` was mixconnect, and RecAdam's numbers others.
pub(crate) fn upgrade_config(config: &mut Map<String, Value>) {
    let names = |config: &Map<String, Value>, field: &str, names: &[&str]| {
        let values = config.get(field).and_then(Value::as_array);
        values.is_some_and(|values| {
            values
                .iter()
                .any(|value| names.iter().any(|name| value == name))
        })
    };
    let has_recadam = names(config, "studies", &["companions"])
        || names(config, "arms", &["recadam", "recadam-noisytune"]);
    if let Some(arms) = config.get_mut("arms").and_then(Value::as_array_mut) {
        arms.iter_mut().for_each(rename_arm);
    }
    let numbers = config.get_mut("hyperparameters");
    if let Some(numbers) = numbers.and_then(Value::as_object_mut) {
        rename_numbers(numbers);
        if has_recadam {
            for (name, value) in [LARGEST_PULL, SLOPE] {
                numbers.entry(name).or_insert_with(|| value.into());
            }
        }
    }
    let companions = json!(["mixconnect", "recadam", "neftune"]);
    config.insert("companions".to_owned(), companions);
}
