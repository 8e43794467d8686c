//! Raw records: a file with one JSON object per line.

use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};

/// Writes the records of a call, replacing the file.
pub(crate) fn write<T: Serialize>(path: &Path, records: &[T]) -> Result<(), String> {
    let mut text = String::new();
    for record in records {
        text += &serde_json::to_string(record).map_err(|e| e.to_string())?;
        text.push('\n');
    }
    std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Reads the records of an earlier call.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let record = |(index, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|e| format!("{}:{}: {e}", path.display(), index + 1))
    };
    text.lines().enumerate().map(record).collect()
}
