//! Reads a file of one's own as a split.

use std::ops::ControlFlow;
use std::path::Path;

use super::{Labels, Table, TableColumns};
use crate::counted::counted;
use crate::error::TaskError;
use crate::outputs::Outputs;
use crate::source::contents::strip;
use crate::split::{Example, Split};
use crate::targets::Targets;

impl TableColumns {
    /// Reads the file at `path`, row by row.
    pub(crate) fn read(&self, path: &Path, outputs: &Outputs) -> Result<Split, TaskError> {
        let table = Table::at(path)?;
        let mut columns = vec![self.sentence.as_str()];
        columns.extend(self.sentence2.as_deref());
        let sentences = columns.len();
        columns.extend(self.label.as_deref());

        let mut examples = Vec::new();
        let mut labels = Labels::new(outputs);
        let (mut empty, mut long) = (None, None);
        let blank_lines = table.visit(&columns, &mut |place, values| {
            let mut texts = [None, None];
            for (at, &value) in values[..sentences].iter().enumerate() {
                let text = strip(place.text(path, columns[at], value)?);
                if text.is_empty() {
                    let (count, _) = empty.get_or_insert((0_usize, place));
                    *count += 1;
                }
                if table.is_tsv() && text.contains(['\n', '\r']) {
                    let (count, _) = long.get_or_insert((0_usize, place));
                    *count += 1;
                }
                texts[at] = Some(text.to_owned());
            }
            let [sentence, sentence2] = texts;
            examples.push(Example {
                sentence: sentence.unwrap_or_default(),
                sentence2,
            });
            if let Some(&label) = values.get(sentences) {
                let column = columns[sentences];
                let label = strip(place.text(path, column, label)?);
                let pushed = labels.push(label);
                pushed.map_err(|expected| place.label_fault(path, column, label, expected))?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let mut targets = self.label.as_ref().map(|_| labels.into_targets());
        let mut rows = None;
        if let Some(part) = self.part {
            let is_used = part.of(examples.len(), targets.as_ref());
            let used = (1..).zip(&is_used).filter(|(_, is_used)| **is_used);
            rows = Some(used.map(|(row, _)| row).collect());
            retain(&mut examples, &is_used);
            match &mut targets {
                Some(Targets::Classes(classes)) => retain(classes, &is_used),
                Some(Targets::Scores(scores)) => retain(scores, &is_used),
                None => {}
            }
        }
        if examples.is_empty() {
            return Err(TaskError::NoExamples {
                path: path.to_owned(),
            });
        }

        let mut notes = Vec::new();
        if let Some((count, first)) = empty {
            notes.push(first.note(
                path,
                &format!("the first of {}", counted(count, "empty text")),
            ));
        }
        if let Some((count, first)) = long {
            notes.push(first.note(
                path,
                &format!(
                    "the first of {} whose quotes hold line ends; in GLUE's own files quotes are part of the text (--task NAME)",
                    counted(count, "text")
                ),
            ));
        }
        if blank_lines > 0 {
            notes.push(format!(
                "{}: skipped: {} between the rows",
                path.display(),
                counted(blank_lines, "blank line")
            ));
        }
        let sha256 = files::sha256_of_file(path).map_err(|error| TaskError::Table {
            path: path.to_owned(),
            found: error.to_string(),
            expected: "a file that may be read".to_owned(),
        })?;
        Ok(Split {
            count: examples.len(),
            examples,
            targets,
            rows,
            sha256,
            notes,
        })
    }
}

/// Keeps the elements that are used.
fn retain<T>(elements: &mut Vec<T>, is_used: &[bool]) {
    let mut is_used = is_used.iter();
    elements.retain(|_| is_used.next() == Some(&true));
    elements.shrink_to_fit();
}
