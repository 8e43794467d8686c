//! Which columns of a file of one's own are the sentences and the label.

use std::ops::ControlFlow;

use super::OwnFiles;
use crate::error::TaskError;
use crate::source::contents::strip;
use crate::source::table::{SAMPLE, Table, Value, listed};

/// Columns of pairs in `task_to_keys` of transformers' `run_glue.py`.
const PAIRS: [(&str, &str); 4] = [
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
];

/// Columns of single sentences: that of `task_to_keys`, and that of most data sets of the hub.
const SINGLES: [&str; 2] = ["sentence", "text"];

/// The label column of `run_glue.py`.
const LABEL: &str = "label";

/// Most columns beside the label of which one may be found to be the text.
const MOST_OTHERS: usize = 100;

/// Columns by their names in a file.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) sentence: String,
    pub(crate) sentence2: Option<String>,
    pub(super) label: Option<String>,
    /// Why the columns of the sentences were taken.
    pub(crate) text_reason: &'static str,
    /// Why the column of the label was taken.
    pub(super) label_reason: &'static str,
}

/// The columns of the sentences, and why they were taken.
type Texts = (String, Option<String>, &'static str);

const NAMED: &str = "as named";
const BY_NAME: &str = "guessed by name";

const SEPARATORS: &str = "columns separated by commas in .csv and by tabs in .tsv";

impl Columns {
    /// Chooses the columns of the training file.
    pub(super) fn of_train(table: &Table, options: &OwnFiles) -> Result<Self, TaskError> {
        let header = table.header()?;
        let (label, label_reason) = match &options.label_column {
            Some(name) => (found(table, &header, name)?, NAMED),
            None => match find(&header, LABEL) {
                Some(name) => (name.to_owned(), BY_NAME),
                None => {
                    return Err(TaskError::Table {
                        path: table.path().to_owned(),
                        found: format!("no column \"{LABEL}\" in {}", listed(&header)),
                        expected: match table.is_unseparated(&header) {
                            true => SEPARATORS,
                            false => "--label-column NAME with one of these",
                        }
                        .to_owned(),
                    });
                }
            },
        };
        let (sentence, sentence2, text_reason) =
            match (&options.text_column, &options.text_pair_column) {
                (Some(first), second) => {
                    let second = second.as_ref().map(|name| found(table, &header, name));
                    (found(table, &header, first)?, second.transpose()?, NAMED)
                }
                (None, Some(second)) => return Err(pair_alone(table, second)),
                (None, None) => guess(table, &header, &label)?,
            };
        let used = [Some(&sentence), sentence2.as_ref(), Some(&label)];
        let used: Vec<&String> = used.into_iter().flatten().collect();
        if let Some(twice) = (1..used.len()).find(|&at| used[..at].contains(&used[at])) {
            return Err(TaskError::Table {
                path: table.path().to_owned(),
                found: format!("column {:?} used twice", used[twice]),
                expected: format!("different columns of {}", listed(&header)),
            });
        }
        Ok(Self {
            sentence,
            sentence2,
            label: Some(label),
            text_reason,
            label_reason,
        })
    }

    /// Chooses the columns of the texts in a file to predict, whose labels, if it has any, do not count.
    pub(crate) fn of_texts(
        table: &Table,
        header: &[String],
        text_column: Option<&str>,
        text_pair_column: Option<&str>,
    ) -> Result<Self, TaskError> {
        let (sentence, sentence2, text_reason) = match (text_column, text_pair_column) {
            (Some(first), second) => {
                let second = second.map(|name| found(table, header, name)).transpose()?;
                (found(table, header, first)?, second, NAMED)
            }
            (None, Some(second)) => return Err(pair_alone(table, second)),
            (None, None) => guess(table, header, find(header, LABEL).unwrap_or(LABEL))?,
        };
        if sentence2.as_ref() == Some(&sentence) {
            return Err(TaskError::Table {
                path: table.path().to_owned(),
                found: format!("column {sentence:?} used twice"),
                expected: format!("different columns of {}", listed(header)),
            });
        }
        Ok(Self {
            sentence,
            sentence2,
            label: None,
            text_reason,
            label_reason: NAMED,
        })
    }

    /// Finds the same columns in another file. Its label column may be missing.
    pub(super) fn in_file(&self, table: &Table) -> Result<Self, TaskError> {
        let header = table.header()?;
        let second = self.sentence2.as_ref();
        Ok(Self {
            sentence: found(table, &header, &self.sentence)?,
            sentence2: second.map(|name| found(table, &header, name)).transpose()?,
            label: (self.label.as_ref())
                .and_then(|name| find(&header, name))
                .map(str::to_owned),
            ..*self
        })
    }
}

/// Finds a column by its name, or by a spelling that differs in case and surrounding white space, if there
/// is only one.
fn find<'h>(header: &'h [String], name: &str) -> Option<&'h str> {
    let header = || header.iter().map(String::as_str);
    if let Some(exact) = header().find(|&column| column == name) {
        return Some(exact);
    }
    let plain = |name: &str| strip(name).to_lowercase();
    let mut alike = header().filter(|column| plain(column) == plain(name));
    match (alike.next(), alike.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn found(table: &Table, header: &[String], name: &str) -> Result<String, TaskError> {
    let found = find(header, name).map(str::to_owned);
    found.ok_or_else(|| table.no_column(name, header))
}

/// Guesses the columns of the sentences as `run_glue.py` does, but only where there is no doubt.
fn guess(table: &Table, header: &[String], label: &str) -> Result<Texts, TaskError> {
    let others: Vec<String> = header
        .iter()
        .filter(|column| column.as_str() != label)
        .cloned()
        .collect();
    let pairs = PAIRS
        .iter()
        .filter_map(|(first, second)| Some((find(&others, first)?, find(&others, second)?)));
    let pairs: Vec<(&str, &str)> = pairs.collect();
    let in_a_pair = |name: &str| {
        pairs
            .iter()
            .any(|&(first, second)| first == name || second == name)
    };
    let singles = SINGLES.iter().filter_map(|single| find(&others, single));
    let singles: Vec<&str> = singles.filter(|single| !in_a_pair(single)).collect();
    let is_first = |&(first, second): &(&str, &str)| {
        find(&others, PAIRS[0].0) == Some(first) && find(&others, PAIRS[0].1) == Some(second)
    };
    let guessed = match (pairs.as_slice(), singles.as_slice()) {
        ([pair, ..], _) if is_first(pair) => Some((pair.0, Some(pair.1))),
        ([(first, second)], []) => Some((*first, Some(*second))),
        ([], [single]) => Some((*single, None)),
        ([], []) => None,
        _ => return Err(doubtful(table, &others)),
    };
    if let Some((first, second)) = guessed {
        return Ok((first.to_owned(), second.map(str::to_owned), BY_NAME));
    }
    if table.is_unseparated(header) {
        return Err(TaskError::Table {
            path: table.path().to_owned(),
            found: format!("one column, {}", listed(header)),
            expected: format!("{SEPARATORS}, or --text-column NAME"),
        });
    }
    let texts = match others.as_slice() {
        [only] => vec![only.clone()],
        others if others.len() > MOST_OTHERS => Vec::new(),
        others => texts(table, others)?,
    };
    match texts.as_slice() {
        [only] => Ok((only.clone(), None, "guessed as the only text")),
        _ => Err(doubtful(table, &others)),
    }
}

fn pair_alone(table: &Table, second: &str) -> TaskError {
    TaskError::Table {
        path: table.path().to_owned(),
        found: format!("--text-pair-column {second} without --text-column"),
        expected: "both for pairs".to_owned(),
    }
}

fn doubtful(table: &Table, others: &[String]) -> TaskError {
    TaskError::Table {
        path: table.path().to_owned(),
        found: match others {
            [] => "no column beside the label".to_owned(),
            _ => format!("{}, of which none is surely the text", listed(others)),
        },
        expected: "--text-column NAME, and --text-pair-column NAME for pairs".to_owned(),
    }
}

/// The columns that do not only hold numbers in the first rows. Two of them may be a pair, or a text beside a user or a
/// date, which only the options can tell.
fn texts(table: &Table, columns: &[String]) -> Result<Vec<String>, TaskError> {
    let is_single = |name: &&String| columns.iter().filter(|other| other == name).count() == 1;
    let columns: Vec<&str> = (columns.iter().filter(is_single).map(String::as_str)).collect();
    let mut is_text = vec![false; columns.len()];
    let mut rows = 0;
    table.visit(&columns, &mut |_, values| {
        for (is_text, value) in is_text.iter_mut().zip(values) {
            if let Value::Text(text) = value {
                let text = strip(text);
                *is_text |= !text.is_empty() && text.parse::<f64>().is_err();
            }
        }
        rows += 1;
        Ok(match rows < SAMPLE {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })
    })?;
    let texts = columns.iter().zip(is_text).filter(|(_, is_text)| *is_text);
    Ok(texts.map(|(&name, _)| name.to_owned()).collect())
}
