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
pub(crate) const SLOPE: (&str, f64) = ("recadam.slope", 100.0);
