//! What a study leaves, without its times and the numbers of threads and jobs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The files and records of a finished study, by name.
pub(crate) struct Results(BTreeMap<String, Vec<u8>>);

impl Results {
    /// Reads summary, predictions, and the records by arm and seed.
    pub(crate) fn read(out: &Path) -> Result<Self, String> {
        let read = |path: &Path| fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
        let mut found = BTreeMap::new();
        for name in ["summary.json", "study.json", "plan.json", "data.json"] {
            found.insert(name.to_owned(), read(&out.join(name))?);
        }
        let folder = out.join("predictions");
        let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|e| e.to_string())?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            found.insert(format!("predictions/{name}"), read(&path)?);
        }
        let runs = out.join("runs.jsonl");
        for line in String::from_utf8_lossy(&read(&runs)?).lines() {
            let wrong = |e| format!("{}: {e}", runs.display());
            let mut record: Value = serde_json::from_str(line).map_err(wrong)?;
            let name = format!("record of {} seed {}", record["arm"], record["seed"]);
            for own in ["seconds", "finished_unix", "machine"] {
                record[own] = Value::Null;
            }
            for epoch in record["epochs"].as_array_mut().into_iter().flatten() {
                epoch["train_seconds"] = Value::Null;
            }
            if found
                .insert(name.clone(), record.to_string().into_bytes())
                .is_some()
            {
                return Err(format!("{}: two times the {name}", runs.display()));
            }
        }
        if out.join("checkpoints").exists() {
            found.insert("checkpoints".to_owned(), Vec::new());
        }
        Ok(Self(found))
    }

    /// The names of what differs, or is only in one of both.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let names = self.0.keys().chain(other.0.keys());
        let mut names: Vec<String> = names
            .filter(|name| self.0.get(*name) != other.0.get(*name))
            .cloned()
            .collect();
        names.sort();
        names.dedup();
        names
    }
}
