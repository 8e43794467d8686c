//! Records from before they had a `format`: accuracy on one set, and the predictions in the record itself.

use serde_json::{Map, Value, json};

use super::DEV;

/// Converts a record of version 1 to version 2. A missing field is left for the reader to report.
///
/// Version 1 wrote a loss that was not finite as `null` and did not mark the run as failed. Such a run diverged.
pub(super) fn upgraded(mut record: Map<String, Value>) -> Map<String, Value> {
    let mut diverged = None;
    if let Some(Value::Array(epochs)) = record.get_mut("epochs") {
        let is_whole = |epoch: &Value| epoch.get("dev_loss") != Some(&Value::Null);
        if let Some(first) = epochs.iter().position(|epoch| !is_whole(epoch)) {
            diverged = Some(first + 1);
            epochs.truncate(first);
        }
        epochs.iter_mut().for_each(upgrade_epoch);
    }
    if let (Some(epoch), Some(Value::Null)) = (diverged, record.get("failed")) {
        let reason = format!("training diverged: the dev loss of epoch {epoch} is not a number");
        record.insert("failed".to_owned(), json!(reason));
    }
    record.remove("dev_accuracy");
    if let Some(predictions) = record.remove("dev_predictions") {
        if let Some([first, rest @ ..]) = predictions.as_array().map(Vec::as_slice)
            && !rest.is_empty()
            && rest.iter().all(|class| class == first)
        {
            record.insert("only_class".to_owned(), json!(first.to_string()));
        }
        let has_any = predictions.as_array().is_none_or(|all| !all.is_empty());
        let sets = if has_any {
            json!({ DEV: predictions })
        } else {
            json!({})
        };
        record.insert("predictions".to_owned(), sets);
    }
    if let Some(Value::Object(settings)) = record.get_mut("settings")
        && let Some(dev) = settings.remove("dev")
    {
        settings.insert("evaluation".to_owned(), json!({ DEV: dev }));
        settings.insert(
            "headline".to_owned(),
            json!({ "set": DEV, "metric": "accuracy" }),
        );
    }
    record.insert("format".to_owned(), json!(2));
    record
}

fn upgrade_epoch(epoch: &mut Value) {
    let Value::Object(epoch) = epoch else {
        return;
    };
    if let (Some(loss), Some(accuracy)) = (epoch.remove("dev_loss"), epoch.remove("dev_accuracy")) {
        let scores = json!({ DEV: { "loss": loss, "accuracy": accuracy } });
        epoch.insert("evaluations".to_owned(), scores);
    }
}
