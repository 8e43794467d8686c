//! `data.json`: what is worth knowing about the sentences of a study.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tasks::{SplitFacts, counted};

use crate::error::StudyError;
use crate::json_text::json_text;

/// The training file and the evaluation sets, as far as they are used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSummary {
    /// The training file first.
    pub files: Vec<FileSummary>,
}

/// One of the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSummary {
    /// `train`, or the name of the evaluation set.
    pub set: String,
    /// The file.
    pub file: String,
    /// Counts of the rows that are used.
    pub facts: SplitFacts,
    /// Rows of an evaluation set whose sentence or pair the model is trained on.
    pub shared_with_train: usize,
    /// The row in the file, from 1, of each example and thus of each prediction, if only some of the file's rows are
    /// scored; neither a header nor blank lines are rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<usize>>,
}

impl DataSummary {
    /// What to be careful with, one line each.
    pub fn warnings(&self) -> Vec<String> {
        self.files.iter().flat_map(FileSummary::warnings).collect()
    }

    /// Writes the summary as JSON, as a whole or not at all; a file that holds it already stays.
    ///
    /// # Errors
    /// [`StudyError::File`].
    pub fn save(&self, path: &Path) -> Result<(), StudyError> {
        Ok(files::update(path, json_text(self).as_bytes())?)
    }
}

impl FileSummary {
    /// What to be careful with, one line each.
    pub fn warnings(&self) -> Vec<String> {
        let shared = (self.shared_with_train > 0).then(|| {
            format!(
                "{} of {} {} in the training file too, where the model has seen {}",
                self.shared_with_train,
                counted(self.facts.rows, "row"),
                if self.shared_with_train == 1 {
                    "is"
                } else {
                    "are"
                },
                if self.shared_with_train == 1 {
                    "its label"
                } else {
                    "their labels"
                }
            )
        });
        let warnings = self.facts.warnings().into_iter().chain(shared);
        warnings
            .map(|warning| format!("{}: {warning}", self.set))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_names_its_set() {
        let file = FileSummary {
            set: "validation".to_owned(),
            file: "v.csv".to_owned(),
            facts: SplitFacts {
                rows: 10,
                classes: vec![("bad".to_owned(), 1), ("good".to_owned(), 9)],
                repeated: 0,
                conflicting: 0,
            },
            shared_with_train: 3,
            rows: None,
        };
        let warnings = DataSummary { files: vec![file] }.warnings();
        assert_eq!(
            warnings,
            [
                "validation: 90.0 % of the rows are of class good: accuracy says little",
                "validation: 3 of 10 rows are in the training file too, where the model has seen their labels",
            ]
        );
    }
}
