//! Records in which `mixout` was mixconnect, and RecAdam's pull was always cut off.

use serde_json::{Map, Value, json};

use super::FORMAT;
use crate::earlier::{LARGEST_PULL, rename_arm, rename_numbers};

/// Converts a record of version 2 to the current version. A missing field is left for the reader to report.
pub(super) fn upgraded(mut record: Map<String, Value>) -> Map<String, Value> {
    let mut is_recadam = false;
    if let Some(arm) = record.get_mut("arm") {
        rename_arm(arm);
        is_recadam = *arm == "recadam" || *arm == "recadam-noisytune";
    }
    let settings = record.get_mut("settings").and_then(Value::as_object_mut);
    let numbers = settings.and_then(|settings| settings.get_mut("hyperparameters"));
    if let Some(numbers) = numbers.and_then(Value::as_object_mut) {
        rename_numbers(numbers);
        if is_recadam {
            let (name, largest) = LARGEST_PULL;
            numbers.insert(name.to_owned(), json!(largest));
        }
    }
    record.insert("format".to_owned(), json!(FORMAT));
    record
}
